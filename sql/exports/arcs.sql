-- title: Edges as they were told
-- about: Every link between two hosts, once for each end that told it, teller first.
-- method: a host lists its links in the crawl handshake and in the UDP crawler pong; a host that lists itself has no link.
--   Hosts that nobody told a link of are not in it.
-- key: from_id to_id
-- column: from_id integer - endpoint_id of the host that told it.
-- column: to_id integer - endpoint_id of the host that it says it is linked to.
SELECT DISTINCT
    from_id,
    to_id
FROM report.edge_report
WHERE snapshot_id = $1 AND from_id <> to_id
ORDER BY
    from_id,
    to_id;
