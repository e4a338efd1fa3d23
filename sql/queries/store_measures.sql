INSERT INTO measure (snapshot_id, version, name, value, method, endpoints, observations)
SELECT
    @snapshot,
    @version,
    m.name,
    m.value,
    m.method,
    @endpoints,
    @observations
FROM unnest(@names::text[], @values::double precision[], @methods::text[]) AS m (name, value, method)
ON CONFLICT (snapshot_id, version, name) DO UPDATE
SET
    value = excluded.value,
    method = excluded.method,
    endpoints = excluded.endpoints,
    observations = excluded.observations,
    computed = now();
