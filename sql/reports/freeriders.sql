-- title: Free riders
-- about: Who shares nothing or little, and how few hosts hold most of what is shared.
-- order: 4
-- method: each host counts with the files that it declares (PONG, the largest figure of its conversations). A free rider
--   declares at most the number given; a host that did not tell is not measured, and never counts as one. The top x % are
--   the measured hosts that share most, rounded up to whole hosts.
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
-- note: least and most are the share of all hosts heard of when none, or every one, of those not measured is a free rider.
-- note: of_files is the share of all declared files that these hosts hold.
-- without files_measured: No host told how many files it shares: nothing can be said of free riding.
WITH rider AS MATERIALIZED (
    SELECT * FROM report.free_rider WHERE snapshot_id = $1
),
total AS (
    SELECT
        COALESCE(max(measured), 0) AS measured,
        COALESCE(max(unmeasured), 0) AS unmeasured,
        max(all_files) AS files
    FROM rider
),
figure AS (
    SELECT
        1 AS part,
        d.most AS place,
        CASE d.most WHEN 0 THEN 'share no file' ELSE 'share at most ' || d.most || ' files' END AS figure,
        r.hosts,
        r.hosts AS riders,
        r.files
    FROM (VALUES (0), (10), (100)) AS d (most)
    LEFT JOIN rider r ON r.most = d.most
    UNION ALL
    SELECT
        2,
        d.percent,
        'top ' || d.percent || ' % of hosts',
        t.hosts,
        NULL,
        t.files
    FROM (VALUES (1), (5), (10), (20), (25)) AS d (percent)
    LEFT JOIN report.top_sharer t ON t.snapshot_id = $1 AND t.percent = d.percent
    UNION ALL
    SELECT 3, 0, 'measured', measured, NULL, files FROM total
    UNION ALL
    SELECT 4, 0, 'not measured', unmeasured, NULL, NULL FROM total
)
SELECT
    f.figure,
    f.hosts,
    CASE WHEN f.part < 4 THEN report.share(f.hosts, t.measured) END AS share,
    report.low(f.riders, t.measured) AS low,
    report.high(f.riders, t.measured) AS high,
    report.share(f.riders, t.measured + t.unmeasured) AS least,
    report.share(f.riders + t.unmeasured, t.measured + t.unmeasured) AS most,
    f.files::bigint AS files,
    report.share(f.files, t.files) AS of_files
FROM figure f
CROSS JOIN total t
ORDER BY f.part, f.place
