-- Whom each conversation named, in the order of the conversations.
SELECT
    endpoint_id,
    peers || leaves || tries || cached || contacts || ponged
FROM observation
WHERE snapshot_id = @snapshot
    AND COALESCE(peers, leaves, tries, cached, contacts, ponged) IS NOT NULL
ORDER BY observation_id;
