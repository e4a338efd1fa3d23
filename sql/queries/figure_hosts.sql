-- A character for each host in the order of its number. Visited: 1, only heard of: 0. Role: u ultrapeer, l leaf, ? nobody told.
SELECT
    COALESCE(string_agg(CASE WHEN visited THEN '1' ELSE '0' END, '' ORDER BY endpoint_id), '') AS visited,
    COALESCE(string_agg(COALESCE(left(role, 1), '?'), '' ORDER BY endpoint_id), '') AS roles
FROM report.host
WHERE snapshot_id = $1;
