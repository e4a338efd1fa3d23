-- The degree of a host that listed its links counts those, and those that others told of it. The degree of any other, visited or
-- not, is a lower bound: as many of its links as others told. Where nobody told of any it is not known, which is NULL and not 0.
-- The same holds for its peers and for its leaves.
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
        d.degree,
        d.peers,
        d.leaves
    FROM report.host h
    LEFT JOIN (
        SELECT
            snapshot_id,
            endpoint_id,
            sum(links) AS degree,
            sum(peers) AS peers,
            sum(leaves) AS leaves
        FROM (
            SELECT
                e.snapshot_id,
                x.endpoint_id,
                1 AS links,
                CASE WHEN e.kind = 'peer' THEN 1 END AS peers,
                CASE WHEN e.kind = 'leaf' THEN 1 END AS leaves
            FROM report.edge e
            CROSS JOIN LATERAL (VALUES (e.a), (e.b)) AS x (endpoint_id)
            UNION ALL
            SELECT snapshot_id, endpoint_id, 0, 0, 0 FROM report.lister
        ) told
        GROUP BY snapshot_id, endpoint_id
    ) d ON d.snapshot_id = h.snapshot_id AND d.endpoint_id = h.endpoint_id
    WHERE h.snapshot_id = s.snapshot_id AND NOT s.fresh
) d;
COMMENT ON VIEW   report.degree             IS 'Every host, and how many links of it are known.';
COMMENT ON COLUMN report.degree.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.degree.endpoint_id IS 'The host.';
COMMENT ON COLUMN report.degree.role        IS 'ultrapeer or leaf, as in report.host; NULL: nobody told.';
COMMENT ON COLUMN report.degree.visited     IS 'The outcome of some conversation is about the host; it need not have listed its links.';
COMMENT ON COLUMN report.degree.rank        IS 'Rank of its best outcome, as in report.visit; NULL: it was not tried.';
COMMENT ON COLUMN report.degree.degree      IS 'Links of any kind, a lower bound if the host did not list them; NULL: nor did others tell of one.';
COMMENT ON COLUMN report.degree.peers       IS 'Links of kind peer; likewise.';
COMMENT ON COLUMN report.degree.leaves      IS 'Links of kind leaf: of an ultrapeer its leaves, of a leaf its ultrapeers; likewise.';
