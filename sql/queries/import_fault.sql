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
    SELECT format('observation %s ended in the unknown outcome %L', o.observation_id, o.outcome)
    FROM observation o
    LEFT JOIN report.outcome c ON c.outcome = o.outcome
    WHERE o.snapshot_id = @snapshot AND c.outcome IS NULL
    UNION ALL
    SELECT format('observation %s names an endpoint that is not there', l.observation_id)
    FROM host h
    CROSS JOIN LATERAL (
        SELECT observation_id, endpoints FROM neighbour WHERE snapshot_id = @snapshot
        UNION ALL
        SELECT observation_id, endpoints FROM rumour WHERE snapshot_id = @snapshot
    ) l
    WHERE EXISTS (SELECT FROM unnest(l.endpoints) AS e (id) WHERE e.id IS NULL OR e.id < h.first OR e.id > h.last)
) f
LIMIT 1;
