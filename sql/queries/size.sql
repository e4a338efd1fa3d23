SELECT
    endpoints,
    observations
FROM report.freshness
WHERE snapshot_id = @snapshot;
