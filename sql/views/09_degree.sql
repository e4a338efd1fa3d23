-- The degree of a visited host that listed its links is its own word; that of a host only heard of is a lower bound: as many
-- of its links as others told.
CREATE VIEW report.degree AS
SELECT
    h.snapshot_id,
    h.endpoint_id,
    h.role,
    h.visited,
    COALESCE(d.degree, 0) AS degree,
    COALESCE(d.peers, 0) AS peers,
    COALESCE(d.leaves, 0) AS leaves
FROM report.host h
LEFT JOIN (
    SELECT
        e.snapshot_id,
        x.endpoint_id,
        count(*) AS degree,
        count(*) FILTER (WHERE e.kind = 'peer') AS peers,
        count(*) FILTER (WHERE e.kind = 'leaf') AS leaves
    FROM report.edge e
    CROSS JOIN LATERAL (VALUES (e.a), (e.b)) AS x (endpoint_id)
    GROUP BY e.snapshot_id, x.endpoint_id
) d ON d.snapshot_id = h.snapshot_id AND d.endpoint_id = h.endpoint_id;
COMMENT ON VIEW   report.degree             IS 'Links of each host, those with none included.';
COMMENT ON COLUMN report.degree.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.degree.endpoint_id IS 'The host.';
COMMENT ON COLUMN report.degree.role        IS 'ultrapeer or leaf, as in report.host; NULL: nobody told.';
COMMENT ON COLUMN report.degree.visited     IS 'It was visited; if not, its degree is a lower bound.';
COMMENT ON COLUMN report.degree.degree      IS 'Links of any kind.';
COMMENT ON COLUMN report.degree.peers       IS 'Links of kind peer.';
COMMENT ON COLUMN report.degree.leaves      IS 'Links of kind leaf: of an ultrapeer its leaves, of a leaf its ultrapeers.';
