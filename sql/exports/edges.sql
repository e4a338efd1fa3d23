-- title: Edges
-- about: Every link between two hosts that at least one of them told, once.
-- method: a host lists its links in the crawl handshake and in the UDP crawler pong; a host that lists itself has no link, and
--   an address that it merely heard of is none. Hosts that were never visited told nothing: links between two of them are
--   missing.
-- key: a b
-- column: a integer - endpoint_id of the end with the lower number.
-- column: b integer - endpoint_id of the end with the higher number.
-- column: kind string - leaf: between an ultrapeer and a leaf; peer: any other.
-- column: told_by_a boolean - a listed b.
-- column: told_by_b boolean - b listed a.
SELECT
    a,
    b,
    kind,
    told_by_a,
    told_by_b
FROM report.edge
WHERE snapshot_id = $1
ORDER BY
    a,
    b;
