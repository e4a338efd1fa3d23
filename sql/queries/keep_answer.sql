-- The hosts may be kept anew meanwhile; then the answer goes with those that it was derived from.
INSERT INTO report.kept_answer (snapshot_id, question, answer)
SELECT
    snapshot_id,
    @question,
    @answer
FROM report.kept
WHERE snapshot_id = @snapshot
    AND endpoints = @endpoints
    AND observations = @observations
FOR KEY SHARE
ON CONFLICT DO NOTHING;
