-- The links of each host, in the order of their numbers, beside what its own conversations gave.
INSERT INTO report.kept_host (
    snapshot_id, endpoint_id, tried, rank, agent_id, own_role, role, files, kib, uptime_s, degree, peers, leaves
)
SELECT
    @snapshot,
    l.endpoint_id,
    v.endpoint_id IS NOT NULL,
    v.rank,
    v.agent_id,
    v.role,
    COALESCE(v.role, NULLIF(l.told_role, '')),
    v.files,
    v.kib,
    v.uptime_s,
    l.peers + l.leaves,
    l.peers,
    l.leaves
FROM unnest(@told_roles::text[], @peers::integer[], @leaves::integer[])
    WITH ORDINALITY AS l (told_role, peers, leaves, endpoint_id)
LEFT JOIN report.visit v ON v.snapshot_id = @snapshot AND v.endpoint_id = l.endpoint_id;
