INSERT INTO report.kept_answer (snapshot_id, question, answer)
SELECT
    snapshot_id,
    @question,
    @answer
FROM report.kept
WHERE snapshot_id = @snapshot
    AND endpoints = @endpoints
    AND observations = @observations
ON CONFLICT DO NOTHING;
