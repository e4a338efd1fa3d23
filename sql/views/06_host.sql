-- One row for each address that a snapshot heard of, with the best that all conversations with it gave:
--   outcome   the best by report.outcome. A query is asked through a host that was met before, so how the query ended says
--             nothing of the host and does not count;
--   files, kib, uptime_s   the largest figure that it told in any conversation;
--   kib       NULL for ultrapeers, which send a power of two as a mark of their role (PONG, "ultrapeer marker");
--   agent     the first that it told.
CREATE VIEW report.host AS
SELECT
    e.snapshot_id,
    e.endpoint_id,
    CASE
        WHEN e.name IS NOT NULL THEN e.name
        WHEN family(e.addr) = 6 THEN '[' || host(e.addr) || ']:' || e.port
        ELSE host(e.addr) || ':' || e.port
    END AS host,
    COALESCE(w.visited, false) AS visited,
    COALESCE(w.reached, false) AS reached,
    best.outcome,
    r.role,
    named.agent,
    w.files,
    CASE WHEN r.role = 'ultrapeer' THEN NULL ELSE w.kib END AS kib,
    w.uptime_s
FROM endpoint e
LEFT JOIN (
    SELECT
        o.snapshot_id,
        o.endpoint_id,
        bool_or(c.visited) FILTER (WHERE o.method <> 'query') AS visited,
        bool_or(c.reached) FILTER (WHERE o.method <> 'query') AS reached,
        min(c.rank) FILTER (WHERE o.method <> 'query') AS rank,
        min(o.observation_id) FILTER (WHERE o.agent_id IS NOT NULL) AS agent_observation_id,
        max(o.files) AS files,
        max(o.kib) AS kib,
        max(o.uptime_s) AS uptime_s
    FROM observation o
    JOIN report.outcome c ON c.outcome = o.outcome
    GROUP BY o.snapshot_id, o.endpoint_id
) w ON w.snapshot_id = e.snapshot_id AND w.endpoint_id = e.endpoint_id
LEFT JOIN report.outcome best ON best.rank = w.rank
LEFT JOIN report.observation named ON named.snapshot_id = w.snapshot_id AND named.observation_id = w.agent_observation_id
LEFT JOIN report.role r ON r.snapshot_id = e.snapshot_id AND r.endpoint_id = e.endpoint_id;
COMMENT ON VIEW   report.host             IS 'Every address that a snapshot heard of, with the best that its conversations gave.';
COMMENT ON COLUMN report.host.snapshot_id IS 'Snapshot that heard of it.';
COMMENT ON COLUMN report.host.endpoint_id IS 'Number within the snapshot, from 1 without gaps.';
COMMENT ON COLUMN report.host.host        IS 'Address and port, or the name in an imported graph.';
COMMENT ON COLUMN report.host.visited     IS 'A conversation was tried and its outcome is about the host.';
COMMENT ON COLUMN report.host.reached     IS 'A servent spoke to us.';
COMMENT ON COLUMN report.host.outcome     IS 'Best outcome of any conversation but queries; NULL: none was tried.';
COMMENT ON COLUMN report.host.role        IS 'ultrapeer or leaf, by report.role; NULL: nobody told.';
COMMENT ON COLUMN report.host.agent       IS 'Software that it names; NULL: not told.';
COMMENT ON COLUMN report.host.files       IS 'Files that it claims to share; NULL: not measured.';
COMMENT ON COLUMN report.host.kib         IS 'KiB that it claims to share; NULL: not measured, or an ultrapeer.';
COMMENT ON COLUMN report.host.uptime_s    IS 'Uptime that it claims, seconds; NULL: not measured.';
