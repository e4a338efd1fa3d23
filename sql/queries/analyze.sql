ANALYZE snapshot, endpoint, agent, observation, query, hit;
