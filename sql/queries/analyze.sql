ANALYZE snapshot, endpoint, agent, observation, neighbour, rumour, query, hit;
