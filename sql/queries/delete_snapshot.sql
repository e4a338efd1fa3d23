-- The small tables go with the snapshot by their constraints; the large ones have none.
WITH endpoints AS (
    DELETE FROM endpoint
    WHERE snapshot_id = @snapshot
),
observations AS (
    DELETE FROM observation
    WHERE snapshot_id = @snapshot
),
hosts AS (
    DELETE FROM report.kept_host
    WHERE snapshot_id = @snapshot
)
DELETE FROM snapshot
WHERE snapshot_id = @snapshot;
