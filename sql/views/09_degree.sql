-- The degree of a visited host that listed its links is its own word; that of a host only heard of is a lower bound: as many
-- of its links as others told.
CREATE VIEW report.degree AS
SELECT
    s.snapshot_id,
    d.endpoint_id,
    d.role,
    d.visited,
    d.rank,
    d.degree,
    d.peers,
    d.leaves
FROM report.freshness s
CROSS JOIN LATERAL (
    SELECT
        endpoint_id,
        role,
        COALESCE(rank <= report.rank('silent'), false) AS visited,
        rank,
        degree::bigint,
        peers::bigint,
        leaves::bigint
    FROM report.kept_host
    WHERE snapshot_id = s.snapshot_id AND s.fresh
    UNION ALL
    SELECT
        h.endpoint_id,
        h.role,
        h.visited,
        report.rank(h.outcome::outcome),
        COALESCE(d.degree, 0),
        COALESCE(d.peers, 0),
        COALESCE(d.leaves, 0)
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
    ) d ON d.snapshot_id = h.snapshot_id AND d.endpoint_id = h.endpoint_id
    WHERE h.snapshot_id = s.snapshot_id AND NOT s.fresh
) d;
COMMENT ON VIEW   report.degree             IS 'Links of each host, those with none included.';
COMMENT ON COLUMN report.degree.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.degree.endpoint_id IS 'The host.';
COMMENT ON COLUMN report.degree.role        IS 'ultrapeer or leaf, as in report.host; NULL: nobody told.';
COMMENT ON COLUMN report.degree.visited     IS 'It was visited; if not, its degree is a lower bound.';
COMMENT ON COLUMN report.degree.rank        IS 'Rank of its best outcome, as in report.visit; NULL: it was not tried.';
COMMENT ON COLUMN report.degree.degree      IS 'Links of any kind.';
COMMENT ON COLUMN report.degree.peers       IS 'Links of kind peer.';
COMMENT ON COLUMN report.degree.leaves      IS 'Links of kind leaf: of an ultrapeer its leaves, of a leaf its ultrapeers.';
