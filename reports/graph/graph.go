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
	last := len(b.chunks) - 1
	if last < 0 || len(b.chunks[last]) == chunkLen {
		b.chunks = append(b.chunks, make([]edge, 0, chunkLen))
		last++
	}
	b.chunks[last] = append(b.chunks[last], edge{from, to})
	return nil
}

// Graph returns what was collected, and leaves the builder empty.
func (b *Builder) Graph() *Graph {
	in := b.byTarget()
	b.chunks = nil
	out := in.transposed()
	out.deduplicate()
	return &Graph{hosts: b.hosts, out: out, links: merged(out, out.transposed())}
}

// byTarget sorts the edges by their target and drops self loops.
func (b *Builder) byTarget() rows {
	r := rows{start: make([]int, b.hosts+1)}
	for _, chunk := range b.chunks {
		for _, e := range chunk {
			if e.from != e.to {
				r.start[e.to+1]++
			}
		}
	}
	r.accumulate()
	for _, chunk := range b.chunks {
		for _, e := range chunk {
			if e.from != e.to {
				r.list[r.start[e.to]] = e.from
				r.start[e.to]++
			}
		}
	}
	r.rewind()
	return r
}

// A Graph is the topology of one snapshot. It does not change, so it may be measured by several goroutines.
type Graph struct {
	hosts int
	out   rows // whom each host told of
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

// transposed returns the same edges by their other end. Its rows are in ascending order.
func (r rows) transposed() rows {
	t := rows{start: make([]int, len(r.start))}
	for _, w := range r.list {
		t.start[w+1]++
	}
	t.accumulate()
	for v := range int32(len(r.start) - 1) {
		for _, w := range r.row(v) {
			t.list[t.start[w]] = v
			t.start[w]++
		}
	}
	t.rewind()
	return t
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
	m := rows{start: make([]int, len(a.start)), list: make([]int32, 0, len(a.list)+len(b.list))}
	for v := range int32(len(a.start) - 1) {
		x, y := a.row(v), b.row(v)
		for len(x) > 0 && len(y) > 0 {
			switch {
			case x[0] < y[0]:
				m.list, x = append(m.list, x[0]), x[1:]
			case x[0] > y[0]:
				m.list, y = append(m.list, y[0]), y[1:]
			default:
				m.list, x, y = append(m.list, x[0]), x[1:], y[1:]
			}
		}
		m.list = append(append(m.list, x...), y...)
		m.start[v+1] = len(m.list)
	}
	return m
}

// ratio is a quotient that does not exist when it would divide by zero.
func ratio(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}
