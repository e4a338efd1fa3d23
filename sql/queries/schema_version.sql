SELECT COALESCE(max(version_id), 0)
FROM gnucensus_migration
WHERE is_applied;
