-- title: Queries
-- about: Every query that was asked through an ultrapeer.
-- method: asked as a leaf of the ultrapeer, from the published list of words.
-- key: observation_id
-- column: observation_id integer - Conversation in which it was asked; its endpoint is the ultrapeer.
-- column: words text - The words.
SELECT
    observation_id,
    words
FROM query
WHERE snapshot_id = $1
ORDER BY observation_id;
