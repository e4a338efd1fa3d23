-- What each conversation gives to the coverage. How a host was met: 2 it spoke to us, 1 the outcome is about it, 0 neither; its
-- role: 1 leaf, 2 ultrapeer, 0 not told; whether it told its files; and how many links.
SELECT
    endpoint_id,
    CASE
        WHEN method = 'query' THEN 0
        WHEN outcome <= 'unsupported' THEN 2
        WHEN outcome <= 'silent' THEN 1
        ELSE 0
    END AS met,
    CASE role WHEN 'leaf' THEN 1 WHEN 'ultrapeer' THEN 2 ELSE 0 END AS role,
    files IS NOT NULL AS measured,
    COALESCE(cardinality(peers), 0) + COALESCE(cardinality(leaves), 0) AS links
FROM observation
WHERE snapshot_id = @snapshot;
