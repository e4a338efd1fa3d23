SELECT
    heard,
    visited,
    reached,
    ultrapeers,
    leaves,
    files_measured,
    rumours,
    edges,
    queries,
    hits,
    observations
FROM report.coverage
WHERE snapshot_id = @snapshot;
