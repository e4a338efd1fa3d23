SELECT
    s.network,
    e.addr,
    e.port,
    q.words
FROM snapshot s
JOIN query q ON q.snapshot_id = s.snapshot_id
JOIN observation o ON o.snapshot_id = q.snapshot_id AND o.observation_id = q.observation_id
JOIN endpoint e ON e.snapshot_id = o.snapshot_id AND e.endpoint_id = o.endpoint_id
WHERE s.snapshot_id = @snapshot
    AND o.outcome = 'answered'
ORDER BY q.observation_id;
