-- A host lists its links in the crawl handshake ("Peers", "Leaves") and in the UDP crawler pong. The list is its own word at
-- one moment and nobody verifies it; what it heard of without being linked is a rumour and not here.
CREATE VIEW report.edge_list AS
SELECT
    o.snapshot_id,
    o.observation_id,
    o.method,
    o.endpoint_id AS from_id,
    l.relation,
    l.endpoints
FROM observation o
CROSS JOIN LATERAL (VALUES ('peer', o.peers), ('leaf', o.leaves)) AS l (relation, endpoints)
WHERE l.endpoints IS NOT NULL;
COMMENT ON VIEW   report.edge_list                IS 'Every list of links that a host told of itself.';
COMMENT ON COLUMN report.edge_list.snapshot_id    IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.edge_list.observation_id IS 'Conversation in which it was told.';
COMMENT ON COLUMN report.edge_list.method         IS 'Method of that conversation.';
COMMENT ON COLUMN report.edge_list.from_id        IS 'The host that told it.';
COMMENT ON COLUMN report.edge_list.relation       IS 'peer: linked to these ultrapeers; leaf: linked to these leaves of its own.';
COMMENT ON COLUMN report.edge_list.endpoints      IS 'endpoint_id of each listed host, in the order of the list.';
