-- What all conversations with one host gave together:
--   rank      the best outcome by report.outcome. A query is asked through a host that was met before, so how the query ended
--             says nothing of the host and does not count, neither here nor for visited and reached;
--   role      ultrapeer if it said so in any conversation: a leaf that was promoted during the walk is one now;
--   files, kib, uptime_s   the largest figure that it told in any conversation.
CREATE VIEW report.visit AS
SELECT
    o.snapshot_id,
    o.endpoint_id,
    bool_or(c.visited) FILTER (WHERE o.method <> 'query') AS visited,
    bool_or(c.reached) FILTER (WHERE o.method <> 'query') AS reached,
    min(c.rank) FILTER (WHERE o.method <> 'query') AS rank,
    min(o.observation_id) FILTER (WHERE o.agent_id IS NOT NULL) AS agent_observation_id,
    max(o.role) AS role,
    max(o.files) AS files,
    max(o.kib) AS kib,
    max(o.uptime_s) AS uptime_s
FROM observation o
JOIN report.outcome c ON c.outcome = o.outcome
GROUP BY o.snapshot_id, o.endpoint_id;
COMMENT ON VIEW   report.visit                      IS 'All conversations with one host together; hosts not tried are not here.';
COMMENT ON COLUMN report.visit.snapshot_id          IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.visit.endpoint_id          IS 'The host.';
COMMENT ON COLUMN report.visit.visited              IS 'The outcome of some conversation is about the host.';
COMMENT ON COLUMN report.visit.reached              IS 'A servent spoke to us.';
COMMENT ON COLUMN report.visit.rank                 IS 'Rank of the best outcome, as in report.outcome.';
COMMENT ON COLUMN report.visit.agent_observation_id IS 'The first conversation in which it named its software.';
COMMENT ON COLUMN report.visit.role                 IS 'ultrapeer or leaf, by its own word; NULL: not told.';
COMMENT ON COLUMN report.visit.files                IS 'Files that it claims to share; NULL: not measured.';
COMMENT ON COLUMN report.visit.kib                  IS 'KiB as sent; of ultrapeers a power of two, not to be summed.';
COMMENT ON COLUMN report.visit.uptime_s             IS 'Uptime that it claims, seconds; NULL: not measured.';
