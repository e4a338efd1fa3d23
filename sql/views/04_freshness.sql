-- How much a snapshot holds, and whether what is kept of it was derived from as much.
CREATE VIEW report.freshness AS
SELECT
    s.snapshot_id,
    s.endpoints,
    s.observations,
    EXISTS (
        SELECT
        FROM report.kept k
        WHERE k.snapshot_id = s.snapshot_id AND k.endpoints = s.endpoints AND k.observations = s.observations
    ) AS fresh
FROM snapshot s;
COMMENT ON VIEW   report.freshness              IS 'Every snapshot, and whether its kept rows hold.';
COMMENT ON COLUMN report.freshness.snapshot_id  IS 'The snapshot.';
COMMENT ON COLUMN report.freshness.endpoints    IS 'Endpoints that it heard of.';
COMMENT ON COLUMN report.freshness.observations IS 'Conversations.';
COMMENT ON COLUMN report.freshness.fresh        IS 'The rows in report.kept_host are those of the snapshot as it is now.';
