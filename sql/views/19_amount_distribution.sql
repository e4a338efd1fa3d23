-- What hosts declare to share, by the role that they give themselves and by the software that they name. KiB are those of
-- leaves: ultrapeers send a power of two as a mark of their role ("PONG", ultrapeer marker).
CREATE VIEW report.amount_distribution AS
SELECT
    s.snapshot_id,
    d.divided_by,
    a.population,
    a.kind,
    a.amount,
    a.hosts
FROM snapshot s
CROSS JOIN (VALUES ('role'), ('software')) AS d (divided_by)
CROSS JOIN LATERAL (
    SELECT
        CASE WHEN GROUPING(role) = 1 THEN 'all' ELSE COALESCE(role, 'not told') END AS population,
        CASE WHEN GROUPING(kib) = 1 THEN 'files' ELSE 'data' END AS kind,
        COALESCE(files, kib) AS amount,
        count(*) AS hosts
    FROM (
        SELECT v.role, v.files, CASE WHEN v.role = 'leaf' THEN v.kib END AS kib
        FROM report.visit v
        WHERE v.snapshot_id = s.snapshot_id AND d.divided_by = 'role'
    ) v
    GROUP BY GROUPING SETS (files, (role, files), kib)
    UNION ALL
    SELECT
        software,
        CASE WHEN GROUPING(kib) = 1 THEN 'files' ELSE 'data' END,
        COALESCE(files, kib),
        count(*)
    FROM (
        SELECT a.software, v.files, CASE WHEN v.role = 'leaf' THEN v.kib END AS kib
        FROM report.visit v
        JOIN report.software a ON a.agent_id = v.agent_id
        WHERE v.snapshot_id = s.snapshot_id AND d.divided_by = 'software'
    ) v
    GROUP BY GROUPING SETS ((software, files), (software, kib))
) a
WHERE a.amount IS NOT NULL;
COMMENT ON VIEW   report.amount_distribution             IS 'Hosts by what they declare to share.';
COMMENT ON COLUMN report.amount_distribution.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.amount_distribution.divided_by  IS 'role or software.';
COMMENT ON COLUMN report.amount_distribution.population  IS 'all, ultrapeer, leaf, not told; or the software, as in report.software.';
COMMENT ON COLUMN report.amount_distribution.kind        IS 'files; or data, KiB of leaves.';
COMMENT ON COLUMN report.amount_distribution.amount      IS 'What they declare.';
COMMENT ON COLUMN report.amount_distribution.hosts       IS 'Hosts that declare as much.';
