-- It reads tables and no views: it runs in the middle of a crawl, when the server has no statistics on the new rows yet.
SELECT
    s.network,
    e.addr,
    e.port
FROM snapshot s
JOIN observation o ON o.snapshot_id = s.snapshot_id
JOIN endpoint e ON e.snapshot_id = o.snapshot_id AND e.endpoint_id = o.endpoint_id
WHERE s.snapshot_id = @snapshot
    AND o.outcome = 'answered'
GROUP BY s.snapshot_id, e.addr, e.port
HAVING bool_or(o.role = 'ultrapeer')
ORDER BY
    bool_or(o.method = 'query') DESC,
    md5(s.snapshot_id || ' ' || host(e.addr) || ' ' || e.port)
LIMIT @limit;
