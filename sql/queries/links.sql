SELECT
    from_id,
    endpoints,
    relation = 'leaf'
FROM report.edge_list
WHERE snapshot_id = @snapshot
    AND observation_id <= @observations;
