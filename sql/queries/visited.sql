-- A character for each host in the order of its number: 1 visited, 0 only heard of.
SELECT
    COALESCE(string_agg(CASE WHEN visited THEN '1' ELSE '0' END, '' ORDER BY endpoint_id), '') AS visited
FROM report.host
WHERE snapshot_id = $1;
