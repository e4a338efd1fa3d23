package graph

import (
	"math/rand/v2"
	"slices"
	"sync"
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

// orders is how many random orders of removal are measured.
const orders = 10

// A Decline is how many hosts are in the largest component after the first k were removed, by k from 0 to all.
type Decline struct {
	Degree            []int32   // those with most links first
	Mean              []float64 // of ten random orders
	Smallest, Largest []int32   // of them
}

// Decline removes all hosts, by degree and in ten random orders, which are the same each time.
func (g *Graph) Decline() Decline {
	left := make([][]int32, orders+1)
	numbers := make(chan int, len(left))
	for i := range left {
		numbers <- i
	}
	close(numbers)
	var all sync.WaitGroup
	for range workers() {
		all.Go(func() {
			for i := range numbers {
				order := g.ByDegree()
				if i > 0 {
					order = g.Shuffled(uint64(i))
				}
				left[i] = g.Resilience(order)
			}
		})
	}
	all.Wait()
	d := Decline{Degree: left[0], Smallest: slices.Clone(left[1]), Largest: slices.Clone(left[1])}
	for k := range d.Degree {
		sum := 0.0
		for _, random := range left[1:] {
			sum += float64(random[k])
			d.Smallest[k], d.Largest[k] = min(d.Smallest[k], random[k]), max(d.Largest[k], random[k])
		}
		d.Mean = append(d.Mean, sum/orders)
	}
	return d
}

// ByDegree returns all hosts, those with most links first. Degrees are those of the whole graph and are not counted anew as
// hosts go; hosts of the same degree are in the order of their numbers.
func (g *Graph) ByDegree() []int32 {
	degrees := g.Degrees()
	most := slices.Max(append(degrees, 0))
	for v := range degrees {
		degrees[v] = most - degrees[v]
	}
	return byDegree(degrees)
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
