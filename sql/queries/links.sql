SELECT
    o.endpoint_id,
    n.endpoints
FROM neighbour n
JOIN observation o ON o.snapshot_id = n.snapshot_id AND o.observation_id = n.observation_id
WHERE n.snapshot_id = @snapshot;
