-- title: Rumours
-- about: Addresses that a host has heard of, never a link: one row for each, in the order of its list.
-- method: addresses named beside an answer, packed in a PONG, or passed on as one.
-- column: observation_id integer - Conversation in which the host gave the list.
-- column: relation string - x-try: named beside an answer; ipp, dht: packed in a PONG; pong: a PONG passed on.
-- column: endpoint_id list - The listed host.
SELECT
    observation_id,
    relation,
    endpoints
FROM report.rumour_list
WHERE snapshot_id = $1
ORDER BY
    observation_id,
    relation;
