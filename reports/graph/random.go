package graph

import (
	"math/rand/v2"
	"slices"
)

// Random returns a graph of so many hosts, enough for the links of g, and as many links as g, drawn at random from all such
// graphs (Erdős and Rényi 1959), the same for the same seed. What g has and this one has not is more than size alone explains.
func (g *Graph) Random(hosts int, seed uint64) *Graph {
	links := g.Edges()
	b := NewBuilder(hosts)
	all := hosts * (hosts - 1) / 2
	if links <= all/2 {
		for _, l := range drawn(seed, hosts, links) {
			b.take(l.edge())
		}
		return b.Graph()
	}
	// Of a dense graph the links that it lacks are drawn: they are fewer.
	lacking := drawn(seed, hosts, all-links)
	for v := range int32(hosts) {
		for w := range v {
			l := pairOf(v, w)
			if len(lacking) > 0 && lacking[0] == l {
				lacking = lacking[1:]
				continue
			}
			b.take(l.edge())
		}
	}
	return b.Graph()
}

// A pair is a link as one number, which sorts faster than two: the host of the higher number in the upper half.
type pair uint64

func pairOf(v, w int32) pair { return pair(max(v, w))<<32 | pair(min(v, w)) }

func (p pair) edge() edge { return edge{from: int32(p >> 32), to: int32(p)} }

// drawn returns so many different links in ascending order. There must be that many, and better twice as many.
func drawn(seed uint64, hosts, links int) []pair {
	random := rand.New(rand.NewPCG(seed, 0))
	list := make([]pair, 0, links)
	for len(list) < links {
		for range links - len(list) {
			v, w := random.Int32N(int32(hosts)), random.Int32N(int32(hosts)-1)
			if w >= v {
				w++
			}
			list = append(list, pairOf(v, w))
		}
		slices.Sort(list)
		list = slices.Compact(list)
	}
	return list
}

// Among returns the graph of the chosen hosts and the links between them, told as they were. The hosts are numbered anew, in
// the same order.
func (g *Graph) Among(chosen []bool) *Graph {
	number := make([]int32, g.hosts)
	hosts := 0
	for v, in := range chosen {
		if in {
			number[v] = int32(hosts)
			hosts++
		}
	}
	b := NewBuilder(hosts)
	for v := range int32(g.hosts) {
		if !chosen[v] {
			continue
		}
		for _, w := range g.out.row(v) {
			if chosen[w] {
				b.take(edge{from: number[v], to: number[w]})
			}
		}
	}
	return b.Graph()
}
