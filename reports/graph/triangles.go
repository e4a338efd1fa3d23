package graph

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Triangles says how often two neighbours of a host are linked with each other.
type Triangles struct {
	Around  []int64 // triangles that each host is a corner of
	Total   int64   // triangles, each counted once
	Wedges  int64   // pairs of links that meet in a host: the triangles there could be, three for each
	degrees []int
}

// grain hosts are handed to a worker at a time.
const grain = 512

// Triangles counts the triangles of the undirected graph. Links are directed from the host of lower degree to that of
// higher, so that no host has more than about the square root of twice the links to compare (Chiba and Nishizeki 1985).
func (g *Graph) Triangles() Triangles {
	degrees := g.Degrees()
	up, order := g.upward(degrees)
	counts := make([][]int64, runtime.GOMAXPROCS(0))
	var next atomic.Int64
	var workers sync.WaitGroup
	for i := range counts {
		workers.Go(func() { counts[i] = countTriangles(up, &next) })
	}
	workers.Wait()

	t := Triangles{Around: make([]int64, g.hosts), degrees: degrees}
	for rank, v := range order {
		for _, c := range counts {
			t.Around[v] += c[rank]
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
	order, rank, _ := byDegree(degrees)
	up := rows{start: make([]int, g.hosts+1), list: make([]int32, 0, g.Edges())}
	for r, v := range order {
		for _, w := range g.links.row(v) {
			if rank[w] > r {
				up.list = append(up.list, int32(rank[w]))
			}
		}
		up.start[r+1] = len(up.list)
	}
	return up, order
}

// countTriangles takes hosts until none is left and returns the triangles that it found around each host.
func countTriangles(up rows, next *atomic.Int64) []int64 {
	hosts := len(up.start) - 1
	around := make([]int64, hosts)
	marked := make([]int32, hosts) // by whom, counted from 1
	for {
		first := int(next.Add(grain)) - grain
		if first >= hosts {
			return around
		}
		for u := int32(first); u < int32(min(first+grain, hosts)); u++ {
			neighbours := up.row(u)
			for _, v := range neighbours {
				marked[v] = u + 1
			}
			for _, v := range neighbours {
				for _, w := range up.row(v) {
					if marked[w] == u+1 {
						around[u]++
						around[v]++
						around[w]++
					}
				}
			}
		}
	}
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
