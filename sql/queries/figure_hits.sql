-- Every hit of every query that was asked, in the order of arrival; a query without a hit is one row without a delay.
SELECT
    q.observation_id AS query,
    h.delay_us / 1000::double precision AS delay_ms,
    h.hops
FROM report.query q
LEFT JOIN hit h ON h.snapshot_id = q.snapshot_id AND h.observation_id = q.observation_id
WHERE q.snapshot_id = $1 AND q.hits IS NOT NULL
ORDER BY q.observation_id, h.delay_us, h.hit_id;
