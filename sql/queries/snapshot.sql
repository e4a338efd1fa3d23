SELECT
    network,
    vantage,
    version,
    source,
    configuration
FROM snapshot
WHERE snapshot_id = @snapshot;
