-- What report.visit and report.lister look at in each conversation; -1 stands for NULL, and for the rank of a query. Roles:
-- 1 leaf, 2 ultrapeer, 0 not told.
SELECT
    endpoint_id,
    observation_id,
    CASE WHEN method = 'query' THEN -1 ELSE report.rank(outcome) END AS rank,
    method <> 'query' AND outcome <= 'silent' AS visited,
    outcome = 'answered' AND method IN ('tcp-crawl', 'udp-crawl', 'import') AS listed,
    outcome = 'answered'
        AND method IN ('tcp-crawl', 'udp-crawl')
        AND (fields IS NULL OR NOT fields ? 'trimmed') AS whole,
    CASE role WHEN 'leaf' THEN 1 WHEN 'ultrapeer' THEN 2 ELSE 0 END AS role,
    COALESCE(agent_id, -1) AS agent_id,
    COALESCE(files, -1) AS files,
    COALESCE(kib, -1) AS kib,
    COALESCE(uptime_s, -1) AS uptime_s
FROM observation
WHERE snapshot_id = @snapshot
    AND observation_id <= @observations;
