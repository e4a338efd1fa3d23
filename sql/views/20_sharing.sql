-- Figures of how much hosts share, and how unequally. Hosts stand in the order of what they share:
--   quantile   the smallest amount that so many per cent of the hosts do not exceed;
--   at least   the share of hosts that share as much or more (CCDF);
--   held by    Lorenz curve: the part of the total that the hosts hold that share least, interpolated between hosts;
--   Gini       0 when all share the same, near 1 when one shares everything: from the sum of amounts weighted by place.
-- Hosts that share as much are one row, and a figure belongs to the row in which its place lies. Only rows in which a per cent
-- of the hosts ends or the amount passes a power of ten are looked at; the last row is one, and has the sums.
CREATE VIEW report.sharing AS
SELECT
    r.snapshot_id,
    r.divided_by,
    r.population,
    r.kind,
    f.part,
    f.place,
    f.figure,
    f.unit,
    f.value
FROM (
    SELECT
        *,
        sum(amount * (hosts * (below + (hosts + 1) / 2))) OVER (
            PARTITION BY snapshot_id, divided_by, population, kind ORDER BY amount ROWS UNBOUNDED PRECEDING
        ) AS weighted
    FROM (
        SELECT
            snapshot_id,
            divided_by,
            population,
            kind,
            amount,
            COALESCE(lag(amount) OVER upto, -1) AS lower,
            hosts::double precision AS hosts,
            sum(hosts::double precision) OVER upto - hosts AS below,
            sum(hosts * amount::double precision) OVER upto - hosts * amount::double precision AS held_below,
            sum(hosts::double precision) OVER everyone AS whole,
            sum(hosts * amount::double precision) OVER everyone AS total
        FROM report.amount_distribution
        WINDOW
            kin AS (PARTITION BY snapshot_id, divided_by, population, kind ORDER BY amount),
            upto AS (kin ROWS UNBOUNDED PRECEDING),
            everyone AS (kin ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    ) a
) r
CROSS JOIN (VALUES (ARRAY[1, 10, 100, 1000, 10000, 100000, 1000000]::bigint[])) AS d (least)
CROSS JOIN LATERAL (
    SELECT p.part, 0 AS place, p.figure, p.unit, p.value
    FROM (
        VALUES
            (1, 'measured', 'hosts', r.whole),
            (3, 'total', '', r.total),
            (4, 'mean', 'per host', r.total / r.whole),
            (7, 'Gini coefficient', '0 to 1', (2 * r.weighted - (r.whole + 1) * r.total) / NULLIF(r.whole * r.total, 0))
    ) AS p (part, figure, unit, value)
    WHERE r.below + r.hosts = r.whole
    UNION ALL
    SELECT
        5,
        q.percent,
        CASE q.percent WHEN 50 THEN 'median' WHEN 100 THEN 'largest' ELSE q.percent || ' % quantile' END,
        'per host',
        r.amount
    FROM (VALUES (10), (25), (50), (75), (90), (95), (99), (100)) AS q (percent)
    WHERE 100 * r.below < q.percent * r.whole AND q.percent * r.whole <= 100 * (r.below + r.hosts)
    UNION ALL
    SELECT
        6,
        c.least,
        'at least ' || c.least,
        '% of hosts',
        CASE WHEN c.least <= r.amount THEN report.share(r.whole - r.below, r.whole) ELSE 0 END
    FROM unnest(d.least) AS c (least)
    WHERE r.lower < c.least AND (c.least <= r.amount OR r.below + r.hosts = r.whole)
    UNION ALL
    SELECT
        8,
        q.percent,
        'held by the lowest ' || q.percent || ' %',
        '% of total',
        (100 * r.held_below + (q.percent * r.whole - 100 * r.below) * r.amount) / NULLIF(r.total, 0)
    FROM (VALUES (10), (20), (30), (40), (50), (60), (70), (80), (90), (95), (99)) AS q (percent)
    WHERE 100 * r.below < q.percent * r.whole AND q.percent * r.whole <= 100 * (r.below + r.hosts)
) f
WHERE floor(100 * r.below / r.whole) < floor(100 * (r.below + r.hosts) / r.whole)
    OR width_bucket(r.lower, d.least) < width_bucket(r.amount, d.least);
COMMENT ON VIEW   report.sharing             IS 'Figures of how much hosts share, by role and by software.';
COMMENT ON COLUMN report.sharing.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.sharing.divided_by  IS 'As in report.amount_distribution.';
COMMENT ON COLUMN report.sharing.population  IS 'As in report.amount_distribution.';
COMMENT ON COLUMN report.sharing.kind        IS 'As in report.amount_distribution.';
COMMENT ON COLUMN report.sharing.part        IS 'Order of the kinds of figures.';
COMMENT ON COLUMN report.sharing.place       IS 'Order within a part: the per cent, or the amount.';
COMMENT ON COLUMN report.sharing.figure      IS 'What it is.';
COMMENT ON COLUMN report.sharing.unit        IS 'Of the value; empty: that of the kind.';
COMMENT ON COLUMN report.sharing.value       IS 'Its value.';
