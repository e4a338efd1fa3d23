WITH forgotten AS (
    DELETE FROM report.kept
    WHERE snapshot_id = @snapshot
)
DELETE FROM report.kept_host
WHERE snapshot_id = @snapshot;
