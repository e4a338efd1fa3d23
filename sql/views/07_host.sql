-- One row for each address that a snapshot heard of. Of the role its own word comes first, then that of its neighbours. KiB is
-- NULL for ultrapeers: they send a power of two of at least 8 as a mark of their role ("PONG", ultrapeer marker).
CREATE VIEW report.host AS
SELECT
    e.snapshot_id,
    e.endpoint_id,
    e.host,
    COALESCE(v.visited, false) AS visited,
    COALESCE(v.reached, false) AS reached,
    (SELECT c.outcome FROM report.outcome c WHERE c.rank = v.rank) AS outcome,
    COALESCE(v.role, t.role) AS role,
    named.agent,
    v.files,
    CASE WHEN COALESCE(v.role, t.role) = 'ultrapeer' THEN NULL ELSE v.kib END AS kib,
    v.uptime_s
FROM report.endpoint e
LEFT JOIN report.visit v ON v.snapshot_id = e.snapshot_id AND v.endpoint_id = e.endpoint_id
LEFT JOIN report.told_role t ON t.snapshot_id = e.snapshot_id AND t.endpoint_id = e.endpoint_id
LEFT JOIN report.observation named ON named.snapshot_id = v.snapshot_id AND named.observation_id = v.agent_observation_id;
COMMENT ON VIEW   report.host             IS 'Every address that a snapshot heard of, and what it told.';
COMMENT ON COLUMN report.host.snapshot_id IS 'Snapshot that heard of it.';
COMMENT ON COLUMN report.host.endpoint_id IS 'Number within the snapshot, from 1 without gaps.';
COMMENT ON COLUMN report.host.host        IS 'Address and port, or the name in an imported graph.';
COMMENT ON COLUMN report.host.visited     IS 'A conversation was tried and its outcome is about the host.';
COMMENT ON COLUMN report.host.reached     IS 'A servent spoke to us.';
COMMENT ON COLUMN report.host.outcome     IS 'Best outcome of any conversation but queries; NULL: none was tried.';
COMMENT ON COLUMN report.host.role        IS 'ultrapeer or leaf, by its own word or its neighbours''; NULL: not told.';
COMMENT ON COLUMN report.host.agent       IS 'Software that it names; NULL: not told.';
COMMENT ON COLUMN report.host.files       IS 'Files that it claims to share; NULL: not measured.';
COMMENT ON COLUMN report.host.kib         IS 'KiB that it claims to share; NULL: not measured, or an ultrapeer.';
COMMENT ON COLUMN report.host.uptime_s    IS 'Uptime that it claims, seconds; NULL: not measured.';
