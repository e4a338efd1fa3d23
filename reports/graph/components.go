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

// Weak returns the weakly connected components: hosts joined by links of any direction.
func (g *Graph) Weak() Partition {
	p := Partition{Of: make([]int32, g.hosts)}
	for v := range p.Of {
		p.Of[v] = -1
	}
	queue := make([]int32, 0, g.hosts)
	for v := range p.Of {
		if p.Of[v] >= 0 {
			continue
		}
		component := int32(len(p.Sizes))
		p.Of[v] = component
		queue = append(queue[:0], int32(v))
		for i := 0; i < len(queue); i++ {
			for _, w := range g.links.row(queue[i]) {
				if p.Of[w] < 0 {
					p.Of[w] = component
					queue = append(queue, w)
				}
			}
		}
		p.Sizes = append(p.Sizes, len(queue))
	}
	return p
}

// WeakEdges returns the number of links inside one weakly connected component.
func (g *Graph) WeakEdges(p Partition, component int32) int { return p.inside(g.links, component) / 2 }

// Strong returns the strongly connected components: hosts that reach each other along edges as they were told. In a crawl
// that is no property of the network alone, for a host that was never visited tells of nobody.
func (g *Graph) Strong() Partition {
	t := tarjan{out: g.out, order: make([]int32, g.hosts), low: make([]int32, g.hosts), next: make([]int, g.hosts)}
	t.Of = make([]int32, g.hosts)
	for v := range t.Of {
		t.Of[v] = -1
	}
	for v := range int32(g.hosts) {
		if t.order[v] == 0 {
			t.search(v)
		}
	}
	return t.Partition
}

// StrongEdges returns the number of edges, as told, inside one strongly connected component.
func (g *Graph) StrongEdges(p Partition, component int32) int { return p.inside(g.out, component) }

// tarjan is Tarjan's algorithm (1972) with a stack of its own, for a path may be as long as the graph.
type tarjan struct {
	Partition
	out   rows
	order []int32 // when a host was found, from 1; 0: not yet
	low   []int32 // the earliest host on the stack that it is known to reach
	next  []int   // its next edge to follow, counted from the first of its row
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
		if row := t.out.row(v); t.next[v] < len(row) {
			w := row[t.next[v]]
			t.next[v]++
			if t.order[w] == 0 {
				t.enter(w)
			} else if t.Of[w] < 0 {
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
