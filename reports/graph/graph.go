// Package graph measures the topology of a snapshot: hosts are numbered from 0 without gaps, an edge is a link that one
// host told of another.
//
// A [Graph] keeps compressed adjacency in two views. The directed view holds edges as they were told, each once: strong
// components and reciprocity look at it. The undirected view drops direction, so a link told by both ends is one link: all
// other measures look at it. Self loops are in neither. Rows are built by counting sort, in time and memory linear in the
// edges: about 8 bytes for each edge told while it collects, and 4 for each direction of each link afterwards.
//
// A measure that does not exist, such as the assortativity of a graph in which all degrees are equal, is NaN here.
package graph

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// chunkLen edges are collected in one piece, so that growing never copies.
const chunkLen = 1 << 17

type edge struct{ from, to int32 }

// A Builder collects edges.
type Builder struct {
	hosts  int
	chunks [][]edge
}

// NewBuilder returns a builder for a graph of the given number of hosts.
func NewBuilder(hosts int) *Builder { return &Builder{hosts: hosts} }

// Add takes one edge. Duplicates and self loops may be added; the graph has none.
func (b *Builder) Add(from, to int32) error {
	if from < 0 || to < 0 || int(from) >= b.hosts || int(to) >= b.hosts {
		return fmt.Errorf("add edge %d to %d: not among %d hosts", from, to, b.hosts)
	}
	b.take(edge{from, to})
	return nil
}

// take takes an edge between two hosts of the graph.
func (b *Builder) take(e edge) {
	last := len(b.chunks) - 1
	if last < 0 || len(b.chunks[last]) == chunkLen {
		b.chunks = append(b.chunks, make([]edge, 0, chunkLen))
		last++
	}
	b.chunks[last] = append(b.chunks[last], e)
}

// Graph returns what was collected, and leaves the builder empty.
func (b *Builder) Graph() *Graph {
	out := b.bySource()
	b.chunks = nil
	out.deduplicate()
	in := out.transposed()
	return &Graph{hosts: b.hosts, out: out, in: in, links: merged(out, in)}
}

// bySource gathers the edges by the host that told them, without self loops, in ascending order. Edges come from a snapshot
// host by host, so they are nearly in their places already.
func (b *Builder) bySource() rows {
	r := rows{start: make([]int, b.hosts+1)}
	for _, chunk := range b.chunks {
		for _, e := range chunk {
			if e.from != e.to {
				r.start[e.from+1]++
			}
		}
	}
	r.accumulate()
	for _, chunk := range b.chunks {
		for _, e := range chunk {
			if e.from != e.to {
				r.list[r.start[e.from]] = e.to
				r.start[e.from]++
			}
		}
	}
	r.rewind()
	share(b.hosts, func(_ int, from, to int32) {
		for v := from; v < to; v++ {
			slices.Sort(r.row(v))
		}
	})
	return r
}

// A Graph is the topology of one snapshot. It does not change, so it may be measured by several goroutines.
type Graph struct {
	hosts int
	out   rows // whom each host told of
	in    rows // who told of each host
	links rows // with whom each host is linked, by its own word or the other's
}

// Hosts returns the number of hosts, those without an edge included.
func (g *Graph) Hosts() int { return g.hosts }

// Edges returns the number of distinct links, direction dropped.
func (g *Graph) Edges() int { return len(g.links.list) / 2 }

// EdgesAmong returns the number of those between two of the chosen hosts.
func (g *Graph) EdgesAmong(chosen []bool) int {
	n := 0
	for v := range int32(g.hosts) {
		for _, w := range g.links.row(v) {
			if v < w && chosen[v] && chosen[w] {
				n++
			}
		}
	}
	return n
}

// Told returns the number of distinct directed edges.
func (g *Graph) Told() int { return len(g.out.list) }

// Degree returns the number of distinct hosts that the host is linked with.
func (g *Graph) Degree(host int32) int { return len(g.links.row(host)) }

// Neighbours returns the hosts that a host is linked with, in ascending order. They belong to the graph: do not change them.
func (g *Graph) Neighbours(host int32) []int32 { return g.links.row(host) }

// rows is an adjacency list without slack: the neighbours of host v are list[start[v]:start[v+1]], in ascending order once
// the graph is built.
type rows struct {
	start []int
	list  []int32
}

