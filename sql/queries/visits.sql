-- The role is 1 for a leaf, 2 for an ultrapeer, 0 where it is not told.
SELECT
    endpoint_id,
    COALESCE(visited, false),
    COALESCE(reached, false),
    files IS NOT NULL,
    CASE role WHEN 'leaf' THEN 1 WHEN 'ultrapeer' THEN 2 ELSE 0 END
FROM report.visit
WHERE snapshot_id = @snapshot;
