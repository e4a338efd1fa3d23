-- Three characters for each of the first hosts, in the order of their numbers. Visited: 1; only heard of: 0. Role by its own
-- word: u ultrapeer, l leaf, - not told. Links: 1 it listed all of them; 0: none, or a list that is trimmed, or may be.
SELECT
    COALESCE(string_agg(CASE WHEN v.visited THEN '1' ELSE '0' END, '' ORDER BY e.endpoint_id), '') AS visited,
    COALESCE(string_agg(COALESCE(left(v.role, 1), '-'), '' ORDER BY e.endpoint_id), '') AS roles,
    COALESCE(string_agg(CASE WHEN l.endpoint_id IS NULL THEN '0' ELSE '1' END, '' ORDER BY e.endpoint_id), '') AS whole
FROM endpoint e
LEFT JOIN report.visit v ON v.snapshot_id = e.snapshot_id AND v.endpoint_id = e.endpoint_id
LEFT JOIN report.whole_list l ON l.snapshot_id = e.snapshot_id AND l.endpoint_id = e.endpoint_id
WHERE e.snapshot_id = $1 AND e.endpoint_id <= $2;
