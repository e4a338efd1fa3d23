-- title: Reachability
-- about: Which hosts could be reached, by method and by role.
-- order: 12
-- method: each host counts once under each method by which it was tried, with the best outcome of its conversations by that
--   method, and once under any. Roles are a host's own word, else that of the hosts that list it. Firewalled: no answer to the
--   connection attempt, though the host is there, since another lists it as linked or it answered by another method. Timed
--   out: no answer to the connection attempt, and no other sign of the host; by a UDP method only that no datagram came back.
-- screen: 40
-- param: snapshot
-- column: method - left
-- column: role - left
-- column: ending - left
-- column: hosts - right
-- column: share % right
-- column: low % right
-- column: high % right
-- note: share is of the hosts of that role that were tried by that method; low and high are its Wilson 95 % interval, as if they
--   were a random sample. Methods are tried one after another, some only where others left a question: report outcomes tells
--   how often.
-- note: Refused: it declined, or does not know the method. Broke off: it accepted the connection and then spoke no Gnutella,
--   closed, or fell silent. Nobody there: the connection was refused, or the network knows no way. Firewalled may
--   be too few, since one that nobody lists counts as timed out, and too many where lists are out of date.
-- without observations: No host was visited yet: nothing can be said of who can be reached.
WITH host AS MATERIALIZED (
    SELECT
        endpoint_id,
        COALESCE(role, 'not told') AS role,
        rank,
        COALESCE(rank <= report.rank('unsupported'), false) OR COALESCE(degree > 0, false) AS present
    FROM report.degree
    WHERE snapshot_id = $1
),
tried AS (
    SELECT endpoint_id, method, min(report.rank(outcome)) AS rank
    FROM observation
    WHERE snapshot_id = $1 AND method <> 'query'
    GROUP BY endpoint_id, method
    UNION ALL
    SELECT endpoint_id, 'any', rank FROM host WHERE rank IS NOT NULL
),
ended AS (
    SELECT
        t.method,
        h.role,
        CASE
            WHEN t.rank = report.rank('answered') THEN 1
            WHEN t.rank <= report.rank('unsupported') THEN 2
            WHEN t.rank <= report.rank('timeout') THEN 3
            WHEN t.rank <= report.rank('unreachable') THEN 4
            WHEN t.rank = report.rank('connect-timeout') AND h.present THEN 5
            WHEN t.rank <= report.rank('silent') THEN 6
        END AS ending
    FROM tried t
    JOIN host h ON h.endpoint_id = t.endpoint_id
),
counted AS (
    SELECT method, role, ending, count(*) AS hosts
    FROM ended
    WHERE ending IS NOT NULL
    GROUP BY GROUPING SETS ((method, role, ending), (method, ending))
),
whole AS (
    SELECT method, role, sum(hosts) AS hosts FROM counted GROUP BY method, role
)
SELECT
    w.method,
    COALESCE(w.role, 'all') AS role,
    e.ending,
    COALESCE(c.hosts, 0) AS hosts,
    report.share(COALESCE(c.hosts, 0), w.hosts) AS share,
    report.low(COALESCE(c.hosts, 0), w.hosts) AS low,
    report.high(COALESCE(c.hosts, 0), w.hosts) AS high
FROM whole w
CROSS JOIN (
    VALUES (1, 'answered'), (2, 'refused'), (3, 'broke off'), (4, 'nobody there'), (5, 'firewalled'), (6, 'timed out')
) AS e (place, ending)
LEFT JOIN counted c ON c.method = w.method AND c.role IS NOT DISTINCT FROM w.role AND c.ending = e.place
ORDER BY
    array_position(ARRAY['any', 'tcp-crawl', 'udp-crawl', 'leaf', 'x-try', 'udp-ping', 'guess', 'import'], w.method),
    w.method,
    array_position(ARRAY['ultrapeer', 'leaf', 'not told'], w.role) NULLS FIRST,
    e.place
