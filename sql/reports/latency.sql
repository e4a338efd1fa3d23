-- title: Query latency
-- about: How soon queries are answered, from how far, how often twice, and how many are not answered at all.
-- order: 5
-- method: each query was asked through an ultrapeer, as its leaf, and hits were counted while the crawl waited for them.
--   A delay runs from sending the query to receiving the QUERY HIT descriptor, by our clock. Hops are the links that the hit
--   travelled, ours included. No query asks for hits out of band or by GUESS, so all come in-band, the way that the query took.
-- param: snapshot
-- column: of - left
-- column: figure - left
-- column: count - right
-- column: share % right
-- column: low % right
-- column: high % right
-- column: cumulative % right
-- column: delay ms right
-- note: Shares of queries are of those that were asked; low and high are the Wilson 95 % interval, as if the queries were a
--   random sample. Shares of hits have none: hits of one query depend on each other.
-- note: A hit counts as often as it came; one that came after the wait is not seen, so late answers are undercounted. Delays of
--   first hit are those within which so many per cent of the answered queries had one; those of hits by hops, path and
--   responder are medians.
-- note: A repeated hit is from a servent (its GUID) that had answered the same query before: a copy that took another way, or
--   more of its files. In the row below it, the servent had answered the same words asked through another ultrapeer.
-- without queries: No query was asked: nothing can be said of latency.
-- without hits: No hit came: there are no delays.
WITH hit AS MATERIALIZED (
    SELECT observation_id, words, servent, delay_ms, hops, firewalled FROM report.hit WHERE snapshot_id = $1
),
query AS MATERIALIZED (
    SELECT q.observation_id, q.hits, f.delay_ms
    FROM report.query q
    LEFT JOIN (
        SELECT observation_id, min(delay_ms) AS delay_ms
        FROM hit
        GROUP BY observation_id
    ) f USING (observation_id)
    WHERE q.snapshot_id = $1
),
bucket (low, high) AS (
    SELECT lag(b.high, 1, 0) OVER (ORDER BY b.high), b.high
    FROM (
        SELECT (m * 10 ^ e)::double precision AS high
        FROM generate_series(0, 4) AS e
        CROSS JOIN (VALUES (1), (2), (5)) AS m (m)
        UNION ALL
        SELECT 'Infinity'
    ) b
),
figure AS (
    SELECT
        1 AS part,
        f.place,
        'queries' AS thing,
        f.figure,
        f.count,
        f.whole,
        f.sample,
        NULL::double precision AS delay
    FROM (
        SELECT count(*) AS all, count(hits) AS asked, count(*) FILTER (WHERE hits > 0) AS answered FROM query
    ) q
    CROSS JOIN LATERAL (
        VALUES
            (1, 'asked', asked, NULL, NULL),
            (2, 'answered by a hit', answered, asked, asked),
            (3, 'without an answer', asked - answered, asked, asked),
            (4, 'could not be asked', "all" - asked, NULL, NULL)
    ) AS f (place, figure, count, whole, sample)
    UNION ALL
    SELECT
        2,
        p.percent,
        'first hit',
        CASE p.percent WHEN 50 THEN 'median' WHEN 100 THEN 'last' ELSE p.percent || ' % quantile' END,
        NULL,
        NULL,
        NULL,
        (SELECT percentile_disc(p.percent / 100.0) WITHIN GROUP (ORDER BY delay_ms) FROM query)
    FROM (VALUES (10), (25), (50), (75), (90), (95), (99), (100)) AS p (percent)
    UNION ALL
    SELECT
        3,
        b.high,
        'first hit within',
        b.high || ' ms',
        sum(count(q.delay_ms)) OVER (ORDER BY b.high)::bigint,
        (SELECT count(hits) FROM query),
        (SELECT count(hits) FROM query),
        NULL
    FROM query q
    JOIN bucket b ON (q.delay_ms > b.low OR b.low = 0) AND q.delay_ms <= b.high
    WHERE b.high < 'Infinity'
    GROUP BY b.high
    UNION ALL
    SELECT
        4,
        b.high,
        'hits by time',
        CASE
            WHEN b.low = 0 THEN 'up to ' || b.high
            WHEN b.high = 'Infinity' THEN 'over ' || b.low
            ELSE 'over ' || b.low || ' to ' || b.high
        END || ' ms',
        count(*),
        (SELECT count(*) FROM hit),
        NULL,
        NULL
    FROM hit h
    JOIN bucket b ON (h.delay_ms > b.low OR b.low = 0) AND h.delay_ms <= b.high
    GROUP BY b.low, b.high
    UNION ALL
    SELECT
        5,
        hops,
        'hits by hops',
        hops || CASE hops WHEN 1 THEN ' hop' ELSE ' hops' END,
        count(*),
        (SELECT count(*) FROM hit),
        NULL,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY delay_ms)
    FROM hit
    GROUP BY hops
    UNION ALL
    SELECT
        6,
        1,
        'hits by path',
        'in-band',
        count(*),
        count(*),
        NULL,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY delay_ms)
    FROM hit
    HAVING count(*) > 0
    UNION ALL
    SELECT
        7,
        CASE WHEN firewalled THEN 2 WHEN firewalled IS NULL THEN 3 ELSE 1 END,
        'hits by responder',
        CASE WHEN firewalled THEN 'firewalled' WHEN firewalled IS NULL THEN 'not told' ELSE 'not firewalled' END,
        count(*),
        (SELECT count(*) FROM hit),
        NULL,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY delay_ms)
    FROM hit
    GROUP BY firewalled
    UNION ALL
    SELECT 8, f.place, 'hits', f.figure, f.count, h.hits, NULL, NULL
    FROM (
        SELECT
            count(*) AS hits,
            count(DISTINCT (observation_id, servent)) AS answers,
            count(DISTINCT (words, servent)) AS distinct_answers
        FROM hit
    ) h
    CROSS JOIN LATERAL (
        VALUES
            (1, 'received', h.hits),
            (2, 'repeated, same query', h.hits - h.answers),
            (3, 'repeated, other ultrapeer', h.answers - h.distinct_answers)
    ) AS f (place, figure, count)
    WHERE h.hits > 0
)
SELECT
    thing AS of,
    figure,
    count,
    report.share(count, whole) AS share,
    report.low(count, sample) AS low,
    report.high(count, sample) AS high,
    CASE WHEN part IN (4, 5) THEN report.share(sum(count) OVER (PARTITION BY part ORDER BY place), whole) END AS cumulative,
    delay
FROM figure
ORDER BY part, place
