package graph

import (
	"math/rand/v2"
	"slices"
)

// Resilience returns the hosts of the largest component after the first k hosts of an order were removed, by k from 0 to all
// (Albert, Jeong and Barabási 2000). The order holds every host once. The hosts are put back from the last to the first, each
// joining components (Newman and Ziff 2001), so that all removals together take little longer than one.
func (g *Graph) Resilience(order []int32) []int32 {
	left := make([]int32, g.hosts+1)
	present, components := newBitset(g.hosts), newForest(g.hosts)
	for k := len(order) - 1; k >= 0; k-- {
		v := order[k]
		present.add(v)
		root := v
		for _, w := range g.links.row(v) {
			if present.has(w) {
				root = components.join(root, w)
			}
		}
		left[k] = max(left[k+1], -components[root])
	}
	return left
}

// ByDegree returns all hosts, those with most links first. Degrees are those of the whole graph and are not counted anew as
// hosts go; hosts of the same degree are in the order of their numbers.
func (g *Graph) ByDegree() []int32 {
	order := g.numbers()
	slices.SortStableFunc(order, func(v, w int32) int { return g.Degree(w) - g.Degree(v) })
	return order
}

// Shuffled returns all hosts in a random order, the same for the same seed.
func (g *Graph) Shuffled(seed uint64) []int32 {
	order := g.numbers()
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

func (g *Graph) numbers() []int32 {
	all := make([]int32, g.hosts)
	for v := range all {
		all[v] = int32(v)
	}
	return all
}
