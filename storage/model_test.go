package storage_test

import (
	"cmp"
	"net/netip"
	"slices"

	"gnucensus/probe"
	"gnucensus/storage"
)

// A model holds observations and derives from them, in the plainest way, what the views in sql/views tell.
type model struct {
	ids   map[netip.AddrPort]int64 // by unmapped address, in the order of hearing
	hosts []netip.AddrPort
	obs   []probe.Observation
}

// ranking is the order of report.outcome.
var ranking = []probe.Outcome{
	probe.Answered, probe.Refused, probe.Unsupported, probe.Garbage, probe.Closed, probe.Reset, probe.Timeout,
	probe.ConnectionRefused, probe.Unreachable, probe.ConnectTimeout, probe.Silent, probe.LocalLimit, probe.OutOfScope,
	probe.Cancelled,
}

func newModel() *model { return &model{ids: map[netip.AddrPort]int64{}} }

func address(e probe.Endpoint) netip.AddrPort {
	return netip.AddrPortFrom(e.Addr.Addr().Unmap(), e.Addr.Port())
}

func (m *model) hear(e probe.Endpoint) int64 {
	a := address(e)
	if _, ok := m.ids[a]; !ok {
		m.hosts = append(m.hosts, a)
		m.ids[a] = int64(len(m.hosts))
	}
	return m.ids[a]
}

func (m *model) add(o probe.Observation) {
	m.hear(o.Endpoint)
	for _, p := range o.Peers {
		m.hear(p.Endpoint)
	}
	m.obs = append(m.obs, o)
}

// of returns the observations of one host, in their order.
func (m *model) of(id int64) []probe.Observation {
	return slices.DeleteFunc(slices.Clone(m.obs), func(o probe.Observation) bool { return m.hear(o.Endpoint) != id })
}

// A view is a statement over the views and the rows that it should give.
type view struct {
	statement string
	want      [][]any
}

func (m *model) views() []view {
	return []view{
		{`SELECT endpoint_id, host, visited, reached, outcome, role, agent, files, kib, uptime_s
			FROM report.host WHERE snapshot_id = $1 ORDER BY endpoint_id`, m.hostRows()},
		{`SELECT a, b, kind, ends FROM report.edge WHERE snapshot_id = $1 ORDER BY a, b`, m.edgeRows()},
		{`SELECT endpoint_id, role, visited, degree, peers, leaves
			FROM report.degree WHERE snapshot_id = $1 ORDER BY endpoint_id`, m.degreeRows()},
		{`SELECT endpoint_id, tellers, relations
			FROM report.rumour WHERE snapshot_id = $1 ORDER BY endpoint_id`, m.rumourRows()},
		{`SELECT observation_id, words, via, outcome, hits, results
			FROM report.query WHERE snapshot_id = $1 ORDER BY observation_id`, m.queryRows()},
		{`SELECT observation_id, hit_id, words, via, responder, endpoint_id, delay_ms, hops, results, vendor, firewalled
			FROM report.hit WHERE snapshot_id = $1 ORDER BY observation_id, hit_id`, m.hitRows()},
		{`SELECT heard, visited, reached, ultrapeers, leaves, files_measured, edges, rumours, queries, hits, observations
			FROM report.coverage WHERE snapshot_id = $1`, m.coverageRow()},
	}
}

func (m *model) hostRows() (rows [][]any) {
	for i, a := range m.hosts {
		id := int64(i + 1)
		var visited, reached bool
		var outcome, agent, files, kib, uptime any
		rank := len(ranking)
		for _, o := range m.of(id) {
			if o.Method != probe.Query {
				visited = visited || o.Outcome.Visited()
				reached = reached || o.Outcome.Reached()
				if r := slices.Index(ranking, o.Outcome); r < rank {
					rank, outcome = r, string(o.Outcome)
				}
			}
			if agent == nil && o.Agent != "" {
				agent = o.Agent
			}
			files, kib = larger(files, o.Files), larger(kib, o.KiB)
			if o.Uptime != nil {
				uptime = larger(uptime, ptr(int64(o.Uptime.Seconds())))
			}
		}
		role := m.role(id)
		if role == "ultrapeer" {
			kib = nil
		}
		rows = append(rows, []any{id, a.String(), visited, reached, outcome, role, agent, files, kib, uptime})
	}
	return rows
}

// larger takes an int64 or nil.
func larger(a any, b *int64) any {
	switch {
	case b == nil:
		return a
	case a == nil:
		return *b
	}
	return max(a.(int64), *b)
}

// ownRole is what a host says of itself, in its best moment.
func (m *model) ownRole(id int64) (role probe.Role) {
	for _, o := range m.of(id) {
		role = max(role, o.Role)
	}
	return role
}

func (m *model) role(id int64) any {
	role := m.ownRole(id)
	if role != probe.UnknownRole {
		return string(role)
	}
	for _, o := range m.obs {
		if m.ownRole(m.hear(o.Endpoint)) == probe.UnknownRole {
			continue
		}
		for _, p := range o.Peers {
			if m.hear(p.Endpoint) != id || !p.Relation.Edge() || role == probe.LeafRole {
				continue
			}
			role = probe.Ultrapeer
			if p.Relation == probe.LeafLink {
				role = probe.LeafRole
			}
		}
	}
	if role == probe.UnknownRole {
		return nil
	}
	return string(role)
}

// A link is an undirected edge: who told it, and of what kind it is.
type link struct {
	a, b     int64
	leaf     bool
	low, top bool // told by the end with the lower number, by the other
}

