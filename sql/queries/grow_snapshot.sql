UPDATE snapshot
SET
    endpoints = @endpoints,
    observations = @observations
WHERE snapshot_id = @snapshot;
