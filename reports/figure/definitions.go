package figure

// Shapes of figures, height for a width of 1.
const (
	landscape = 0.74
	square    = 0.95
)

// definitions are the figures, in the order in which they are best seen.
var definitions = []definition{
	{Info{"network", "The network", "Every host and link, laid out by forces; of more than 20,000 hosts, the cores."},
		pageWidth, 1, network},
	{Info{"degrees", "Links per host", "Share of hosts with at least so many links, with fitted tails."},
		columnWidth, landscape, links.draw},
	{Info{"peers", "Peers per ultrapeer", "Share of ultrapeers with at least so many peers, with fitted tails."},
		columnWidth, landscape, peers.draw},
	{Info{"leaves", "Leaves per ultrapeer", "Share of ultrapeers with at least so many leaves, with fitted tails."},
		columnWidth, landscape, leaves.draw},
	{Info{"parents", "Ultrapeers per leaf", "Share of leaves with links to at least so many ultrapeers, with fitted tails."},
		columnWidth, landscape, parents.draw},
	{Info{"distances", "Distances", "Share of pairs of hosts that are so many links apart."},
		columnWidth, landscape, distances},
	{Info{"cores", "Cores", "Share of hosts in each k-core."},
		columnWidth, landscape, cores},
	{Info{"resilience", "Resilience", "The largest component after hosts are removed, at random and by degree."},
		columnWidth, landscape, resilience},
	{Info{"files", "Files per host", "Share of hosts that share at least so many files, with fitted tails."},
		columnWidth, landscape, files},
	{Info{"lorenz", "Inequality of sharing", "How little the hosts that share least hold of all (Lorenz curves)."},
		columnWidth, square, lorenz},
	{Info{"freeriders", "Free riders", "Share of hosts that share nothing or little, with intervals and bounds."},
		columnWidth, 0, freeRiders},
	{Info{"latency", "Delay of hits", "Share of queries with a hit, and of hits, within a time."},
		columnWidth, landscape, latency},
	{Info{"hits", "Hits over time", "How many hits a query has had after a time."},
		columnWidth, landscape, hitsOverTime},
	{Info{"hops", "Hits by hops", "How many links hits travelled."},
		columnWidth, landscape, hitsByHops},
	{Info{"responses", "Inequality of answers", "How little the hosts that answer least give of all answers (Lorenz curves)."},
		columnWidth, square, responses},
	{Info{"outcomes", "Outcomes", "How conversations ended, by method."},
		columnWidth, 0, outcomes},
	{Info{"reachability", "Reachability", "Which hosts could be reached, by method and by role."},
		columnWidth, 0, reachability},
	{Info{"agents", "Agents", "Which software hosts run, with intervals."},
		columnWidth, 0, agents},
	{Info{"abilities", "Abilities", "Which features of the protocol hosts have adopted, with intervals."},
		columnWidth, 0, abilities},
}
