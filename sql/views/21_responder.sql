-- A responder is told apart by its servent GUID, for its address is often a private one. It is a host of the snapshot if the
-- walk heard of an address that one of its hits states; of several such, the first.
CREATE VIEW report.responder AS
SELECT
    snapshot_id,
    servent,
    min(endpoint_id) AS endpoint_id,
    count(*) AS hits
FROM report.hit
GROUP BY snapshot_id, servent;
COMMENT ON VIEW   report.responder             IS 'Who answered queries.';
COMMENT ON COLUMN report.responder.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.responder.servent     IS 'Servent GUID.';
COMMENT ON COLUMN report.responder.endpoint_id IS 'The same host in report.host; NULL: the walk did not hear of its address.';
COMMENT ON COLUMN report.responder.hits        IS 'QUERY HIT descriptors that it sent.';
