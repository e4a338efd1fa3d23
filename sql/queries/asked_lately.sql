-- Whom crawls of a network have asked by which method since some time, and when that ended. Of crawls that ended before, nothing is
-- read.
SELECT
    e.addr,
    e.port,
    o.method,
    max(o.started + o.took_us * interval '1 microsecond')
FROM snapshot s
JOIN observation o USING (snapshot_id)
JOIN endpoint e USING (snapshot_id, endpoint_id)
WHERE s.network = @network
    AND s.source IS NULL
    AND (s.ended IS NULL OR s.ended > @since)
    AND o.started + o.took_us * interval '1 microsecond' > @since
    AND o.outcome NOT IN ('local-limit', 'out-of-scope', 'cancelled')
GROUP BY e.addr, e.port, o.method;
