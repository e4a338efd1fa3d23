-- A free rider declares 0 files; by wider definitions, at most 10 or at most 100 (Adar and Huberman 2000; Hughes, Coulson and
-- Walkerdine 2005). It declares: a host that did not tell is not one, but not measured.
CREATE VIEW report.free_rider AS
SELECT
    s.snapshot_id,
    d.most,
    CASE WHEN count(f.files) > 0 THEN COALESCE(sum(f.hosts) FILTER (WHERE f.files <= d.most), 0)::bigint END AS hosts,
    COALESCE(sum(f.hosts), 0)::bigint AS measured,
    (s.endpoints - COALESCE(sum(f.hosts), 0))::bigint AS unmeasured,
    CASE
        WHEN count(f.files) > 0 THEN COALESCE(sum(f.files::numeric * f.hosts) FILTER (WHERE f.files <= d.most), 0)
    END AS files,
    sum(f.files::numeric * f.hosts) AS all_files
FROM report.freshness s
CROSS JOIN (VALUES (0), (10), (100)) AS d (most)
LEFT JOIN report.file_distribution f ON f.snapshot_id = s.snapshot_id
GROUP BY s.snapshot_id, s.endpoints, d.most;
COMMENT ON VIEW   report.free_rider             IS 'Hosts that share nothing, or little, by each definition in use.';
COMMENT ON COLUMN report.free_rider.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.free_rider.most        IS 'The definition: a free rider declares at most as many files.';
COMMENT ON COLUMN report.free_rider.hosts       IS 'Free riders among the measured hosts; NULL: none was measured.';
COMMENT ON COLUMN report.free_rider.measured    IS 'Hosts that told how many files they share.';
COMMENT ON COLUMN report.free_rider.unmeasured  IS 'Hosts heard of that did not.';
COMMENT ON COLUMN report.free_rider.files       IS 'Files that the free riders share; NULL: no host was measured.';
COMMENT ON COLUMN report.free_rider.all_files   IS 'Files that all measured hosts share; NULL: none was measured.';
