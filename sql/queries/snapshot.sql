SELECT
    network,
    vantage,
    version,
    source,
    configuration,
    observations
FROM snapshot
WHERE snapshot_id = @snapshot;
