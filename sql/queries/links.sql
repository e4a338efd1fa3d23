SELECT
    from_id,
    endpoints
FROM report.edge_list
WHERE snapshot_id = @snapshot;
