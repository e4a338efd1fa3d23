-- A free rider declares 0 files; by wider definitions, at most 10 or at most 100 (Adar and Huberman 2000; Hughes, Coulson and
-- Walkerdine 2005). It declares: a host that did not tell is not one, but not measured.
CREATE VIEW report.free_rider AS
SELECT
    h.snapshot_id,
    d.most,
    count(*) FILTER (WHERE h.files <= d.most) AS hosts,
    count(h.files) AS measured,
    count(*) FILTER (WHERE h.files IS NULL) AS unmeasured,
    COALESCE(sum(h.files) FILTER (WHERE h.files <= d.most), 0) AS files,
    sum(h.files) AS all_files
FROM report.host h
CROSS JOIN (VALUES (0), (10), (100)) AS d (most)
GROUP BY h.snapshot_id, d.most;
COMMENT ON VIEW   report.free_rider             IS 'Hosts that share nothing, or little, by each definition in use.';
COMMENT ON COLUMN report.free_rider.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.free_rider.most        IS 'The definition: a free rider declares at most as many files.';
COMMENT ON COLUMN report.free_rider.hosts       IS 'Free riders among the measured hosts.';
COMMENT ON COLUMN report.free_rider.measured    IS 'Hosts that told how many files they share.';
COMMENT ON COLUMN report.free_rider.unmeasured  IS 'Hosts heard of that did not.';
COMMENT ON COLUMN report.free_rider.files       IS 'Files that the free riders share.';
COMMENT ON COLUMN report.free_rider.all_files   IS 'Files that all measured hosts share.';
