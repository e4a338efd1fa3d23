-- Addresses that were sent to and that nothing came from, whatever the port, and in how many conversations. A conversation that was
-- not held sent nothing.
SELECT
    e.addr,
    count(*)
FROM observation o
JOIN endpoint e USING (snapshot_id, endpoint_id)
WHERE o.snapshot_id = @snapshot
    AND o.outcome NOT IN ('local-limit', 'out-of-scope', 'cancelled')
GROUP BY e.addr
HAVING min(o.outcome) >= 'connection-refused';
