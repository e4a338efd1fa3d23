package graph

// A Partition says which component each host is in.
type Partition struct {
	Of    []int32 // number of the component, by host
	Sizes []int   // hosts, by number of the component
}

// Largest returns the number of the component with most hosts, the first found where several are equal, and -1 in a graph
// without hosts.
func (p Partition) Largest() int32 {
	largest := int32(-1)
	for i, size := range p.Sizes {
		if largest < 0 || size > p.Sizes[largest] {
			largest = int32(i)
		}
	}
	return largest
}

// inside counts the entries of r that stay within one component.
func (p Partition) inside(r rows, component int32) int {
	n := 0
	for v, c := range p.Of {
		if c != component {
			continue
		}
		for _, w := range r.row(int32(v)) {
			if p.Of[w] == component {
				n++
			}
		}
	}
	return n
}

// Weak returns the weakly connected components: hosts joined by links of any direction. Joining each host with two of its
// neighbours nearly makes the largest component of a network, so that most other links need not be looked at (Sutton,
// Ben-Nun and Barak, "Optimizing parallel graph connectivity computation via subgraph sampling", 2018).
func (g *Graph) Weak() Partition {
	const some = 2
	f := newForest(g.hosts)
	for v := range int32(g.hosts) {
		row := g.links.row(v)
		for _, w := range row[:min(some, len(row))] {
			f.join(v, w)
		}
	}
	most := f.largest()
	for v := range int32(g.hosts) {
		if row := g.links.row(v); f.root(v) != most && len(row) > some {
			for _, w := range row[some:] {
				f.join(v, w)
			}
		}
	}
	return f.partition()
}

// A forest holds components as trees of hosts. A root holds minus the hosts of its tree, any other host the one above it.
type forest []int32

func newForest(hosts int) forest {
	f := make(forest, hosts)
	for v := range f {
		f[v] = -1
	}
	return f
}

// root returns the root of the tree of a host, and shortens the way to it.
func (f forest) root(v int32) int32 {
	for f[v] >= 0 {
		if up := f[v]; f[up] >= 0 {
			f[v] = f[up]
		}
		v = f[v]
	}
	return v
}

// join makes one tree of those of two hosts and returns its root.
func (f forest) join(v, w int32) int32 {
	v, w = f.root(v), f.root(w)
	if v == w {
		return v
	}
	if f[w] < f[v] {
		v, w = w, v
	}
	f[v] += f[w]
	f[w] = v
	return v
}

// largest returns the root of the largest tree, -1 when there is none.
func (f forest) largest() int32 {
	most := int32(-1)
	for v, hosts := range f {
		if hosts < 0 && (most < 0 || hosts < f[most]) {
			most = int32(v)
		}
	}
	return most
}

// partition numbers the trees by the order of their first hosts.
func (f forest) partition() Partition {
	p := Partition{Of: make([]int32, len(f))}
	number := make([]int32, len(f)) // of the component of a root, from 1; 0: none yet
	for v := range p.Of {
		root := f.root(int32(v))
		if number[root] == 0 {
			p.Sizes = append(p.Sizes, int(-f[root]))
			number[root] = int32(len(p.Sizes))
		}
		p.Of[v] = number[root] - 1
	}
	return p
}

// WeakEdges returns the number of links inside one weakly connected component.
func (g *Graph) WeakEdges(p Partition, component int32) int { return p.inside(g.links, component) / 2 }

// Strong returns the strongly connected components: hosts that reach each other along edges as they were told. In a crawl
// that is no property of the network alone, for a host that was never visited tells of nobody. The component of a host with
// many edges of both kinds is looked for first, as what it reaches and is reached by; it is most of a network, and fast to
// find (Fleischer, Hendrickson and Pınar 2000).
func (g *Graph) Strong() Partition {
	t := tarjan{out: g.out, order: make([]int32, g.hosts), low: make([]int32, g.hosts), next: make([]int32, g.hosts)}
	t.Of = make([]int32, g.hosts)
	for v := range t.Of {
		t.Of[v] = -1
	}
	if hub := g.hub(); hub >= 0 {
		t.Sizes = append(t.Sizes, 0)
		down, up := reach(g.out, hub), reach(g.in, hub)
		for v := range int32(g.hosts) {
			if down.has(v) && up.has(v) {
				t.Of[v] = 0
				t.Sizes[0]++
			}
		}
	}
	for v := range int32(g.hosts) {
		if t.Of[v] < 0 && t.order[v] == 0 {
			t.search(v)
		}
	}
	return t.Partition
}

// hub returns a host that has most edges of the kind that it has fewer of, -1 when there are no hosts.
func (g *Graph) hub() int32 {
	hub, most := int32(-1), -1
	for v := range int32(g.hosts) {
		if edges := min(len(g.out.row(v)), len(g.in.row(v))); edges > most {
			hub, most = v, edges
		}
	}
	return hub
}

// reach returns the hosts that a path along r leads to.
func reach(r rows, from int32) bitset {
	found := newBitset(len(r.start) - 1)
	found.add(from)
	queue := []int32{from}
	for i := 0; i < len(queue); i++ {
		for _, w := range r.row(queue[i]) {
			if !found.has(w) {
				found.add(w)
				queue = append(queue, w)
			}
		}
	}
	return found
}

// StrongEdges returns the number of edges, as told, inside one strongly connected component.
func (g *Graph) StrongEdges(p Partition, component int32) int { return p.inside(g.out, component) }

// tarjan is Tarjan's algorithm (1972) with a stack of its own, for a path may be as long as the graph.
type tarjan struct {
	Partition
	out   rows
	order []int32 // when a host was found, from 1; 0: not yet
	low   []int32 // the earliest host on the stack that it is known to reach
	next  []int32 // its next edge to follow, counted from the first of its row
	found int32
	path  []int32 // from the root to the host at hand
	stack []int32 // found, and in no component yet
}

func (t *tarjan) enter(v int32) {
	t.found++
	t.order[v], t.low[v] = t.found, t.found
	t.path = append(t.path, v)
	t.stack = append(t.stack, v)
}

func (t *tarjan) search(root int32) {
	t.enter(root)
	for len(t.path) > 0 {
		v := t.path[len(t.path)-1]
		if row := t.out.row(v); int(t.next[v]) < len(row) {
			w := row[t.next[v]]
			t.next[v]++
			switch {
			case t.Of[w] >= 0: // in a component already
			case t.order[w] == 0:
				t.enter(w)
			default:
				t.low[v] = min(t.low[v], t.order[w])
			}
			continue
		}
		t.path = t.path[:len(t.path)-1]
		if len(t.path) > 0 {
			parent := t.path[len(t.path)-1]
			t.low[parent] = min(t.low[parent], t.low[v])
		}
		if t.low[v] == t.order[v] {
			t.leave(v)
		}
	}
}

// leave makes a component of the stack down to its root.
func (t *tarjan) leave(root int32) {
	size := 0
	for w := int32(-1); w != root; size++ {
		w = t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.Of[w] = int32(len(t.Sizes))
	}
	t.Sizes = append(t.Sizes, size)
}
