-- The first thing that is wrong with an imported snapshot and that no constraint of the tables finds.
WITH host AS (
    SELECT count(*) AS hosts, COALESCE(min(endpoint_id), 1) AS first, COALESCE(max(endpoint_id), 0) AS last
    FROM endpoint
    WHERE snapshot_id = @snapshot
)
SELECT f.fault
FROM (
    SELECT format('its %s endpoints are not numbered from 1 without gaps', h.hosts) AS fault
    FROM host h
    WHERE h.first <> 1 OR h.last <> h.hosts
    UNION ALL
    SELECT format('its %s observations are not numbered from 1 without gaps', count(*))
    FROM observation
    WHERE snapshot_id = @snapshot
    HAVING count(DISTINCT observation_id) <> count(*) OR min(observation_id) <> 1 OR max(observation_id) <> count(*)
    UNION ALL
    SELECT format('its endpoint %s was heard of twice', max(e.endpoint_id))
    FROM endpoint e
    WHERE e.snapshot_id = @snapshot AND e.addr IS NOT NULL
    GROUP BY e.addr, e.port
    HAVING count(*) > 1
    UNION ALL
    SELECT format('query %s is of an observation that is not there', q.observation_id)
    FROM query q
    WHERE q.snapshot_id = @snapshot
        AND NOT EXISTS (SELECT FROM observation o WHERE o.snapshot_id = @snapshot AND o.observation_id = q.observation_id)
    UNION ALL
    SELECT format('observation %s names an endpoint that is not there', o.observation_id)
    FROM host h
    CROSS JOIN observation o
    CROSS JOIN LATERAL unnest(
        ARRAY[o.endpoint_id] || o.peers || o.leaves || o.tries || o.cached || o.contacts || o.ponged
    ) AS e (id)
    WHERE o.snapshot_id = @snapshot AND (e.id IS NULL OR e.id < h.first OR e.id > h.last)
) f
LIMIT 1;
