-- What a host has heard of without being linked to it: the lists beside report.edge_list.
CREATE VIEW report.rumour_list AS
SELECT
    o.snapshot_id,
    o.observation_id,
    o.method,
    o.endpoint_id AS from_id,
    l.relation,
    l.endpoints
FROM observation o
CROSS JOIN LATERAL (
    VALUES ('x-try', o.tries), ('ipp', o.cached), ('dht', o.contacts), ('pong', o.ponged)
) AS l (relation, endpoints)
WHERE COALESCE(o.tries, o.cached, o.contacts, o.ponged) IS NOT NULL -- most conversations have no list, and need no look at four
    AND l.endpoints IS NOT NULL;
COMMENT ON VIEW   report.rumour_list                IS 'Every list of hosts that a host passed on: heard of, never a link.';
COMMENT ON COLUMN report.rumour_list.snapshot_id    IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.rumour_list.observation_id IS 'Conversation in which it was told.';
COMMENT ON COLUMN report.rumour_list.method         IS 'Method of that conversation.';
COMMENT ON COLUMN report.rumour_list.from_id        IS 'The host that told it.';
COMMENT ON COLUMN report.rumour_list.relation       IS 'x-try: named beside an answer; ipp, dht: packed in a PONG; pong: a PONG passed on.';
COMMENT ON COLUMN report.rumour_list.endpoints      IS 'endpoint_id of each listed host, in the order of the list.';
