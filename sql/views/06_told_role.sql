-- The role of a host by the word of its neighbours. A host that is listed by some host as a leaf of its own is a leaf; one that
-- is only listed as a peer is an ultrapeer, for leaves are linked to ultrapeers alone (Gnutella 0.6, "ultrapeer system"). Only
-- tellers that told their own role are believed: in an imported graph of the one-level network of 2002 nobody has one.
CREATE VIEW report.told_role AS
SELECT
    r.snapshot_id,
    r.to_id AS endpoint_id,
    CASE WHEN bool_or(r.relation = 'leaf') THEN 'leaf' ELSE 'ultrapeer' END AS role
FROM report.edge_report r
JOIN report.visit teller ON teller.snapshot_id = r.snapshot_id AND teller.endpoint_id = r.from_id
WHERE teller.role IS NOT NULL
GROUP BY r.snapshot_id, r.to_id;
COMMENT ON VIEW   report.told_role             IS 'Hosts whose role their neighbours told.';
COMMENT ON COLUMN report.told_role.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.told_role.endpoint_id IS 'The host.';
COMMENT ON COLUMN report.told_role.role        IS 'ultrapeer or leaf.';
