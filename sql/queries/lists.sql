-- Every list that a host told: whom, whether they are its leaves, and whether it has only heard of them.
SELECT
    from_id,
    endpoints,
    relation = 'leaf' AS leaves,
    false AS rumour
FROM report.edge_list
WHERE snapshot_id = @snapshot
UNION ALL
SELECT
    from_id,
    endpoints,
    false,
    true
FROM report.rumour_list
WHERE snapshot_id = @snapshot;