func (r rows) row(v int32) []int32 { return r.list[r.start[v]:r.start[v+1]] }

// accumulate turns start from the length of each row, kept one place further, into where each row begins, and makes room.
func (r *rows) accumulate() {
	for v := 1; v < len(r.start); v++ {
		r.start[v] += r.start[v-1]
	}
	r.list = make([]int32, r.start[len(r.start)-1])
}

// rewind undoes what filling the rows did: each start has moved to the end of its row.
func (r *rows) rewind() {
	copy(r.start[1:], r.start)
	r.start[0] = 0
}

// band is how many hosts, as a power of two, have their rows filled together: few enough for their rows to be in the cache.
const band = 12

// transposed returns the same edges by their other end. Its rows are in ascending order.
func (r rows) transposed() rows {
	hosts := len(r.start) - 1
	banded, begin := r.byBand()
	t := rows{start: make([]int, hosts+1), list: make([]int32, len(r.list))}
	var next atomic.Int32
	var all sync.WaitGroup
	for range workers() {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(begin)-1 {
					return
				}
				low := i << band
				t.fill(low, min(low+1<<band, hosts), begin[i], banded[begin[i]:begin[i+1]])
			}
		})
	}
	all.Wait()
	return t
}

// byBand returns the edges by the band of their target, and where each band begins.
func (r rows) byBand() (banded []edge, begin []int) {
	begin = make([]int, (len(r.start)-1)>>band+2)
	for _, w := range r.list {
		begin[w>>band+1]++
	}
	for i := range len(begin) - 1 {
		begin[i+1] += begin[i]
	}
	banded = make([]edge, len(r.list))
	place := slices.Clone(begin)
	for v := range int32(len(r.start) - 1) {
		for _, w := range r.row(v) {
			banded[place[w>>band]] = edge{from: v, to: w}
			place[w>>band]++
		}
	}
	return banded, begin
}

// fill makes the rows of the hosts from low up to high of the edges that lead to them. The first row begins at begin.
func (r rows) fill(low, high, begin int, edges []edge) {
	var place [1<<band + 1]int
	for _, e := range edges {
		place[int(e.to)-low+1]++
	}
	place[0] = begin
	for i := range high - low {
		place[i+1] += place[i]
		r.start[low+i+1] = place[i+1]
	}
	for _, e := range edges {
		r.list[place[int(e.to)-low]] = e.from
		place[int(e.to)-low]++
	}
}

// deduplicate drops repeated neighbours from rows in ascending order.
func (r *rows) deduplicate() {
	end, begin := 0, 0
	for v := range len(r.start) - 1 {
		row := r.list[begin:r.start[v+1]]
		begin = r.start[v+1]
		for i, w := range row {
			if i == 0 || w != row[i-1] {
				r.list[end] = w
				end++
			}
		}
		r.start[v+1] = end
	}
	r.list = r.list[:end:end]
}

// merged returns the union of two adjacencies row by row.
func merged(a, b rows) rows {
	hosts := len(a.start) - 1
	m := rows{start: make([]int, len(a.start))}
	share(hosts, func(_ int, from, to int32) {
		for v := from; v < to; v++ {
			m.start[v+1] = len(a.row(v)) + len(b.row(v)) - common(a.row(v), b.row(v))
		}
	})
	m.accumulate()
	share(hosts, func(_ int, from, to int32) {
		for v := from; v < to; v++ {
			union(m.row(v), a.row(v), b.row(v))
		}
	})
	return m
}

// common counts what two rows in ascending order share.
func common(x, y []int32) int {
	n := 0
	for i, j := 0, 0; i < len(x) && j < len(y); {
		switch {
		case x[i] < y[j]:
			i++
		case x[i] > y[j]:
			j++
		default:
			n, i, j = n+1, i+1, j+1
		}
	}
	return n
}

// union fills a row with what is in either of two rows in ascending order.
func union(row, x, y []int32) {
	i, j := 0, 0
	for k := range row {
		switch {
		case j == len(y) || i < len(x) && x[i] < y[j]:
			row[k] = x[i]
			i++
		case i == len(x) || x[i] > y[j]:
			row[k] = y[j]
			j++
		default:
			row[k] = x[i]
			i, j = i+1, j+1
		}
	}
}

// ratio is a quotient that does not exist when it would divide by zero.
func ratio(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}
