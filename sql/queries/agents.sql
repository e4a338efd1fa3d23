SELECT
    agent_id,
    agent
FROM agent
WHERE agent = ANY (@agents::text[]);
