-- title: Endpoints
-- about: Every address that the snapshot heard of, visited or not. Not an identity.
-- method: seeds, neighbours and rumours; responders of hits are not among them unless the walk heard of them.
-- key: endpoint_id
-- column: endpoint_id integer - Number within the snapshot, from 1 without gaps, in the order of hearing.
-- column: addr address? - IPv4 or IPv6 address; none in an imported graph.
-- column: port port? - TCP and UDP port; none in an imported graph.
-- column: name name? - The host as an imported graph names it; none where there is an address.
SELECT
    endpoint_id,
    addr,
    port,
    name
FROM endpoint
WHERE snapshot_id = $1
ORDER BY endpoint_id;
