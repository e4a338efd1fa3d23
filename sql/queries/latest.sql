SELECT max(snapshot_id)
FROM snapshot;
