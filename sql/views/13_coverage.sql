-- How much of what was heard of was seen. Every statistic of a snapshot is to be read beside this row.
CREATE VIEW report.coverage AS
SELECT
    s.snapshot_id,
    COALESCE(h.heard, 0) AS heard,
    COALESCE(h.visited, 0) AS visited,
    COALESCE(h.reached, 0) AS reached,
    COALESCE(h.ultrapeers, 0) AS ultrapeers,
    COALESCE(h.leaves, 0) AS leaves,
    COALESCE(h.files_measured, 0) AS files_measured,
    COALESCE(e.edges, 0) AS edges,
    COALESCE(r.rumours, 0) AS rumours,
    COALESCE(q.queries, 0) AS queries,
    COALESCE(i.hits, 0) AS hits,
    COALESCE(o.observations, 0) AS observations
FROM snapshot s
LEFT JOIN (
    SELECT
        snapshot_id,
        count(*) AS heard,
        count(*) FILTER (WHERE visited) AS visited,
        count(*) FILTER (WHERE reached) AS reached,
        count(*) FILTER (WHERE role = 'ultrapeer') AS ultrapeers,
        count(*) FILTER (WHERE role = 'leaf') AS leaves,
        count(files) AS files_measured
    FROM report.host
    GROUP BY snapshot_id
) h ON h.snapshot_id = s.snapshot_id
LEFT JOIN (
    SELECT snapshot_id, count(*) AS edges
    FROM report.edge
    GROUP BY snapshot_id
) e ON e.snapshot_id = s.snapshot_id
LEFT JOIN (
    SELECT snapshot_id, count(*) AS rumours
    FROM report.rumour
    GROUP BY snapshot_id
) r ON r.snapshot_id = s.snapshot_id
LEFT JOIN (
    SELECT snapshot_id, count(*) AS queries
    FROM query
    GROUP BY snapshot_id
) q ON q.snapshot_id = s.snapshot_id
LEFT JOIN (
    SELECT snapshot_id, count(*) AS hits
    FROM hit
    GROUP BY snapshot_id
) i ON i.snapshot_id = s.snapshot_id
LEFT JOIN (
    SELECT snapshot_id, count(*) AS observations
    FROM observation
    GROUP BY snapshot_id
) o ON o.snapshot_id = s.snapshot_id;
COMMENT ON VIEW   report.coverage                IS 'What each snapshot heard of, visited and reached: one row a snapshot.';
COMMENT ON COLUMN report.coverage.snapshot_id    IS 'The snapshot.';
COMMENT ON COLUMN report.coverage.heard          IS 'Hosts heard of: seeds, neighbours, rumours; not those of hits.';
COMMENT ON COLUMN report.coverage.visited        IS 'Hosts of which an outcome is known.';
COMMENT ON COLUMN report.coverage.reached        IS 'Hosts that spoke to us.';
COMMENT ON COLUMN report.coverage.ultrapeers     IS 'Hosts that are ultrapeers as in report.host, visited or not.';
COMMENT ON COLUMN report.coverage.leaves         IS 'Hosts that are leaves as in report.host, visited or not.';
COMMENT ON COLUMN report.coverage.files_measured IS 'Hosts that told how many files they share.';
COMMENT ON COLUMN report.coverage.edges          IS 'Distinct undirected links told by at least one end.';
COMMENT ON COLUMN report.coverage.rumours        IS 'Hosts whose address was passed on without a link being told.';
COMMENT ON COLUMN report.coverage.queries        IS 'Queries asked.';
COMMENT ON COLUMN report.coverage.hits           IS 'QUERY HIT descriptors received.';
COMMENT ON COLUMN report.coverage.observations   IS 'Conversations.';
