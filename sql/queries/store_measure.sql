INSERT INTO measure (snapshot_id, version, name, value, method, observations)
SELECT
    @snapshot,
    @version,
    @name,
    @value,
    @method,
    count(*)
FROM observation
WHERE snapshot_id = @snapshot
ON CONFLICT (snapshot_id, version, name) DO UPDATE
SET
    value = excluded.value,
    method = excluded.method,
    observations = excluded.observations,
    computed = now();
