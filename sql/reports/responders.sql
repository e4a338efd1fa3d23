-- title: Responders
-- about: How few hosts answer most queries, and how much those answer who share nothing or little.
-- order: 10
-- method: a responder is told apart by its servent GUID. The top x % of responders are those that sent most QUERY HIT
--   descriptors, rounded up to whole ones; the top x % of hosts are as many responders as that part of the hosts that told how
--   many files they share. By declared files: responders whose address is that of such a host.
-- param: snapshot
-- column: of - left
-- column: figure - left
-- column: hosts - right
-- column: hits - right
-- column: of_hits % right
-- note: Figures are counts of the answers to these queries, which depend on each other, so they have no interval. Other queries
--   have other responders: only hosts within the horizon of a query that have what it asks for can answer.
-- note: A firewalled responder may state an address that nobody heard of, and is then among those that could not be matched. What
--   they share is not known: any of the rows above may be larger by as much.
-- without queries: No query was asked: nothing can be said of responders.
-- without hits: No hit came: there are no responders.
WITH responder AS MATERIALIZED (
    SELECT r.hits, v.files, row_number() OVER (ORDER BY r.hits DESC) AS place
    FROM report.responder r
    LEFT JOIN report.visit v ON v.snapshot_id = $1 AND v.endpoint_id = r.endpoint_id
    WHERE r.snapshot_id = $1
),
total AS (
    SELECT
        count(*) AS responders,
        sum(hits) AS hits,
        (SELECT files_measured FROM report.coverage WHERE snapshot_id = $1) AS hosts
    FROM responder
),
figure AS (
    SELECT 1 AS part, 0 AS place, 'all' AS thing, 'responders' AS figure, responders AS hosts, hits FROM total
    UNION ALL
    SELECT
        t.part,
        t.percent,
        t.thing,
        'top ' || t.percent || ' %',
        t.hosts,
        CASE WHEN t.hosts > 0 THEN (SELECT sum(r.hits) FROM responder r WHERE r.place <= t.hosts) END
    FROM (
        SELECT w.part, w.thing, p.percent, ceil(w.hosts * p.percent / 100.0)::bigint AS hosts
        FROM (VALUES (1), (5), (10), (20), (25)) AS p (percent)
        CROSS JOIN total
        CROSS JOIN LATERAL (VALUES (2, 'responders', total.responders), (3, 'hosts', total.hosts)) AS w (part, thing, hosts)
    ) t
    UNION ALL
    SELECT 4, d.place, 'declared files', d.figure, count(r.hits), COALESCE(sum(r.hits), 0)
    FROM (
        VALUES
            (1, 'none', 0::bigint, 0::bigint),
            (2, '1 to 10', 1, 10),
            (3, '11 to 100', 11, 100),
            (4, 'over 100', 101, NULL)
    ) AS d (place, figure, low, high)
    LEFT JOIN responder r ON r.files >= d.low AND (r.files <= d.high OR d.high IS NULL)
    GROUP BY d.place, d.figure
    UNION ALL
    SELECT 5, 0, 'declared files', 'not matched, or not told', count(*), COALESCE(sum(hits), 0) FROM responder WHERE files IS NULL
)
SELECT
    f.thing AS of,
    f.figure,
    f.hosts,
    f.hits::bigint AS hits,
    report.share(f.hits, t.hits) AS of_hits
FROM figure f
CROSS JOIN total t
ORDER BY f.part, f.place
