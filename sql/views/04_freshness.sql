-- How much a snapshot holds, and whether what is kept of it was derived from as much. Endpoints and observations are numbered
-- without gaps, so the last number is the number of them.
CREATE VIEW report.freshness AS
SELECT
    s.snapshot_id,
    e.endpoints,
    o.observations,
    EXISTS (
        SELECT
        FROM report.kept k
        WHERE k.snapshot_id = s.snapshot_id AND k.endpoints = e.endpoints AND k.observations = o.observations
    ) AS fresh
FROM snapshot s
CROSS JOIN LATERAL (
    SELECT COALESCE(max(endpoint_id), 0) AS endpoints FROM endpoint WHERE snapshot_id = s.snapshot_id
) e
CROSS JOIN LATERAL (
    SELECT COALESCE(max(observation_id), 0) AS observations FROM observation WHERE snapshot_id = s.snapshot_id
) o;
COMMENT ON VIEW   report.freshness              IS 'Every snapshot, and whether its kept rows hold.';
COMMENT ON COLUMN report.freshness.snapshot_id  IS 'The snapshot.';
COMMENT ON COLUMN report.freshness.endpoints    IS 'Endpoints that it heard of.';
COMMENT ON COLUMN report.freshness.observations IS 'Conversations.';
COMMENT ON COLUMN report.freshness.fresh        IS 'The rows in report.kept_host are those of the snapshot as it is now.';
