INSERT INTO measure (snapshot_id, version, name, value, method, observations)
SELECT
    @snapshot,
    @version,
    m.name,
    m.value,
    m.method,
    o.observations
FROM unnest(@names::text[], @values::double precision[], @methods::text[]) AS m (name, value, method)
CROSS JOIN (
    SELECT count(*) AS observations
    FROM observation
    WHERE snapshot_id = @snapshot
) o
ON CONFLICT (snapshot_id, version, name) DO UPDATE
SET
    value = excluded.value,
    method = excluded.method,
    observations = excluded.observations,
    computed = now();
