package graph

// Triangles says how often two neighbours of a host are linked with each other.
type Triangles struct {
	Around  []int64 // triangles that each host is a corner of
	Total   int64   // triangles, each counted once
	Wedges  int64   // pairs of links that meet in a host: the triangles there could be, three for each
	degrees []int
}

// Triangles counts the triangles of the undirected graph. Links are directed from the host of lower degree to that of
// higher, so that no host has more than about the square root of twice the links to compare (Chiba and Nishizeki 1985).
func (g *Graph) Triangles() Triangles {
	degrees := g.Degrees()
	up, order := g.upward(degrees)
	finders := make([]finder, workers())
	share(g.hosts, func(worker int, from, to int32) { finders[worker].find(up, from, to) })

	t := Triangles{Around: make([]int64, g.hosts), degrees: degrees}
	for rank, v := range order {
		for _, f := range finders {
			if f.around != nil {
				t.Around[v] += f.around[rank]
			}
		}
		d := int64(degrees[v])
		t.Total += t.Around[v]
		t.Wedges += d * (d - 1) / 2
	}
	t.Total /= 3
	return t
}

// upward numbers the hosts anew by rising degree and returns the links from the lower to the higher number, and the host
// of each number.
func (g *Graph) upward(degrees []int) (rows, []int32) {
	order := byDegree(degrees)
	rank := make([]int32, g.hosts)
	for r, v := range order {
		rank[v] = int32(r)
	}
	up := rows{start: make([]int, g.hosts+1)}
	share(g.hosts, func(_ int, from, to int32) {
		for r := from; r < to; r++ {
			for _, w := range g.links.row(order[r]) {
				if rank[w] > r {
					up.start[r+1]++
				}
			}
		}
	})
	up.accumulate()
	share(g.hosts, func(_ int, from, to int32) {
		for r := from; r < to; r++ {
			row := up.row(r)[:0]
			for _, w := range g.links.row(order[r]) {
				if rank[w] > r {
					row = append(row, rank[w])
				}
			}
		}
	})
	return up, order
}

// A finder is what one worker keeps while it looks for triangles.
type finder struct {
	around []int64 // triangles that it found, by corner
	near   bitset  // the upper neighbours of the host at hand
	touch  int32   // says nothing, but must be kept so that rows are touched
}

// find looks for the triangles whose lowest corner is in a range of hosts.
func (f *finder) find(up rows, from, to int32) {
	if f.around == nil {
		hosts := len(up.start) - 1
		f.around, f.near = make([]int64, hosts), newBitset(hosts)
	}
	// Rows lie all over memory. Touched one after another, those of a host are fetched at once, and not each when it is read.
	touched := int32(0)
	for u := from; u < to; u++ {
		neighbours := up.row(u)
		for _, v := range neighbours {
			f.near.add(v)
			if row := up.row(v); len(row) > 0 {
				touched ^= row[0] ^ row[len(row)-1]
			}
		}
		for _, v := range neighbours {
			for _, w := range up.row(v) {
				if f.near.has(w) {
					f.around[u]++
					f.around[v]++
					f.around[w]++
				}
			}
		}
		for _, v := range neighbours {
			f.near.remove(v)
		}
	}
	f.touch = touched
}

// Clustering returns the mean of the hosts' clustering coefficients (Watts and Strogatz 1998): the share of the pairs of a
// host's neighbours that are linked. A host with fewer than two neighbours has no such pair. The first mean counts it as 0,
// the second leaves it out; publications use both.
func (t Triangles) Clustering() (all, paired float64) {
	sum, hosts := 0.0, 0
	for v, d := range t.degrees {
		if d >= 2 {
			hosts++
			sum += float64(2*t.Around[v]) / (float64(d) * float64(d-1))
		}
	}
	return ratio(sum, float64(len(t.degrees))), ratio(sum, float64(hosts))
}

// Closed returns the share of triads that are closed. The first counts a triangle as one triad, T/(T+O), where O is the
// number of open triads; the second, known as transitivity, counts it once for each corner, 3T/(3T+O).
func (t Triangles) Closed() (once, corners float64) {
	triangles, open := float64(t.Total), float64(t.Wedges-3*t.Total)
	return ratio(triangles, triangles+open), ratio(3*triangles, 3*triangles+open)
}
