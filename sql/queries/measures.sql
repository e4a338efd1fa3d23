SELECT
    name,
    value,
    method
FROM measure
WHERE snapshot_id = @snapshot
    AND version = @version
    AND observations = (SELECT count(*) FROM observation WHERE snapshot_id = @snapshot)
ORDER BY name;
