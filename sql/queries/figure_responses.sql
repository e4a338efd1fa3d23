-- How many servents answered how often, and with how many results.
SELECT
    a.kind,
    a.amount,
    count(*) AS hosts
FROM (
    SELECT
        count(*) AS hits,
        sum(results) AS results
    FROM hit
    WHERE snapshot_id = $1
    GROUP BY servent
) r
CROSS JOIN LATERAL (VALUES ('hits', r.hits), ('results', r.results)) AS a (kind, amount)
GROUP BY a.kind, a.amount
ORDER BY a.kind, a.amount;