func (m *model) links() []link {
	type pair struct{ a, b int64 }
	found := map[pair]*link{}
	for _, o := range m.obs {
		from := m.hear(o.Endpoint)
		for _, p := range o.Peers {
			to := m.hear(p.Endpoint)
			if !p.Relation.Edge() || from == to {
				continue
			}
			ends := pair{min(from, to), max(from, to)}
			l, ok := found[ends]
			if !ok {
				l = &link{a: ends.a, b: ends.b}
				found[ends] = l
			}
			l.leaf = l.leaf || p.Relation == probe.LeafLink || m.ownRole(from) == probe.LeafRole
			l.low, l.top = l.low || from == ends.a, l.top || from == ends.b
		}
	}
	var links []link
	for _, l := range found {
		links = append(links, *l)
	}
	slices.SortFunc(links, func(x, y link) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) })
	return links
}

func (m *model) edgeRows() (rows [][]any) {
	for _, l := range m.links() {
		kind, ends := "peer", int64(1)
		if l.leaf {
			kind = "leaf"
		}
		if l.low && l.top {
			ends = 2
		}
		rows = append(rows, []any{l.a, l.b, kind, ends})
	}
	return rows
}

func (m *model) degreeRows() (rows [][]any) {
	for _, h := range m.hostRows() {
		id := h[0].(int64)
		var peers, leaves int64
		for _, l := range m.links() {
			switch {
			case l.a != id && l.b != id:
			case l.leaf:
				leaves++
			default:
				peers++
			}
		}
		row := []any{id, h[5], h[2]}
		for _, n := range []int64{peers + leaves, peers, leaves} {
			if n == 0 && !m.listed(id) {
				row = append(row, nil)
				continue
			}
			row = append(row, n)
		}
		rows = append(rows, row)
	}
	return rows
}

// listed tells whether a host answered a question for its links.
func (m *model) listed(id int64) bool {
	return slices.ContainsFunc(m.of(id), func(o probe.Observation) bool {
		lists := o.Method == probe.TCPCrawl || o.Method == probe.UDPCrawl || o.Method == probe.Import
		return lists && o.Outcome == probe.Answered
	})
}

func (m *model) rumourRows() (rows [][]any) {
	for i := range m.hosts {
		id := int64(i + 1)
		var tellers []int64
		var relations []string
		for _, o := range m.obs {
			for _, p := range o.Peers {
				if m.hear(p.Endpoint) == id && !p.Relation.Edge() {
					tellers = append(tellers, m.hear(o.Endpoint))
					relations = append(relations, string(p.Relation))
				}
			}
		}
		if tellers == nil {
			continue
		}
		slices.Sort(tellers)
		slices.Sort(relations)
		rows = append(rows, []any{id, int64(len(slices.Compact(tellers))), slices.Compact(relations)})
	}
	return rows
}

func (m *model) queryRows() (rows [][]any) {
	for i, o := range m.obs {
		if o.Method != probe.Query {
			continue
		}
		var hits, results any
		if o.Outcome == probe.Answered || len(o.Hits) > 0 {
			n := int64(0)
			for _, h := range o.Hits {
				n += int64(h.Results)
			}
			hits, results = int64(len(o.Hits)), n
		}
		rows = append(rows, []any{int64(i + 1), o.Query, address(o.Endpoint).String(), string(o.Outcome), hits, results})
	}
	return rows
}

func (m *model) hitRows() (rows [][]any) {
	for i, o := range m.obs {
		for j, h := range o.Hits {
			var endpoint, vendor, firewalled any
			if id, ok := m.ids[address(h.Responder)]; ok {
				endpoint = id
			}
			if h.Vendor != "" {
				vendor = h.Vendor
			}
			if h.Firewalled != nil {
				firewalled = *h.Firewalled
			}
			rows = append(rows, []any{int64(i + 1), int64(j + 1), o.Query, address(o.Endpoint).String(),
				address(h.Responder).String(), endpoint, float64(h.Delay.Microseconds()) / 1000, int64(h.Hops),
				int64(h.Results), vendor, firewalled})
		}
	}
	return rows
}

func (m *model) coverage() storage.Coverage {
	c := storage.Coverage{
		Heard: int64(len(m.hosts)), Edges: int64(len(m.links())), Rumours: int64(len(m.rumourRows())),
		Queries: int64(len(m.queryRows())), Hits: int64(len(m.hitRows())), Observations: int64(len(m.obs)),
	}
	var ultrapeers, leaves int64
	for _, h := range m.hostRows() {
		count(&c.Visited, h[2] == true)
		count(&c.Reached, h[3] == true)
		count(&ultrapeers, h[5] == "ultrapeer")
		count(&leaves, h[5] == "leaf")
		count(&c.FilesMeasured, h[7] != nil)
	}
	if ultrapeers+leaves > 0 {
		c.Ultrapeers, c.Leaves = &ultrapeers, &leaves
	}
	return c
}

func (m *model) coverageRow() [][]any {
	c := m.coverage()
	row := []any{c.Heard, c.Visited, c.Reached, nil, nil, c.FilesMeasured, c.Edges, c.Rumours, c.Queries, c.Hits, c.Observations}
	if c.Ultrapeers != nil {
		row[3], row[4] = *c.Ultrapeers, *c.Leaves
	}
	return [][]any{row}
}

func count(n *int64, yes bool) {
	if yes {
		*n++
	}
}
