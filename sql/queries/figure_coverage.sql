-- How much of what was heard of was seen. Links are not counted: they may be many millions.
SELECT heard, visited, reached, files_measured
FROM report.coverage
WHERE snapshot_id = $1;
