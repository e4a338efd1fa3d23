-- How many hosts share how many files, by role, and how many leaves how many KiB: ultrapeers round theirs.
SELECT
    a.kind,
    a.amount,
    count(*) AS hosts
FROM report.host h
CROSS JOIN LATERAL (
    VALUES
        ('files', h.files),
        (COALESCE(h.role, 'role not known'), h.files),
        ('data', CASE WHEN h.role = 'leaf' THEN h.kib END)
) AS a (kind, amount)
WHERE h.snapshot_id = $1 AND a.amount IS NOT NULL
GROUP BY a.kind, a.amount
ORDER BY a.kind, a.amount;
