CREATE VIEW report.file_distribution AS
SELECT
    snapshot_id,
    files,
    count(*) AS hosts
FROM report.visit
WHERE files IS NOT NULL
GROUP BY snapshot_id, files;
COMMENT ON VIEW   report.file_distribution             IS 'Hosts by the number of files that they declare.';
COMMENT ON COLUMN report.file_distribution.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.file_distribution.files       IS 'Number of files.';
COMMENT ON COLUMN report.file_distribution.hosts       IS 'Hosts that declare as many.';
