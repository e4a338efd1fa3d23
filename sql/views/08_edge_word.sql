-- Who said which link, and what the other end said of it. The two lists are of different moments, so a link that came or went
-- between them is denied too; and an ultrapeer leaves leaves out that told it no port.
CREATE VIEW report.edge_word AS
SELECT
    e.snapshot_id,
    e.a,
    e.b,
    e.methods_a,
    e.methods_b,
    e.trimmed_a,
    e.trimmed_b,
    CASE
        WHEN e.methods_a IS NOT NULL AND e.methods_b IS NOT NULL THEN 'both'
        WHEN other.whole THEN 'denied'
        ELSE 'one'
    END AS word
FROM (
    SELECT
        r.snapshot_id,
        least(r.from_id, r.to_id) AS a,
        greatest(r.from_id, r.to_id) AS b,
        array_agg(DISTINCT r.method) FILTER (WHERE r.from_id < r.to_id) AS methods_a,
        array_agg(DISTINCT r.method) FILTER (WHERE r.from_id > r.to_id) AS methods_b,
        bool_or(o.fields ? 'trimmed') FILTER (WHERE r.from_id < r.to_id) AS trimmed_a,
        bool_or(o.fields ? 'trimmed') FILTER (WHERE r.from_id > r.to_id) AS trimmed_b
    FROM report.edge_report r
    JOIN observation o ON o.snapshot_id = r.snapshot_id AND o.observation_id = r.observation_id
    WHERE r.from_id <> r.to_id
    GROUP BY r.snapshot_id, least(r.from_id, r.to_id), greatest(r.from_id, r.to_id)
) e
LEFT JOIN report.lister other ON other.snapshot_id = e.snapshot_id
    AND other.endpoint_id = CASE WHEN e.methods_a IS NULL THEN e.a ELSE e.b END;
COMMENT ON VIEW   report.edge_word             IS 'Distinct undirected links, who told them, by which method, and whether the ends agree.';
COMMENT ON COLUMN report.edge_word.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.edge_word.a           IS 'endpoint_id of the end with the lower number.';
COMMENT ON COLUMN report.edge_word.b           IS 'endpoint_id of the end with the higher number.';
COMMENT ON COLUMN report.edge_word.methods_a   IS 'Methods by which a told of the link; NULL: it did not.';
COMMENT ON COLUMN report.edge_word.methods_b   IS 'Methods by which b told of the link; NULL: it did not.';
COMMENT ON COLUMN report.edge_word.trimmed_a   IS 'A list in which a told of it is trimmed, or may be; NULL: not told, or nothing is known.';
COMMENT ON COLUMN report.edge_word.trimmed_b   IS 'The same of b.';
COMMENT ON COLUMN report.edge_word.word        IS 'both ends told it; denied: one did, the other told all of its links without it; one did.';
