-- What is quickly counted of a snapshot, how often links were told in it, and whether the rest is kept.
SELECT
    s.endpoints,
    s.observations,
    (SELECT count(*) FROM query q WHERE q.snapshot_id = s.snapshot_id) AS queries,
    (SELECT count(*) FROM hit h WHERE h.snapshot_id = s.snapshot_id) AS hits,
    (
        SELECT COALESCE(sum(COALESCE(cardinality(o.peers), 0) + COALESCE(cardinality(o.leaves), 0)), 0)
        FROM observation o
        WHERE o.snapshot_id = s.snapshot_id
    ) AS told,
    s.fresh
FROM report.freshness s
WHERE s.snapshot_id = @snapshot;
