-- title: Sharing
-- about: How many files and KiB a host shares, and how unequally.
-- order: 3
-- method: each host counts with what it declares (PONG, the largest figure of its conversations). The q % quantile is the
--   smallest amount that q % of the measured hosts do not exceed. Lorenz: the part of the total that the hosts that share
--   least hold, interpolated between hosts. Gini: 0 when all share the same, near 1 when one host shares everything.
-- param: snapshot
-- column: figure - left
-- column: unit - left
-- column: files files right
-- column: data KiB right
-- note: KiB are those of leaves: an ultrapeer rounds the figure in its PONG to a power of two, as a mark of its role.
-- note: The figures are of the measured hosts. If those not measured share nothing, the total stays and the mean falls; no
--   upper bound can be given. What hosts declare is not verified.
-- without files_measured: No host told how many files it shares: only the number of hosts is known.
WITH heard AS (
    SELECT count(*) AS hosts FROM report.host WHERE snapshot_id = $1
),
amount AS (
    SELECT
        a.kind,
        a.amount::numeric AS amount,
        row_number() OVER by_amount AS place,
        sum(a.amount) OVER by_amount AS running
    FROM report.host h
    CROSS JOIN LATERAL (
        VALUES ('files', h.files), ('data', CASE WHEN h.role = 'leaf' THEN h.kib END)
    ) AS a (kind, amount)
    WHERE h.snapshot_id = $1 AND a.amount IS NOT NULL
    WINDOW by_amount AS (PARTITION BY a.kind ORDER BY a.amount ROWS UNBOUNDED PRECEDING)
),
total AS (
    SELECT
        k.kind,
        count(a.amount) AS hosts,
        sum(a.amount) AS amount,
        2 * sum(a.place * a.amount) / NULLIF(count(a.amount) * sum(a.amount), 0)
            - (count(a.amount) + 1) / NULLIF(count(a.amount), 0)::numeric AS gini
    FROM (VALUES ('files'), ('data')) AS k (kind)
    LEFT JOIN amount a ON a.kind = k.kind
    GROUP BY k.kind
),
figure AS (
    SELECT t.kind, f.part, 0 AS place, f.figure, f.unit, f.value
    FROM total t
    CROSS JOIN heard
    CROSS JOIN LATERAL (
        VALUES
            (1, 'measured', 'hosts', t.hosts),
            (2, 'not measured', 'hosts', heard.hosts - t.hosts),
            (3, 'total', '', t.amount),
            (4, 'mean', 'per host', t.amount / NULLIF(t.hosts, 0)),
            (6, 'Gini coefficient', '0 to 1', t.gini)
    ) AS f (part, figure, unit, value)
    UNION ALL
    SELECT
        t.kind,
        5,
        q.percent,
        CASE q.percent WHEN 50 THEN 'median' WHEN 100 THEN 'largest' ELSE q.percent || ' % quantile' END,
        'per host',
        a.amount
    FROM total t
    CROSS JOIN (VALUES (10), (25), (50), (75), (90), (95), (99), (100)) AS q (percent)
    LEFT JOIN amount a ON a.kind = t.kind AND a.place = ceil(t.hosts * q.percent / 100.0)::bigint
    UNION ALL
    SELECT
        t.kind,
        7,
        q.percent,
        'held by the lowest ' || q.percent || ' %',
        '% of total',
        100 * (a.running - a.amount + (t.hosts * q.percent / 100.0 - a.place + 1) * a.amount) / NULLIF(t.amount, 0)
    FROM total t
    CROSS JOIN (VALUES (10), (20), (30), (40), (50), (60), (70), (80), (90), (95), (99)) AS q (percent)
    LEFT JOIN amount a ON a.kind = t.kind AND a.place = t.hosts * q.percent / 100 + 1
)
SELECT
    figure,
    unit,
    max(value::double precision) FILTER (WHERE kind = 'files') AS files,
    max(value::double precision) FILTER (WHERE kind = 'data') AS data
FROM figure
GROUP BY part, place, figure, unit
ORDER BY part, place
