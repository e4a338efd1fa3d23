package graph

import "slices"

// Degrees returns the degree of each host.
func (g *Graph) Degrees() []int {
	d := make([]int, g.hosts)
	for v := range d {
		d[v] = g.Degree(int32(v))
	}
	return d
}

// Gini returns the Gini coefficient of amounts that are not negative: 0 when all are equal, near 1 when one host has
// everything. It does not exist when there is nothing to share out.
func Gini(amounts []int) float64 {
	sorted := slices.Sorted(slices.Values(amounts))
	sum, weighted := 0.0, 0.0
	for i, x := range sorted {
		sum += float64(x)
		weighted += float64(i+1) * float64(x)
	}
	n := float64(len(sorted))
	return ratio(2*weighted, n*sum) - (n+1)/n
}

// Reciprocity returns, of the edges told of a host that told of some edge itself, the share that the other end told too. A
// host that told of none, for it was not visited or did not list its links, could not confirm anything.
func (g *Graph) Reciprocity() float64 {
	answerable := 0
	for v := range int32(g.hosts) {
		if len(g.out.row(v)) > 0 {
			answerable += len(g.in.row(v))
		}
	}
	both := 2*g.Told() - 2*g.Edges() // a link that both ends told was told twice, any other once
	return ratio(float64(both), float64(answerable))
}

// A Word tells how far the ends of links agree: links that both ends told, links that one end told while the other told all of
// its own without this one, and links of which only one end could speak.
type Word struct{ Both, Contradicted, Single int }

// Word counts links by who told them; whole are the hosts that told all of their links.
func (g *Graph) Word(whole []bool) Word {
	var w Word
	for v := range int32(g.hosts) {
		in := g.in.row(v)
		both := common(in, g.out.row(v))
		w.Both += both
		if whole[v] {
			w.Contradicted += len(in) - both
		}
	}
	w.Both /= 2 // each was met at both ends
	w.Single = g.Edges() - w.Both - w.Contradicted
	return w
}

// Assortativity returns Pearson's correlation of the degrees at the two ends of a link (Newman 2002). It does not exist
// when all ends have the same degree.
func (g *Graph) Assortativity() float64 {
	var ends, squares, products float64 // sums over both directions of each link
	for v := range int32(g.hosts) {
		d := float64(g.Degree(v))
		ends += d * d
		squares += d * d * d
		around := 0
		for _, w := range g.links.row(v) {
			around += g.Degree(w)
		}
		products += d * float64(around)
	}
	n := float64(len(g.links.list))
	return ratio(n*products-ends*ends, n*squares-ends*ends)
}

// Cores returns the core number of each host: the largest k such that the host is in a subgraph in which every host has k
// links or more. Hosts are peeled off by rising k, and with each the links that hold the others (Batagelj and Zaveršnik 2003).
// For each k, all that are left are looked at: as often as their core number, so together no more than twice the links.
func (g *Graph) Cores() []int {
	left := make([]int32, g.hosts) // links to hosts not yet peeled off; in the end, the core number
	hosts := g.numbers()           // not yet peeled off
	for v := range left {
		left[v] = int32(g.Degree(int32(v)))
	}
	var peeled []int32
	for k := int32(0); len(hosts) > 0; k++ {
		peeled = peeled[:0]
		rest := hosts[:0]
		for _, v := range hosts {
			switch {
			case left[v] == k:
				peeled = append(peeled, v)
			case left[v] > k:
				rest = append(rest, v)
			}
		}
		hosts = rest
		for i := 0; i < len(peeled); i++ {
			for _, w := range g.links.row(peeled[i]) {
				if left[w] > k {
					if left[w]--; left[w] == k {
						peeled = append(peeled, w)
					}
				}
			}
		}
	}
	cores := make([]int, g.hosts)
	for v, k := range left {
		cores[v] = int(k)
	}
	return cores
}

// byDegree returns the hosts by rising degree, those of the same degree by their numbers.
func byDegree(degrees []int) []int32 {
	place := make([]int, slices.Max(append([]int{0}, degrees...))+2) // where the next host of a degree goes
	for _, d := range degrees {
		place[d+1]++
	}
	for d := range len(place) - 1 {
		place[d+1] += place[d]
	}
	order := make([]int32, len(degrees))
	for v, d := range degrees {
		order[place[d]] = int32(v)
		place[d]++
	}
	return order
}
