SELECT a.answer
FROM report.kept_answer a
JOIN report.kept k ON k.snapshot_id = a.snapshot_id
WHERE a.snapshot_id = @snapshot
    AND a.question = @question
    AND k.endpoints = @endpoints
    AND k.observations = @observations;
