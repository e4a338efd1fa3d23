CREATE VIEW report.rumour AS
SELECT
    r.snapshot_id,
    l.endpoint_id,
    count(DISTINCT r.from_id) AS tellers,
    array_agg(DISTINCT r.relation ORDER BY r.relation) AS relations
FROM report.rumour_list r
CROSS JOIN LATERAL unnest(r.endpoints) AS l (endpoint_id)
GROUP BY r.snapshot_id, l.endpoint_id;
COMMENT ON VIEW   report.rumour             IS 'Hosts whose address was passed on by others: heard of, not linked.';
COMMENT ON COLUMN report.rumour.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.rumour.endpoint_id IS 'The host that was heard of.';
COMMENT ON COLUMN report.rumour.tellers     IS 'How many hosts passed its address on.';
COMMENT ON COLUMN report.rumour.relations   IS 'In which ways: x-try, ipp, dht, pong.';
