-- The measured hosts that share most (Adar and Huberman 2000): the top 1 % of 150 hosts are 2, the smallest number that is
-- 1 % at least.
CREATE VIEW report.top_sharer AS
SELECT
    r.snapshot_id,
    t.percent,
    count(*) AS hosts,
    sum(r.files) AS files
FROM (
    SELECT
        h.snapshot_id,
        h.files,
        row_number() OVER (PARTITION BY h.snapshot_id ORDER BY h.files DESC) AS place,
        count(*) OVER (PARTITION BY h.snapshot_id) AS measured
    FROM report.host h
    WHERE h.files IS NOT NULL
) r
CROSS JOIN (VALUES (1), (5), (10), (20), (25)) AS t (percent)
WHERE r.place <= ceil(r.measured * t.percent / 100.0)
GROUP BY r.snapshot_id, t.percent;
COMMENT ON VIEW   report.top_sharer             IS 'What the hosts that share most hold.';
COMMENT ON COLUMN report.top_sharer.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.top_sharer.percent     IS 'The top so many per cent of the measured hosts.';
COMMENT ON COLUMN report.top_sharer.hosts       IS 'How many hosts these are.';
COMMENT ON COLUMN report.top_sharer.files       IS 'Files that they share.';
