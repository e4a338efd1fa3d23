SELECT
    m.name,
    m.value,
    m.method
FROM report.measure m
WHERE m.snapshot_id = @snapshot
    AND m.version = @version
    AND split_part(m.name, '.', 1) = ANY (@things::text[])
    AND NOT m.stale
ORDER BY m.name;
