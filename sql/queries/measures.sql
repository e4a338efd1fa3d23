SELECT
    m.name,
    m.value,
    m.method
FROM report.measure m
WHERE m.snapshot_id = @snapshot
    AND m.version = @version
    AND NOT m.stale
ORDER BY m.name;
