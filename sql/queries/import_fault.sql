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
    SELECT format('its endpoint %s was heard of twice', max(e.endpoint_id))
    FROM endpoint e
    WHERE e.snapshot_id = @snapshot AND e.addr IS NOT NULL
    GROUP BY e.addr, e.port
    HAVING count(*) > 1
    UNION ALL
    SELECT format('%s %s is of an observation that is not there', l.kind, l.observation_id)
    FROM (
        SELECT 'rumour' AS kind, observation_id FROM rumour WHERE snapshot_id = @snapshot
        UNION ALL
        SELECT 'query', observation_id FROM query WHERE snapshot_id = @snapshot
    ) l
    WHERE NOT EXISTS (SELECT FROM observation o WHERE o.snapshot_id = @snapshot AND o.observation_id = l.observation_id)
    UNION ALL
    SELECT format('observation %s names an endpoint that is not there', l.observation_id)
    FROM host h
    CROSS JOIN LATERAL (
        SELECT observation_id, ARRAY[endpoint_id] || peers || leaves AS endpoints FROM observation WHERE snapshot_id = @snapshot
        UNION ALL
        SELECT observation_id, endpoints FROM rumour WHERE snapshot_id = @snapshot
    ) l
    WHERE EXISTS (SELECT FROM unnest(l.endpoints) AS e (id) WHERE e.id IS NULL OR e.id < h.first OR e.id > h.last)
) f
LIMIT 1;
