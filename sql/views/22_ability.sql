-- What a servent can do, as it tells in the fields of a handshake and in the GGEP of its own PONG (probe/gnutella/record.go
-- keeps them). Who does not tell of an ability has none, but only where it would have told: some servents answer a crawl with
-- their lists alone, so a handshake counts when we linked to the host, or when it names some ability.
CREATE VIEW report.ability AS
SELECT
    o.snapshot_id,
    o.endpoint_id,
    max(o.role)::text AS role,
    bool_or(
        o.method IN ('leaf', 'x-try') AND report.rank(o.outcome) <= report.rank('unsupported')
        OR o.fields ?| ARRAY[
            'accept-encoding', 'bye-packet', 'ggep', 'pong-caching', 'upgrade', 'vendor-message', 'x-degree',
            'x-dynamic-querying', 'x-ext-probes', 'x-features', 'x-guess', 'x-max-ttl', 'x-query-routing',
            'x-ultrapeer-query-routing'
        ]
    ) AS shook,
    bool_or(o.files IS NOT NULL) AS ponged,
    bool_or(o.fields ->> 'accept-encoding' ILIKE '%deflate%') AS deflate,
    bool_or(o.fields ?| ARRAY['ggep', 'pong-ggep']) AS ggep,
    bool_or(o.fields ? 'vendor-message') AS vendor_messages,
    bool_or(o.fields ? 'bye-packet') AS bye,
    bool_or(o.fields ? 'pong-caching') AS pong_caching,
    bool_or(o.fields ? 'x-query-routing') AS query_routing,
    bool_or(o.fields ? 'x-ultrapeer-query-routing') AS ultrapeer_query_routing,
    bool_or(o.fields ? 'x-dynamic-querying') AS dynamic_querying,
    bool_or(o.method = 'guess' AND o.outcome = 'answered' OR o.fields ?| ARRAY['guess', 'x-guess']) AS guess,
    bool_or(
        o.fields ? 'tls' OR o.fields ->> 'upgrade' ILIKE '%tls/%' OR o.fields ->> 'x-features' ILIKE '%tls/%'
    ) AS tls,
    bool_or(o.fields ->> 'dht' <> 'inactive') AS dht,
    bool_or(o.fields ? 'ipv6' OR o.fields ->> 'pong-ggep' ~ '\y6\y' OR o.fields ->> 'x-features' ~* '\yip/6') AS ipv6,
    bool_or(o.fields ->> 'x-features' ILIKE '%browse/%') AS browse_host
FROM observation o
WHERE o.fields IS NOT NULL OR o.files IS NOT NULL OR o.method IN ('leaf', 'x-try', 'guess')
GROUP BY o.snapshot_id, o.endpoint_id;
COMMENT ON VIEW   report.ability                         IS 'Hosts that told something of themselves, and what they can do.';
COMMENT ON COLUMN report.ability.snapshot_id             IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.ability.endpoint_id             IS 'The host.';
COMMENT ON COLUMN report.ability.role                    IS 'ultrapeer or leaf, by its own word; NULL: not told.';
COMMENT ON COLUMN report.ability.shook                   IS 'It named its abilities in a handshake, or would have.';
COMMENT ON COLUMN report.ability.ponged                  IS 'It sent a PONG of its own.';
COMMENT ON COLUMN report.ability.deflate                 IS 'It takes compressed links.';
COMMENT ON COLUMN report.ability.ggep                    IS 'It speaks GGEP.';
COMMENT ON COLUMN report.ability.vendor_messages         IS 'It speaks vendor messages.';
COMMENT ON COLUMN report.ability.bye                     IS 'It understands BYE.';
COMMENT ON COLUMN report.ability.pong_caching            IS 'It answers PINGs from a cache.';
COMMENT ON COLUMN report.ability.query_routing           IS 'It speaks QRP with leaves.';
COMMENT ON COLUMN report.ability.ultrapeer_query_routing IS 'It speaks QRP with ultrapeers.';
COMMENT ON COLUMN report.ability.dynamic_querying        IS 'It asks queries of a few links at a time.';
COMMENT ON COLUMN report.ability.guess                   IS 'It speaks GUESS.';
COMMENT ON COLUMN report.ability.tls                     IS 'It takes TLS.';
COMMENT ON COLUMN report.ability.dht                     IS 'It is in the Mojito DHT.';
COMMENT ON COLUMN report.ability.ipv6                    IS 'It has IPv6.';
COMMENT ON COLUMN report.ability.browse_host             IS 'It lets its files be browsed.';
