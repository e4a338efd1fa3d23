-- Two characters for each of the first hosts, in the order of their numbers. Visited: 1; only heard of: 0. Role by its own
-- word: u ultrapeer, l leaf, - not told.
SELECT
    COALESCE(string_agg(CASE WHEN v.visited THEN '1' ELSE '0' END, '' ORDER BY e.endpoint_id), '') AS visited,
    COALESCE(string_agg(COALESCE(left(v.role, 1), '-'), '' ORDER BY e.endpoint_id), '') AS roles
FROM endpoint e
LEFT JOIN report.visit v ON v.snapshot_id = e.snapshot_id AND v.endpoint_id = e.endpoint_id
WHERE e.snapshot_id = $1 AND e.endpoint_id <= $2;
