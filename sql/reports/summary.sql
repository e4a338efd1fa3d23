-- title: Summary
-- about: The headline figures of a snapshot; each is explained in the report named with it.
-- order: 1
-- method: figures are computed as in the reports named with them.
-- needs: largest_component
-- param: snapshot
-- param: version
-- column: figure - left
-- column: unit - left
-- column: value - right
-- column: low - right
-- column: high - right
-- column: least - right
-- column: most - right
-- column: report - left
-- note: The 95 % interval of a share, low to high, is Wilson's, as if the hosts or queries counted were a random sample. Its
--   bounds, least to most, are what it is when none, or all, of the hosts not measured are as the figure says. Other figures
--   are counts.
-- without heard: The snapshot heard of no host: nothing can be said of the network.
-- without files_measured: No host told how many files it shares: nothing can be said of sharing.
-- without queries: No query was asked: nothing can be said of latency.
WITH coverage AS (
    SELECT * FROM report.coverage WHERE snapshot_id = $1
),
component AS (
    SELECT value FROM report.measure WHERE snapshot_id = $1 AND version = $2 AND name = 'largest_component.hosts'
),
rider AS (
    SELECT * FROM report.free_rider WHERE snapshot_id = $1 AND most = 0
),
query AS (
    SELECT count(hits) AS asked, count(*) FILTER (WHERE hits > 0) AS answered FROM report.query WHERE snapshot_id = $1
),
first_hit AS (
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY delay_ms) AS median
    FROM (
        SELECT min(delay_ms) AS delay_ms FROM report.hit WHERE snapshot_id = $1 GROUP BY observation_id
    ) f
)
-- part of whole is a share of a sample; population, the hosts that it was taken from, gives it bounds.
SELECT
    f.figure,
    f.unit,
    COALESCE(f.value, report.share(f.part, f.whole)) AS value,
    report.low(f.part, f.whole) AS low,
    report.high(f.part, f.whole) AS high,
    report.share(f.part, f.population) AS least,
    report.share(f.part + f.population - f.whole, f.population) AS most,
    f.report
FROM coverage c
LEFT JOIN component ON true
LEFT JOIN rider r ON true
LEFT JOIN report.top_sharer t ON t.snapshot_id = $1 AND t.percent = 1
CROSS JOIN query q
CROSS JOIN first_hit h
CROSS JOIN LATERAL (
    VALUES
        (1, 'heard of', 'hosts', c.heard::double precision, NULL::bigint, NULL::bigint, NULL::bigint, 'outcomes'),
        (2, 'visited', 'hosts', c.visited, NULL, NULL, NULL, 'outcomes'),
        (3, 'reached', 'hosts', c.reached, NULL, NULL, NULL, 'outcomes'),
        (4, 'reached', '% of visited', NULL, c.reached, c.visited, NULL, 'outcomes'),
        (5, 'ultrapeers', 'hosts', c.ultrapeers, NULL, NULL, NULL, 'topology'),
        (6, 'leaves', 'hosts', c.leaves, NULL, NULL, NULL, 'topology'),
        (7, 'edges', 'edges', c.edges, NULL, NULL, NULL, 'topology'),
        (8, 'in the largest component', '% of hosts', report.share(component.value, c.heard), NULL, NULL, NULL, 'topology'),
        (9, 'heard of by rumour', 'hosts', c.rumours, NULL, NULL, NULL, 'topology'),
        (10, 'told how many files they share', 'hosts', c.files_measured, NULL, NULL, NULL, 'sharing'),
        (11, 'files shared', 'files', r.all_files, NULL, NULL, NULL, 'sharing'),
        (12, 'files shared, mean', 'per host', r.all_files / NULLIF(r.measured, 0), NULL, NULL, NULL, 'sharing'),
        (13, 'share no file', '% of hosts', NULL, r.hosts, r.measured, c.heard, 'freeriders'),
        (14, 'held by the top 1 % of hosts', '% of files', report.share(t.files, r.all_files), NULL, NULL, NULL, 'freeriders'),
        (15, 'queries asked', 'queries', q.asked, NULL, NULL, NULL, 'latency'),
        (16, 'queries answered', '% of queries', NULL, q.answered, q.asked, NULL, 'latency'),
        (17, 'hits', 'hits', c.hits, NULL, NULL, NULL, 'latency'),
        (18, 'first hit, median', 'ms', h.median, NULL, NULL, NULL, 'latency')
) AS f (place, figure, unit, value, part, whole, population, report)
ORDER BY f.place
