-- title: Hits
-- about: Every QUERY HIT descriptor that answered a query.
-- method: queries are asked as a leaf, through one ultrapeer at a time; a responder is known by the address that it states
--   inside the hit, which is often a private one.
-- key: observation_id hit_id
-- column: observation_id integer - Number of the query within the snapshot.
-- column: hit_id integer - Number of the hit within the query, in the order of arrival, from 1.
-- column: words text - Words of the query.
-- column: asked time - When the query was asked, by our clock.
-- column: via_id integer - endpoint_id of the ultrapeer through which it was asked.
-- column: addr address - Address of the responder, as it states it.
-- column: port port - Port of the responder, as it states it.
-- column: endpoint_id integer? - The same host among the hosts of the snapshot; none: the walk did not hear of it.
-- column: servent guid - Servent GUID of the responder.
-- column: delay_us integer µs From sending the query to receiving the hit.
-- column: hops integer links Links that the hit travelled, counting ours.
-- column: results integer files Files in the hit.
-- column: vendor text? - Four-letter vendor code; none: the hit has none.
-- column: firewalled boolean? - Push flag; none: the hit does not tell.
SELECT
    h.observation_id,
    h.hit_id,
    q.words,
    o.started AS asked,
    o.endpoint_id AS via_id,
    h.addr,
    h.port,
    e.endpoint_id,
    h.servent,
    h.delay_us,
    h.hops,
    h.results,
    h.vendor,
    h.firewalled
FROM hit h
JOIN query q ON q.snapshot_id = h.snapshot_id AND q.observation_id = h.observation_id
JOIN observation o ON o.snapshot_id = h.snapshot_id AND o.observation_id = h.observation_id
LEFT JOIN endpoint e ON e.snapshot_id = h.snapshot_id AND e.addr = h.addr AND e.port = h.port
WHERE h.snapshot_id = $1
ORDER BY
    h.observation_id,
    h.hit_id;
