CREATE VIEW report.hit AS
SELECT
    h.snapshot_id,
    h.observation_id,
    h.hit_id,
    q.words,
    via.host AS via,
    CASE
        WHEN family(h.addr) = 6 THEN '[' || host(h.addr) || ']:' || h.port
        ELSE host(h.addr) || ':' || h.port
    END AS responder,
    e.endpoint_id,
    h.servent,
    h.delay_us / 1000::double precision AS delay_ms,
    h.hops,
    h.results,
    h.vendor,
    h.firewalled
FROM hit h
JOIN query q ON q.snapshot_id = h.snapshot_id AND q.observation_id = h.observation_id
JOIN observation o ON o.snapshot_id = h.snapshot_id AND o.observation_id = h.observation_id
JOIN report.endpoint via ON via.snapshot_id = o.snapshot_id AND via.endpoint_id = o.endpoint_id
LEFT JOIN endpoint e ON e.snapshot_id = h.snapshot_id AND e.addr = h.addr AND e.port = h.port;
COMMENT ON VIEW   report.hit                IS 'One QUERY HIT descriptor that answers a query.';
COMMENT ON COLUMN report.hit.snapshot_id    IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.hit.observation_id IS 'Query that it answers.';
COMMENT ON COLUMN report.hit.hit_id         IS 'Number within the query, in the order of arrival, from 1.';
COMMENT ON COLUMN report.hit.words          IS 'Words of the query.';
COMMENT ON COLUMN report.hit.via            IS 'Host through which the query was asked.';
COMMENT ON COLUMN report.hit.responder      IS 'Address and port of the responder, as it states them inside the hit.';
COMMENT ON COLUMN report.hit.endpoint_id    IS 'The same host in report.host; NULL: the walk did not hear of that address.';
COMMENT ON COLUMN report.hit.servent        IS 'Servent GUID of the responder.';
COMMENT ON COLUMN report.hit.delay_ms       IS 'From sending the query to receiving the hit, milliseconds.';
COMMENT ON COLUMN report.hit.hops           IS 'Links that the hit travelled, counting ours.';
COMMENT ON COLUMN report.hit.results        IS 'Files in the hit.';
COMMENT ON COLUMN report.hit.vendor         IS 'Four-letter vendor code; NULL when the hit has none.';
COMMENT ON COLUMN report.hit.firewalled     IS 'Push flag; NULL when the hit does not tell.';
