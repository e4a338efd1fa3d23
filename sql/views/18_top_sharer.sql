-- The measured hosts that share most (Adar and Huberman 2000): the top 1 % of 150 hosts are 2, the smallest number that is
-- 1 % at least. Of hosts that share as much as each other, any are as good.
CREATE VIEW report.top_sharer AS
SELECT
    r.snapshot_id,
    t.percent,
    t.hosts,
    sum(r.files::numeric * least(r.hosts, t.hosts - r.above)) AS files
FROM (
    SELECT
        f.snapshot_id,
        f.files,
        f.hosts,
        sum(f.hosts) OVER (PARTITION BY f.snapshot_id ORDER BY f.files DESC) - f.hosts AS above,
        sum(f.hosts) OVER (PARTITION BY f.snapshot_id) AS measured
    FROM report.file_distribution f
) r
CROSS JOIN LATERAL (
    SELECT p.percent, ceil(r.measured * p.percent / 100)::bigint AS hosts
    FROM (VALUES (1), (5), (10), (20), (25)) AS p (percent)
) t
WHERE r.above < t.hosts
GROUP BY r.snapshot_id, t.percent, t.hosts;
COMMENT ON VIEW   report.top_sharer             IS 'What the hosts that share most hold.';
COMMENT ON COLUMN report.top_sharer.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.top_sharer.percent     IS 'The top so many per cent of the measured hosts.';
COMMENT ON COLUMN report.top_sharer.hosts       IS 'How many hosts these are.';
COMMENT ON COLUMN report.top_sharer.files       IS 'Files that they share.';
