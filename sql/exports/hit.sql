-- title: Hits
-- about: Every QUERY HIT descriptor that answered a query.
-- method: a responder is known by the address that it states inside the hit, which is often a private one.
-- key: observation_id hit_id
-- column: observation_id integer - Query that it answers.
-- column: hit_id integer - Number within the query, in the order of arrival, from 1.
-- column: addr address - Address of the responder, as it states it.
-- column: port port - Port of the responder, as it states it.
-- column: servent guid - Servent GUID of the responder.
-- column: delay_us integer µs From sending the query to receiving the hit.
-- column: hops integer links Links that the hit travelled, counting ours.
-- column: results integer files Files in the hit.
-- column: vendor text? - Four-letter vendor code; none: the hit has none.
-- column: firewalled boolean? - Push flag; none: the hit does not tell.
SELECT
    observation_id,
    hit_id,
    addr,
    port,
    servent,
    delay_us,
    hops,
    results,
    vendor,
    firewalled
FROM hit
WHERE snapshot_id = $1
ORDER BY
    observation_id,
    hit_id;
