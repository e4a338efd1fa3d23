-- title: Hosts
-- about: Every address that the snapshot heard of, with the best that its conversations gave.
-- method: of several conversations with a host the best outcome counts, queries left out; the role is its own word, or else
--   that of its neighbours; files, KiB and uptime are the largest that it told.
-- key: endpoint_id
-- column: endpoint_id integer - Number within the snapshot, from 1 without gaps, in the order of hearing.
-- column: addr address? - IPv4 or IPv6 address; none in an imported graph.
-- column: port port? - TCP and UDP port; none in an imported graph.
-- column: name name? - The host as an imported graph names it; none where there is an address.
-- column: visited boolean - A conversation was tried and its outcome is about the host.
-- column: reached boolean - A servent spoke to us.
-- column: outcome string? - Best outcome of any conversation but queries; none: none was tried.
-- column: role string? - ultrapeer or leaf; none: nobody told.
-- column: agent agent? - Software that it names, as received; none: not told.
-- column: files integer? files Files that it claims to share; none: not measured.
-- column: kib integer? KiB KiB that it claims to share; none: not measured, or an ultrapeer, whose figure is only a mark.
-- column: uptime_s integer? s Uptime that it claims; none: not measured.
SELECT
    h.endpoint_id,
    e.addr,
    e.port,
    e.name,
    h.visited,
    h.reached,
    h.outcome,
    h.role,
    h.agent,
    h.files,
    h.kib,
    h.uptime_s
FROM report.host h
JOIN endpoint e ON e.snapshot_id = h.snapshot_id AND e.endpoint_id = h.endpoint_id
WHERE h.snapshot_id = $1
ORDER BY h.endpoint_id;
