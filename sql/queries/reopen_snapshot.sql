UPDATE snapshot
SET
    state = 'running',
    ended = NULL
WHERE snapshot_id = @snapshot;
