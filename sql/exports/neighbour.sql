-- title: Neighbours
-- about: Links that a host reports of itself, one row for each, in the order of its list.
-- method: the lists of the crawl handshake and of the UDP crawler pong, as told; nobody verifies them.
-- column: observation_id integer - Conversation in which the host gave the list.
-- column: relation string - peer: linked to an ultrapeer; leaf: linked to a leaf of its own.
-- column: endpoint_id list - The listed host.
SELECT
    observation_id,
    relation,
    endpoints
FROM report.edge_list
WHERE snapshot_id = $1
ORDER BY
    observation_id,
    relation;
