-- title: Free riders
-- about: Who shares nothing or little, and how few hosts hold most of what is shared.
-- order: 4
-- method: each host counts with the files that it declares (PONG, the largest figure of its conversations). A free rider
--   declares at most the number given; a host that did not tell is not measured, and never counts as one. Or silent: a silent
--   sharer, which declares more, counts too: no hit came from its address. The top x % are the measured hosts that share most,
--   rounded up to whole hosts.
-- param: snapshot
-- column: figure - left
-- column: hosts - right
-- column: share % right
-- column: low % right
-- column: high % right
-- column: least % right
-- column: most % right
-- column: files - right
-- column: of_files % right
-- note: share is of the measured hosts; low and high are its Wilson 95 % interval, as if they were a random sample of all.
-- note: least and most are the share of all hosts heard of when none, or every one, of those not measured is a free rider. Rows
--   of reached correct for hosts that cannot be reached: they are left out.
-- note: of_files is the share of all declared files that these hosts hold. Report responders has the same of hits.
-- note: Silent sharers are an upper bound: only hosts within the horizon of a query that had what it asked for could answer, and
--   a firewalled host may state an address in its hits that nobody heard of. For the latter, least takes each responder
--   that could not be matched for a sharer that is not silent.
-- without files_measured: No host told how many files it shares: nothing can be said of free riding.
-- without hits: No hit came: nothing can be said of silent sharers.
WITH rider AS MATERIALIZED (
    SELECT * FROM report.free_rider WHERE snapshot_id = $1
),
total AS MATERIALIZED (
    SELECT
        max(measured) AS measured,
        max(unmeasured) AS unmeasured,
        max(measured) + max(unmeasured) AS heard,
        max(all_files) AS files,
        (SELECT reached FROM report.coverage WHERE snapshot_id = $1) AS reached
    FROM rider
),
responder AS MATERIALIZED (
    SELECT r.endpoint_id, max(v.files) AS files, count(*) AS servents
    FROM report.responder r
    LEFT JOIN report.visit v ON v.snapshot_id = $1 AND v.endpoint_id = r.endpoint_id
    WHERE r.snapshot_id = $1
    GROUP BY r.endpoint_id
),
silent AS (
    SELECT
        d.most,
        t.measured - d.hosts - r.sharers AS hosts,
        greatest(t.measured - d.hosts - r.sharers - r.unmatched, 0) AS least
    FROM rider d
    CROSS JOIN total t
    CROSS JOIN LATERAL (
        SELECT
            count(*) AS responders,
            count(*) FILTER (WHERE files > d.most) AS sharers,
            COALESCE(sum(servents) FILTER (WHERE endpoint_id IS NULL), 0) AS unmatched
        FROM responder
    ) r
    WHERE t.measured > 0 AND r.responders > 0
),
figure (part, place, figure, hosts, riders, fewest, population, files) AS (
    SELECT
        r.most,
        f.place,
        CASE r.most WHEN 0 THEN 'share no file' ELSE 'share at most ' || r.most || ' files' END || f.suffix,
        f.hosts,
        f.hosts,
        f.least,
        f.population,
        f.files
    FROM rider r
    CROSS JOIN total t
    LEFT JOIN silent s ON s.most = r.most
    CROSS JOIN LATERAL (
        VALUES
            (1, '', r.hosts, r.hosts, t.heard, r.files),
            (2, ', of reached', r.hosts, r.hosts, t.reached, NULL),
            (3, ', or silent', r.hosts + s.hosts, r.hosts + s.least, t.heard, NULL)
    ) AS f (place, suffix, hosts, least, population, files)
    UNION ALL
    SELECT 101, 0, 'silent sharers', s.hosts, s.hosts, s.least, t.heard, NULL
    FROM total t
    LEFT JOIN silent s ON s.most = 0
    UNION ALL
    SELECT 102, p.percent, 'top ' || p.percent || ' % of hosts', t.hosts, NULL, NULL, NULL, t.files
    FROM (VALUES (1), (5), (10), (20), (25)) AS p (percent)
    LEFT JOIN report.top_sharer t ON t.snapshot_id = $1 AND t.percent = p.percent
    UNION ALL
    SELECT 103, 0, 'measured', measured, NULL, NULL, NULL, files FROM total
    UNION ALL
    SELECT 104, 0, 'not measured', unmeasured, NULL, NULL, NULL, NULL FROM total
)
SELECT
    f.figure,
    f.hosts::bigint AS hosts,
    CASE WHEN f.part < 104 THEN report.share(f.hosts, t.measured) END AS share,
    report.low(f.riders, t.measured) AS low,
    report.high(f.riders, t.measured) AS high,
    report.share(f.fewest, f.population) AS least,
    report.share(f.riders + f.population - t.measured, f.population) AS most,
    f.files::bigint AS files,
    report.share(f.files, t.files) AS of_files
FROM figure f
CROSS JOIN total t
ORDER BY
    f.part,
    f.place
