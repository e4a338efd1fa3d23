-- A snapshot that calls itself running and that no live connection has locked was left by a killed process.
SELECT
    s.snapshot_id,
    CASE WHEN s.state = 'running' AND l.objid IS NULL THEN 'killed' ELSE s.state END AS state,
    s.network,
    s.vantage,
    s.version,
    COALESCE(s.source, '') AS source,
    s.configuration,
    s.started,
    s.ended,
    s.endpoints AS heard
FROM snapshot s
LEFT JOIN (
    SELECT DISTINCT objid
    FROM pg_locks
    WHERE locktype = 'advisory'
        AND granted
        AND classid = 1836214
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
) l ON l.objid::bigint = s.snapshot_id
ORDER BY s.snapshot_id;
