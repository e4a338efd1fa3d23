-- What part a host plays. Its own word comes first. Of a host that never told, the hosts that told their own role are
-- believed: a host that one of them lists as a leaf of its own is a leaf, one that is listed as a peer is an ultrapeer, for
-- leaves are linked to ultrapeers only (Gnutella 0.6, "ultrapeer system"). A teller without a role, as in an imported graph of
-- the one-level network of 2002, says nothing about roles.
CREATE VIEW report.role AS
SELECT
    e.snapshot_id,
    e.endpoint_id,
    COALESCE(own.role, told.role) AS role,
    CASE
        WHEN own.role IS NOT NULL THEN 'itself'
        WHEN told.role IS NOT NULL THEN 'neighbour'
    END AS told_by
FROM endpoint e
LEFT JOIN report.own_role own ON own.snapshot_id = e.snapshot_id AND own.endpoint_id = e.endpoint_id
LEFT JOIN (
    SELECT
        r.snapshot_id,
        r.to_id,
        CASE WHEN bool_or(r.relation = 'leaf') THEN 'leaf' ELSE 'ultrapeer' END AS role
    FROM report.edge_report r
    JOIN report.own_role teller ON teller.snapshot_id = r.snapshot_id AND teller.endpoint_id = r.from_id
    GROUP BY r.snapshot_id, r.to_id
) told ON told.snapshot_id = e.snapshot_id AND told.to_id = e.endpoint_id;
COMMENT ON VIEW   report.role             IS 'The part that each host plays in the overlay, and on whose word.';
COMMENT ON COLUMN report.role.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.role.endpoint_id IS 'The host.';
COMMENT ON COLUMN report.role.role        IS 'ultrapeer or leaf; NULL: nobody told.';
COMMENT ON COLUMN report.role.told_by     IS 'itself, or neighbour: a host that lists it; NULL: nobody told.';
