-- A query that could not be asked found nothing, but measured nothing either: its hits are NULL.
CREATE VIEW report.query AS
SELECT
    q.snapshot_id,
    q.observation_id,
    q.words,
    via.host AS via,
    o.started,
    o.outcome::text AS outcome,
    CASE WHEN o.outcome = 'answered' THEN COALESCE(h.hits, 0) ELSE h.hits END AS hits,
    CASE WHEN o.outcome = 'answered' THEN COALESCE(h.results, 0) ELSE h.results END AS results
FROM query q
JOIN observation o ON o.snapshot_id = q.snapshot_id AND o.observation_id = q.observation_id
JOIN report.endpoint via ON via.snapshot_id = o.snapshot_id AND via.endpoint_id = o.endpoint_id
LEFT JOIN (
    SELECT
        hit.snapshot_id,
        hit.observation_id,
        count(*) AS hits,
        sum(hit.results) AS results
    FROM hit
    GROUP BY hit.snapshot_id, hit.observation_id
) h ON h.snapshot_id = q.snapshot_id AND h.observation_id = q.observation_id;
COMMENT ON VIEW   report.query                IS 'A query asked through one ultrapeer, as its leaf, and what came back.';
COMMENT ON COLUMN report.query.snapshot_id    IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.query.observation_id IS 'Conversation in which it was asked.';
COMMENT ON COLUMN report.query.words          IS 'The words, from the published list.';
COMMENT ON COLUMN report.query.via            IS 'Host through which it was asked.';
COMMENT ON COLUMN report.query.started        IS 'When it was asked.';
COMMENT ON COLUMN report.query.outcome        IS 'How the conversation ended; the words are listed in report.outcome.';
COMMENT ON COLUMN report.query.hits           IS 'QUERY HIT descriptors; NULL: the query was not asked.';
COMMENT ON COLUMN report.query.results        IS 'Files in them; NULL: the query was not asked.';
