ANALYZE snapshot, endpoint, agent, observation, rumour, query, hit;
