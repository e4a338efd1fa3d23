-- What is quickly counted of a snapshot, and whether the rest is kept.
SELECT
    s.endpoints,
    s.observations,
    (SELECT count(*) FROM query q WHERE q.snapshot_id = s.snapshot_id) AS queries,
    (SELECT count(*) FROM hit h WHERE h.snapshot_id = s.snapshot_id) AS hits,
    s.fresh
FROM report.freshness s
WHERE s.snapshot_id = @snapshot;
