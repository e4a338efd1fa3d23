-- The role by a host's own word: ultrapeer if it said so in any conversation, since a leaf that was promoted during the walk
-- is one now.
CREATE VIEW report.own_role AS
SELECT
    o.snapshot_id,
    o.endpoint_id,
    max(o.role) AS role
FROM observation o
WHERE o.role IS NOT NULL
GROUP BY o.snapshot_id, o.endpoint_id;
COMMENT ON VIEW   report.own_role             IS 'Hosts that told their role.';
COMMENT ON COLUMN report.own_role.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.own_role.endpoint_id IS 'The host.';
COMMENT ON COLUMN report.own_role.role        IS 'ultrapeer or leaf.';
