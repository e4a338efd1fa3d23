-- One row for each address that a snapshot heard of. Of the role its own word comes first, then that of its neighbours. KiB is
-- NULL for ultrapeers: they send a power of two of at least 8 as a mark of their role ("PONG", ultrapeer marker).
CREATE VIEW report.host AS
SELECT
    s.snapshot_id,
    h.endpoint_id,
    e.host,
    COALESCE(h.rank <= report.rank('silent'), false) AS visited,
    COALESCE(h.rank <= report.rank('unsupported'), false) AS reached,
    (report.outcomes())[h.rank]::text AS outcome,
    h.role,
    a.agent,
    h.files,
    CASE WHEN h.role = 'ultrapeer' THEN NULL ELSE h.kib END AS kib,
    h.uptime_s
FROM report.freshness s
CROSS JOIN LATERAL (
    SELECT endpoint_id, rank, role, agent_id, files, kib, uptime_s
    FROM report.kept_host
    WHERE snapshot_id = s.snapshot_id AND s.fresh
    UNION ALL
    SELECT
        e.endpoint_id,
        v.rank,
        COALESCE(v.role, t.role),
        v.agent_id,
        v.files,
        v.kib,
        v.uptime_s
    FROM endpoint e
    LEFT JOIN report.visit v ON v.snapshot_id = e.snapshot_id AND v.endpoint_id = e.endpoint_id
    LEFT JOIN report.told_role t ON t.snapshot_id = e.snapshot_id AND t.endpoint_id = e.endpoint_id
    WHERE e.snapshot_id = s.snapshot_id AND NOT s.fresh
) h
LEFT JOIN report.endpoint e ON e.snapshot_id = s.snapshot_id AND e.endpoint_id = h.endpoint_id
LEFT JOIN agent a ON a.agent_id = h.agent_id;
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
