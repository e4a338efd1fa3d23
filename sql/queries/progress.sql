-- Every endpoint, and what is left to do about it. A method counts as done when some conversation by it ended in an outcome
-- about the host, and as settled when that, or when the pacer forbade it. A host is visited when all of its methods are
-- settled and one is done; a method that was only cut short leaves the host to be visited again.
SELECT
    e.endpoint_id,
    e.addr,
    e.port,
    COALESCE(v.settled AND v.done, false) AS visited,
    COALESCE(v.settled, false) AS settled
FROM endpoint e
LEFT JOIN (
    SELECT
        m.endpoint_id,
        bool_or(m.done) AS done,
        bool_and(m.settled) AS settled
    FROM (
        SELECT
            o.endpoint_id,
            bool_or(c.visited) AS done,
            bool_or(c.visited OR c.outcome = 'out-of-scope') AS settled
        FROM observation o
        JOIN report.outcome c ON c.outcome = o.outcome::text
        WHERE o.snapshot_id = @snapshot AND o.method <> 'query'
        GROUP BY o.endpoint_id, o.method
    ) m
    GROUP BY m.endpoint_id
) v ON v.endpoint_id = e.endpoint_id
WHERE e.snapshot_id = @snapshot
ORDER BY e.endpoint_id;
