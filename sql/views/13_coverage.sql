-- How much of what was heard of was seen. Every statistic of a snapshot is to be read beside this row.
CREATE VIEW report.coverage AS
SELECT
    s.snapshot_id,
    s.endpoints::bigint AS heard,
    COALESCE(v.visited, 0) AS visited,
    COALESCE(v.reached, 0) AS reached,
    CASE WHEN h.told > 0 THEN h.ultrapeers END AS ultrapeers,
    CASE WHEN h.told > 0 THEN h.leaves END AS leaves,
    COALESCE(v.files_measured, 0) AS files_measured,
    CASE WHEN s.fresh THEN k.edges ELSE (SELECT count(*) FROM report.edge e WHERE e.snapshot_id = s.snapshot_id) END AS edges,
    CASE WHEN s.fresh THEN k.rumours ELSE (SELECT count(*) FROM report.rumour r WHERE r.snapshot_id = s.snapshot_id) END
        AS rumours,
    (SELECT count(*) FROM query q WHERE q.snapshot_id = s.snapshot_id) AS queries,
    (SELECT count(*) FROM hit i WHERE i.snapshot_id = s.snapshot_id) AS hits,
    s.observations::bigint AS observations
FROM report.freshness s
LEFT JOIN report.kept k ON k.snapshot_id = s.snapshot_id
LEFT JOIN (
    SELECT
        snapshot_id,
        count(*) FILTER (WHERE visited) AS visited,
        count(*) FILTER (WHERE reached) AS reached,
        count(files) AS files_measured
    FROM report.visit
    GROUP BY snapshot_id
) v ON v.snapshot_id = s.snapshot_id
LEFT JOIN (
    SELECT
        snapshot_id,
        count(role) AS told,
        count(*) FILTER (WHERE role = 'ultrapeer') AS ultrapeers,
        count(*) FILTER (WHERE role = 'leaf') AS leaves
    FROM report.host
    GROUP BY snapshot_id
) h ON h.snapshot_id = s.snapshot_id;
COMMENT ON VIEW   report.coverage                IS 'What each snapshot heard of, visited and reached: one row a snapshot.';
COMMENT ON COLUMN report.coverage.snapshot_id    IS 'The snapshot.';
COMMENT ON COLUMN report.coverage.heard          IS 'Hosts heard of: seeds, neighbours, rumours; not those of hits.';
COMMENT ON COLUMN report.coverage.visited        IS 'Hosts of which an outcome is known.';
COMMENT ON COLUMN report.coverage.reached        IS 'Hosts that spoke to us.';
COMMENT ON COLUMN report.coverage.ultrapeers     IS 'Hosts that are ultrapeers as in report.host, visited or not; NULL: no role was told.';
COMMENT ON COLUMN report.coverage.leaves         IS 'Hosts that are leaves, likewise.';
COMMENT ON COLUMN report.coverage.files_measured IS 'Hosts that told how many files they share.';
COMMENT ON COLUMN report.coverage.edges          IS 'Distinct undirected links told by at least one end.';
COMMENT ON COLUMN report.coverage.rumours        IS 'Hosts whose address was passed on without a link being told.';
COMMENT ON COLUMN report.coverage.queries        IS 'Queries asked.';
COMMENT ON COLUMN report.coverage.hits           IS 'QUERY HIT descriptors received.';
COMMENT ON COLUMN report.coverage.observations   IS 'Conversations.';
