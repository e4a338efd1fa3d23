CREATE VIEW report.endpoint AS
SELECT
    e.snapshot_id,
    e.endpoint_id,
    CASE
        WHEN e.name IS NOT NULL THEN e.name
        WHEN family(e.addr) = 6 THEN '[' || host(e.addr) || ']:' || e.port
        ELSE host(e.addr) || ':' || e.port
    END AS host
FROM endpoint e;
COMMENT ON VIEW   report.endpoint             IS 'Every address that a snapshot heard of, as text.';
COMMENT ON COLUMN report.endpoint.snapshot_id IS 'Snapshot that heard of it.';
COMMENT ON COLUMN report.endpoint.endpoint_id IS 'Number within the snapshot, from 1 without gaps, in the order of hearing.';
COMMENT ON COLUMN report.endpoint.host        IS 'Address and port, or the name in an imported graph.';
