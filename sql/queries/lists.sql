-- Whom each host named: its links, and those that it has only heard of.
SELECT
    endpoint_id,
    peers,
    leaves,
    tries || cached || contacts || ponged AS rumours
FROM observation
WHERE snapshot_id = @snapshot
    AND COALESCE(peers, leaves, tries, cached, contacts, ponged) IS NOT NULL;
