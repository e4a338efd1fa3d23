-- A host lists its links in the crawl handshake ("Peers", "Leaves") and in the UDP crawler pong. The list is its own word at
-- one moment and nobody verifies it; what it heard of without being linked is a rumour and not here.
CREATE VIEW report.edge_report AS
SELECT
    n.snapshot_id,
    n.observation_id,
    o.method,
    o.endpoint_id AS from_id,
    l.to_id,
    n.relation
FROM neighbour n
JOIN observation o ON o.snapshot_id = n.snapshot_id AND o.observation_id = n.observation_id
CROSS JOIN LATERAL unnest(n.endpoints) AS l (to_id);
COMMENT ON VIEW   report.edge_report                IS 'Every link as its teller told it, directed, once for each telling.';
COMMENT ON COLUMN report.edge_report.snapshot_id    IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.edge_report.observation_id IS 'Conversation in which it was told.';
COMMENT ON COLUMN report.edge_report.method         IS 'Method of that conversation.';
COMMENT ON COLUMN report.edge_report.from_id        IS 'The host that told it.';
COMMENT ON COLUMN report.edge_report.to_id          IS 'The host that it says it is linked to.';
COMMENT ON COLUMN report.edge_report.relation       IS 'peer: linked to an ultrapeer; leaf: linked to a leaf of its own.';
