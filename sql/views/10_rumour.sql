CREATE VIEW report.rumour AS
SELECT
    r.snapshot_id,
    l.endpoint_id,
    count(DISTINCT o.endpoint_id) AS tellers,
    array_agg(DISTINCT r.relation ORDER BY r.relation) AS relations
FROM rumour r
JOIN observation o ON o.snapshot_id = r.snapshot_id AND o.observation_id = r.observation_id
CROSS JOIN LATERAL unnest(r.endpoints) AS l (endpoint_id)
GROUP BY r.snapshot_id, l.endpoint_id;
COMMENT ON VIEW   report.rumour             IS 'Hosts whose address was passed on by others: heard of, not linked.';
COMMENT ON COLUMN report.rumour.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.rumour.endpoint_id IS 'The host that was heard of.';
COMMENT ON COLUMN report.rumour.tellers     IS 'How many hosts passed its address on.';
COMMENT ON COLUMN report.rumour.relations   IS 'In which ways: x-try, ipp, pong.';
