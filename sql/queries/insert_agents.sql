INSERT INTO agent (agent)
SELECT unnest(@agents::text[])
ON CONFLICT (agent) DO NOTHING;
