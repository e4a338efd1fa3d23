-- Every address of a snapshot: of the hosts that it heard of, and of those that responded to its queries.
SELECT addr
FROM endpoint
WHERE snapshot_id = $1 AND addr IS NOT NULL
UNION
SELECT addr
FROM hit
WHERE snapshot_id = $1;
