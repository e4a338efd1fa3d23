SELECT COALESCE(max(observation_id), 0)
FROM observation
WHERE snapshot_id = @snapshot;
