-- title: Agents
-- about: Which software hosts run, by family and version.
-- order: 6
-- method: each host counts once, with the first text in which it named its software (User-Agent, or the list of a UDP crawl).
--   Software is what stands before the first version number or bracket, version the first two numbers.
-- screen: 40
-- param: snapshot
-- column: software - left
-- column: version - left
-- column: hosts - right
-- column: share % right
-- column: low % right
-- column: high % right
-- column: ultrapeers hosts right
-- column: leaves hosts right
-- note: share is of the hosts that named their software; low and high are its Wilson 95 % interval, as if they were a random
--   sample of all. Hosts name themselves as they like; nothing verifies it.
-- note: Rows of version all are the sums of the rows below them. The others that were heard of did not name their software,
--   or were not reached.
-- without reached: No host was reached: nothing can be said of software.
WITH named AS (
    SELECT agent, role, count(*) AS hosts
    FROM report.host
    WHERE snapshot_id = $1 AND agent IS NOT NULL
    GROUP BY agent, role
),
family AS (
    SELECT
        s.software,
        s.version,
        sum(n.hosts)::bigint AS hosts,
        COALESCE(sum(n.hosts) FILTER (WHERE n.role = 'ultrapeer'), 0)::bigint AS ultrapeers,
        COALESCE(sum(n.hosts) FILTER (WHERE n.role = 'leaf'), 0)::bigint AS leaves
    FROM named n
    JOIN report.software s ON s.agent = n.agent
    GROUP BY GROUPING SETS ((s.software, s.version), (s.software))
),
total AS (
    SELECT sum(hosts) AS hosts FROM named
)
SELECT
    f.software,
    COALESCE(f.version, 'all') AS version,
    f.hosts,
    report.share(f.hosts, t.hosts) AS share,
    report.low(f.hosts, t.hosts) AS low,
    report.high(f.hosts, t.hosts) AS high,
    f.ultrapeers,
    f.leaves
FROM family f
CROSS JOIN total t
ORDER BY
    max(f.hosts) OVER (PARTITION BY f.software) DESC,
    f.software COLLATE "C",
    f.version IS NOT NULL,
    f.hosts DESC,
    f.version COLLATE "C"
