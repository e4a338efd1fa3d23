UPDATE snapshot
SET
    state = @state,
    ended = now()
WHERE snapshot_id = @snapshot;
