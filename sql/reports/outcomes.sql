-- title: Outcomes
-- about: How conversations ended, by method, and how the visit of each host ended.
-- order: 7
-- method: each conversation counts once under its method. Under any, each host counts once, with the best outcome of its
--   conversations; queries, which are asked through a host met before, do not count there.
-- param: snapshot
-- column: method - left
-- column: outcome - left
-- column: count - right
-- column: share % right
-- column: low % right
-- column: high % right
-- column: median ms right
-- note: share is of the conversations by that method, of all hosts heard of under any; low and high are its Wilson 95 %
--   interval, as if they were a random sample.
-- note: median is the time that such a conversation took; by methods import and none (a host that was passed over) there was no
--   conversation. Outcomes out-of-scope, local-limit and cancelled say nothing of the host, which counts as not visited when it
--   has no other.
-- without observations: No host was visited yet: there are no outcomes.
WITH ended AS (
    SELECT method, outcome, took_us FROM report.observation WHERE snapshot_id = $1
    UNION ALL
    SELECT 'any', COALESCE(outcome, 'not visited'), NULL FROM report.host WHERE snapshot_id = $1
),
counted AS (
    SELECT
        method,
        outcome,
        count(*) AS count,
        sum(count(*)) OVER (PARTITION BY method) AS whole,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY took_us) AS median
    FROM ended
    GROUP BY method, outcome
)
SELECT
    c.method,
    c.outcome,
    c.count,
    report.share(c.count, c.whole) AS share,
    report.low(c.count, c.whole) AS low,
    report.high(c.count, c.whole) AS high,
    c.median / 1000.0::double precision AS median
FROM counted c
LEFT JOIN report.outcome o ON o.outcome = c.outcome
ORDER BY
    array_position(ARRAY['any', 'tcp-crawl', 'udp-crawl', 'leaf', 'x-try', 'udp-ping', 'guess', 'query', 'import'], c.method),
    c.method,
    o.rank
