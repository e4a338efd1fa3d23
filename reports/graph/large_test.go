package graph_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lists is a graph as sorted lists of neighbours: large enough for several workers, measured the plain way.
type lists struct{ told, telling, links [][]int32 }

func newLists(hosts int, edges [][2]int32) lists {
	l := lists{told: make([][]int32, hosts), telling: make([][]int32, hosts), links: make([][]int32, hosts)}
	for _, e := range edges {
		if from, to := e[0], e[1]; from != to {
			l.told[from], l.telling[to] = append(l.told[from], to), append(l.telling[to], from)
			l.links[from], l.links[to] = append(l.links[from], to), append(l.links[to], from)
		}
	}
	for _, side := range [][][]int32{l.told, l.telling, l.links} {
		for v := range side {
			slices.Sort(side[v])
			side[v] = slices.Compact(side[v])
		}
	}
	return l
}

// reached are the distances of all hosts from one; -1 where there is no path.
func reached(side [][]int32, from int32) []int {
	distance := slices.Repeat([]int{-1}, len(side))
	distance[from] = 0
	for queue := []int32{from}; len(queue) > 0; queue = queue[1:] {
		for _, w := range side[queue[0]] {
			if distance[w] < 0 {
				distance[w] = distance[queue[0]] + 1
				queue = append(queue, w)
			}
		}
	}
	return distance
}

// components are the sorted sizes of the sets of hosts that reach each other, along one side and back along the other.
func (l lists) components(down, up [][]int32) []int {
	var sizes []int
	done := make([]bool, len(down))
	for v := range int32(len(down)) {
		if done[v] {
			continue
		}
		size, to, from := 0, reached(down, v), reached(up, v)
		for w := range done {
			if to[w] >= 0 && from[w] >= 0 {
				done[w] = true
				size++
			}
		}
		sizes = append(sizes, size)
	}
	slices.Sort(sizes)
	return sizes
}

func (l lists) triangles() []int64 {
	around := make([]int64, len(l.links))
	for u, neighbours := range l.links {
		for i, v := range neighbours {
			for _, w := range neighbours[:i] {
				if _, linked := slices.BinarySearch(l.links[v], w); linked {
					around[u]++
				}
			}
		}
	}
	return around
}

// TestLargerGraphs: work that is divided among workers gives what one would find.
func TestLargerGraphs(t *testing.T) {
	t.Parallel()
	const hosts = 9_000 // more than two bands, and several grains
	random := rand.New(rand.NewPCG(7, 7))
	var edges [][2]int32
	for range 3 * hosts / 2 {
		from, to := random.Int32N(hosts), random.Int32N(hosts)/(1+random.Int32N(40)) // some have many links
		edges = append(edges, [2]int32{from, to})
		if random.IntN(3) == 0 {
			edges = append(edges, [2]int32{to, from}, [2]int32{from, to})
		}
	}
	g, plain := build(t, hosts, edges), newLists(hosts, edges)
	same := func(what string, want, got any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-plain +ours):\n%s", what, diff)
		}
	}
	told, answerable, both := 0, 0, 0
	for v := range int32(hosts) {
		if !slices.Equal(plain.links[v], g.Neighbours(v)) {
			t.Fatalf("neighbours of %d: %v, want %v", v, g.Neighbours(v), plain.links[v])
		}
		told += len(plain.told[v])
		for _, w := range plain.told[v] {
			if len(plain.told[w]) > 0 {
				answerable++
			}
			if slices.Contains(plain.told[w], v) {
				both++
			}
		}
	}
	same("edges told", told, g.Told())
	same("reciprocity", float64(both)/float64(answerable), g.Reciprocity())
	same("weak components", plain.components(plain.links, plain.links), slices.Sorted(slices.Values(g.Weak().Sizes)))
	same("strong components", plain.components(plain.told, plain.telling), slices.Sorted(slices.Values(g.Strong().Sizes)))
	same("triangles", plain.triangles(), g.Triangles().Around)

	sources := []int32{0, 1, 17, 4711, hosts - 1}
	var pairs []int64
	for _, source := range sources {
		for _, d := range reached(plain.links, source) {
			for d >= len(pairs) {
				pairs = append(pairs, 0)
			}
			if d >= 0 {
				pairs[d]++
			}
		}
	}
	same("distances", pairs, measured(t, g, sources).Pairs)
}
