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
	answerable, both := 0, 0
	for v := range int32(g.hosts) {
		for _, w := range g.out.row(v) {
			if theirs := g.out.row(w); len(theirs) > 0 {
				answerable++
				if _, found := slices.BinarySearch(theirs, v); found {
					both++
				}
			}
		}
	}
	return ratio(float64(both), float64(answerable))
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
// links or more. The algorithm is that of Batagelj and Zaveršnik (2003), linear in the links.
func (g *Graph) Cores() []int {
	left := g.Degrees() // links to hosts not yet peeled off; in the end, the core number
	order, place, begin := byDegree(left)
	for _, v := range order {
		for _, w := range g.links.row(v) {
			if left[w] <= left[v] {
				continue
			}
			// Move w to the front of the hosts with as many links left, then let it have one fewer.
			first := begin[left[w]]
			u := order[first]
			order[first], order[place[w]] = w, u
			place[u], place[w] = place[w], first
			begin[left[w]]++
			left[w]--
		}
	}
	return left
}

// byDegree sorts the hosts by degree: the sorted hosts, the place of each host in them, and where each degree begins.
func byDegree(degrees []int) (order []int32, place, begin []int) {
	most := 0
	for _, d := range degrees {
		most = max(most, d)
	}
	begin = make([]int, most+2)
	for _, d := range degrees {
		begin[d+1]++
	}
	for d := range most + 1 {
		begin[d+1] += begin[d]
	}
	order, place = make([]int32, len(degrees)), make([]int, len(degrees))
	for v, d := range degrees {
		order[begin[d]], place[v] = int32(v), begin[d]
		begin[d]++
	}
	copy(begin[1:], begin)
	begin[0] = 0
	return order, place, begin
}
