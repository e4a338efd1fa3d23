-- A link counts when at least one end tells it, once however often and by whatever method it is told; a host that lists
-- itself has no link. A link is between an ultrapeer and a leaf when an ultrapeer lists the other as its leaf, or when the
-- teller calls itself a leaf: all links of a leaf are such.
CREATE VIEW report.edge AS
SELECT
    r.snapshot_id,
    least(r.from_id, r.to_id) AS a,
    greatest(r.from_id, r.to_id) AS b,
    CASE WHEN bool_or(r.relation = 'leaf' OR teller.role = 'leaf') THEN 'leaf' ELSE 'peer' END AS kind,
    bool_or(r.from_id < r.to_id)::integer + bool_or(r.from_id > r.to_id)::integer AS ends,
    bool_or(r.from_id < r.to_id) AS told_by_a,
    bool_or(r.from_id > r.to_id) AS told_by_b
FROM report.edge_report r
JOIN report.visit teller ON teller.snapshot_id = r.snapshot_id AND teller.endpoint_id = r.from_id
WHERE r.from_id <> r.to_id
GROUP BY r.snapshot_id, least(r.from_id, r.to_id), greatest(r.from_id, r.to_id);
COMMENT ON VIEW   report.edge             IS 'Distinct undirected links, told by at least one end.';
COMMENT ON COLUMN report.edge.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.edge.a           IS 'endpoint_id of the end with the lower number.';
COMMENT ON COLUMN report.edge.b           IS 'endpoint_id of the end with the higher number.';
COMMENT ON COLUMN report.edge.kind        IS 'leaf: between an ultrapeer and a leaf; peer: any other.';
COMMENT ON COLUMN report.edge.ends        IS 'How many of the two ends told it, 1 or 2.';
COMMENT ON COLUMN report.edge.told_by_a   IS 'a listed b.';
COMMENT ON COLUMN report.edge.told_by_b   IS 'b listed a.';
