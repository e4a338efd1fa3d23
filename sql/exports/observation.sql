-- title: Observations
-- about: Every conversation with an endpoint, by one method.
-- method: tcp-crawl is the crawl handshake, udp-crawl the UDP crawler ping, leaf a handshake as a leaf with PINGs, x-try one
--   for the hosts that a refusal names, udp-ping a PING with SCP, guess a request for a query key of GUESS, query a query asked
--   as a leaf; none is no conversation, with a host that was passed over; import is a host of a published graph.
-- key: observation_id
-- column: observation_id integer - Number within the snapshot, in the order of writing.
-- column: endpoint_id integer - Whom we spoke to.
-- column: method string - tcp-crawl, udp-crawl, leaf, x-try, udp-ping, guess, query, none, import.
-- column: outcome string - How it ended.
-- column: started time - When it began, by our clock.
-- column: took_us integer? µs How long it took; none: there was no conversation (methods none and import).
-- column: detail text? - Status line of a refusal, or the error; none: there is nothing to tell.
-- column: agent agent? - Software that the host names, as received; none: not told.
-- column: role string? - ultrapeer or leaf, as the host tells; none: not told.
-- column: files integer? files Files that the host claims to share; none: not measured.
-- column: kib integer? KiB KiB that it claims to share, as sent: of ultrapeers a power of two, not to be summed.
-- column: uptime_s integer? s Uptime that it claims; none: not measured.
-- column: fields json? - Facts of this network alone, by name: an object of texts.
SELECT
    o.observation_id,
    o.endpoint_id,
    o.method,
    o.outcome::text AS outcome,
    o.started,
    o.took_us,
    o.detail,
    a.agent,
    o.role::text AS role,
    o.files,
    o.kib,
    o.uptime_s,
    o.fields::text
FROM observation o
LEFT JOIN agent a ON a.agent_id = o.agent_id
WHERE o.snapshot_id = $1
ORDER BY o.observation_id;
