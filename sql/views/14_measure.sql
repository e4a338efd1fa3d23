CREATE VIEW report.measure AS
SELECT
    m.snapshot_id,
    m.version,
    m.name,
    m.value,
    m.method,
    m.computed,
    m.endpoints <> s.endpoints OR m.observations <> s.observations AS stale
FROM measure m
JOIN report.freshness s ON s.snapshot_id = m.snapshot_id;
COMMENT ON VIEW   report.measure             IS 'Statistics that SQL cannot compute, as they were kept.';
COMMENT ON COLUMN report.measure.snapshot_id IS 'Snapshot that it describes.';
COMMENT ON COLUMN report.measure.version     IS 'Version of the code that computed it.';
COMMENT ON COLUMN report.measure.name        IS 'What it is, dotted: largest_component.hosts.';
COMMENT ON COLUMN report.measure.value       IS 'Its value; NULL: it does not exist for this graph.';
COMMENT ON COLUMN report.measure.method      IS 'How it was computed, in words.';
COMMENT ON COLUMN report.measure.computed    IS 'When.';
COMMENT ON COLUMN report.measure.stale       IS 'The snapshot has grown since.';
