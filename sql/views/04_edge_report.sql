CREATE VIEW report.edge_report AS
SELECT
    n.snapshot_id,
    n.observation_id,
    n.method,
    n.from_id,
    l.to_id,
    n.relation
FROM report.edge_list n
CROSS JOIN LATERAL unnest(n.endpoints) AS l (to_id);
COMMENT ON VIEW   report.edge_report                IS 'Every link as its teller told it, directed, once for each telling.';
COMMENT ON COLUMN report.edge_report.snapshot_id    IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.edge_report.observation_id IS 'Conversation in which it was told.';
COMMENT ON COLUMN report.edge_report.method         IS 'Method of that conversation.';
COMMENT ON COLUMN report.edge_report.from_id        IS 'The host that told it.';
COMMENT ON COLUMN report.edge_report.to_id          IS 'The host that it says it is linked to.';
COMMENT ON COLUMN report.edge_report.relation       IS 'peer: linked to an ultrapeer; leaf: linked to a leaf of its own.';
