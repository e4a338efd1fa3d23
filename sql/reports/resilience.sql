-- title: Resilience
-- about: How much of the network holds together when hosts are removed, at random and by degree.
-- order: 8
-- method: hosts of the largest weak component after a share of all hosts was removed, as a share of all hosts (Albert, Jeong
--   and Barabási 2000). By degree: those with most links in the whole graph first. At random: the mean of ten orders, with the
--   smallest and the largest of them.
-- needs: resilience
-- param: snapshot
-- param: version
-- column: removed % right
-- column: by_degree % right
-- column: at_random % right
-- column: smallest % right
-- column: largest % right
-- note: Links that nobody told of are missing, so the network may be more resilient than its picture. A host only heard of
--   counts as any other; its other links are not known.
-- without heard: The snapshot heard of no host: there is nothing to take apart.
-- without edges: The snapshot has no link: nothing holds together.
SELECT
    f.percent AS removed,
    report.share(max(f.hosts) FILTER (WHERE f.removal = 'degree'), c.heard) AS by_degree,
    report.share(max(f.hosts) FILTER (WHERE f.removal = 'mean'), c.heard) AS at_random,
    report.share(max(f.hosts) FILTER (WHERE f.removal = 'smallest'), c.heard) AS smallest,
    report.share(max(f.hosts) FILTER (WHERE f.removal = 'largest'), c.heard) AS largest
FROM (
    SELECT
        split_part(name, '.', 2) AS removal,
        split_part(name, '.', 3)::integer AS percent,
        value AS hosts
    FROM report.measure
    WHERE snapshot_id = $1 AND version = $2 AND name LIKE 'resilience.%'
) f
CROSS JOIN (SELECT heard FROM report.coverage WHERE snapshot_id = $1) c
GROUP BY f.percent, c.heard
ORDER BY f.percent
