-- title: Abilities
-- about: Which features of the protocol hosts have adopted.
-- order: 11
-- method: each host counts once, by what it told in any conversation: in the fields of a handshake, or in the GGEP of its own
--   PONG. One that did not tell of a feature does not have it, if it named others or we linked to it (handshake), or if it
--   sent a PONG; else it is not known. Roles are a host's own word.
-- param: snapshot
-- column: feature - left
-- column: told_in - left
-- column: known hosts right
-- column: adopted hosts right
-- column: share % right
-- column: low % right
-- column: high % right
-- column: ultrapeers % right
-- column: leaves % right
-- note: share is of the hosts of which it is known; low and high are its Wilson 95 % interval, as if they were a random sample
--   of all. They are not: who answers a crawl is asked for no more, so handshakes are mostly known of those who refused one.
-- note: Only ultrapeers have reason to tell of GUESS, dynamic querying and QRP between ultrapeers.
-- note: A feature without a row is not known of any host.
-- without reached: No host was reached: nothing can be said of features.
WITH alike AS MATERIALIZED (
    SELECT
        role,
        shook,
        ponged,
        deflate,
        ggep,
        vendor_messages,
        bye,
        pong_caching,
        query_routing,
        ultrapeer_query_routing,
        dynamic_querying,
        guess,
        tls,
        dht,
        ipv6,
        browse_host,
        count(*) AS hosts
    FROM report.ability
    WHERE snapshot_id = $1
    GROUP BY
        role,
        shook,
        ponged,
        deflate,
        ggep,
        vendor_messages,
        bye,
        pong_caching,
        query_routing,
        ultrapeer_query_routing,
        dynamic_querying,
        guess,
        tls,
        dht,
        ipv6,
        browse_host
),
counted AS (
    SELECT
        f.place,
        f.feature,
        f.told_in,
        sum(a.hosts) AS known,
        COALESCE(sum(a.hosts) FILTER (WHERE f.adopted), 0) AS adopted,
        sum(a.hosts) FILTER (WHERE a.role = 'ultrapeer') AS ultrapeers_known,
        COALESCE(sum(a.hosts) FILTER (WHERE a.role = 'ultrapeer' AND f.adopted), 0) AS ultrapeers,
        sum(a.hosts) FILTER (WHERE a.role = 'leaf') AS leaves_known,
        COALESCE(sum(a.hosts) FILTER (WHERE a.role = 'leaf' AND f.adopted), 0) AS leaves
    FROM alike a
    CROSS JOIN LATERAL (
        VALUES
            (1, 'deflate', 'handshake', a.shook, a.deflate),
            (2, 'GGEP', 'handshake or PONG', a.shook OR a.ponged, a.ggep),
            (3, 'vendor messages', 'handshake', a.shook, a.vendor_messages),
            (4, 'BYE', 'handshake', a.shook, a.bye),
            (5, 'pong caching', 'handshake', a.shook, a.pong_caching),
            (6, 'QRP', 'handshake', a.shook, a.query_routing),
            (7, 'QRP, ultrapeers', 'handshake', a.shook, a.ultrapeer_query_routing),
            (8, 'dynamic querying', 'handshake', a.shook, a.dynamic_querying),
            (9, 'GUESS', 'handshake or PONG', a.shook OR a.ponged, a.guess),
            (10, 'TLS', 'handshake or PONG', a.shook OR a.ponged, a.tls),
            (11, 'DHT', 'PONG', a.ponged, a.dht),
            (12, 'IPv6', 'handshake or PONG', a.shook OR a.ponged, a.ipv6),
            (13, 'browse host', 'handshake', a.shook, a.browse_host)
    ) AS f (place, feature, told_in, known, adopted)
    WHERE f.known OR f.adopted
    GROUP BY f.place, f.feature, f.told_in
)
SELECT
    feature,
    told_in,
    known::bigint AS known,
    adopted::bigint AS adopted,
    report.share(adopted, known) AS share,
    report.low(adopted, known) AS low,
    report.high(adopted, known) AS high,
    report.share(ultrapeers, ultrapeers_known) AS ultrapeers,
    report.share(leaves, leaves_known) AS leaves
FROM counted
ORDER BY place
