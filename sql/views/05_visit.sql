-- What all conversations with one host gave together:
--   rank      the best outcome by report.outcome. A query is asked through a host that was met before, so how the query ended
--             says nothing of the host and does not count, neither here nor for visited and reached;
--   agent_id  the first that it named;
--   role      ultrapeer if it said so in any conversation: a leaf that was promoted during the walk is one now;
--   files, kib, uptime_s   the largest figure that it told in any conversation.
CREATE VIEW report.visit AS
SELECT
    s.snapshot_id,
    v.endpoint_id,
    v.rank <= report.rank('silent') AS visited,
    v.rank <= report.rank('unsupported') AS reached,
    v.rank,
    v.agent_id,
    v.role,
    v.files,
    v.kib,
    v.uptime_s
FROM report.freshness s
CROSS JOIN LATERAL (
    SELECT endpoint_id, rank, agent_id, own_role AS role, files, kib, uptime_s
    FROM report.kept_host
    WHERE snapshot_id = s.snapshot_id AND tried AND s.fresh
    UNION ALL
    SELECT
        endpoint_id,
        min(report.rank(outcome)) FILTER (WHERE method <> 'query'),
        (min(observation_id::bigint << 32 | agent_id) & 4294967295)::integer,
        max(role)::text,
        max(files),
        max(kib),
        max(uptime_s)
    FROM observation
    WHERE snapshot_id = s.snapshot_id AND NOT s.fresh
    GROUP BY endpoint_id
) v;
COMMENT ON VIEW   report.visit             IS 'All conversations with one host together; hosts not tried are not here.';
COMMENT ON COLUMN report.visit.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.visit.endpoint_id IS 'The host.';
COMMENT ON COLUMN report.visit.visited     IS 'The outcome of some conversation is about the host.';
COMMENT ON COLUMN report.visit.reached     IS 'A servent spoke to us.';
COMMENT ON COLUMN report.visit.rank        IS 'Rank of the best outcome, as in report.outcome.';
COMMENT ON COLUMN report.visit.agent_id    IS 'The first software that it named; NULL: not told.';
COMMENT ON COLUMN report.visit.role        IS 'ultrapeer or leaf, by its own word; NULL: not told.';
COMMENT ON COLUMN report.visit.files       IS 'Files that it claims to share; NULL: not measured.';
COMMENT ON COLUMN report.visit.kib         IS 'KiB as sent; of ultrapeers a power of two, not to be summed.';
COMMENT ON COLUMN report.visit.uptime_s    IS 'Uptime that it claims, seconds; NULL: not measured.';
