package graph_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gnucensus/reports/graph"
)

// drawGraph draws a small graph, and the edges that it is of.
func drawGraph(t *rapid.T) (*graph.Graph, [][2]int32) {
	hosts := rapid.IntRange(1, 20).Draw(t, "hosts")
	host := rapid.Int32Range(0, int32(hosts-1))
	edge := rapid.Custom(func(t *rapid.T) [2]int32 { return [2]int32{host.Draw(t, "from"), host.Draw(t, "to")} })
	edges := rapid.SliceOfN(edge, 0, hosts*hosts).Draw(t, "edges")
	return build(t, hosts, edges), edges
}

func TestRandomGraphOfTheSameSize(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g, _ := drawGraph(t)
		seed := rapid.Uint64().Draw(t, "seed")
		r := g.Random(g.Hosts(), seed)
		if r.Hosts() != g.Hosts() || r.Edges() != g.Edges() {
			t.Fatalf("%d hosts and %d links, want %d and %d", r.Hosts(), r.Edges(), g.Hosts(), g.Edges())
		}
		again := g.Random(g.Hosts(), seed)
		for v := range int32(r.Hosts()) {
			if !slices.Equal(r.Neighbours(v), again.Neighbours(v)) {
				t.Fatalf("the same seed gives another graph")
			}
		}
	})
}

// Every link is as likely as any other, in a thin graph and in a dense one.
func TestRandomGraphIsUniform(t *testing.T) {
	t.Parallel()
	const hosts, graphs = 6, 6000 // 15 possible links
	for _, links := range []int{4, 11} {
		var edges [][2]int32
		for v := range int32(hosts) {
			for w := range v {
				if len(edges) < links {
					edges = append(edges, [2]int32{v, w})
				}
			}
		}
		g := build(t, hosts, edges)
		drawn := map[[2]int32]int{}
		for seed := range uint64(graphs) {
			r := g.Random(g.Hosts(), seed)
			for v := range int32(hosts) {
				for _, w := range r.Neighbours(v) {
					drawn[[2]int32{v, w}]++
				}
			}
		}
		want := graphs * links / 15
		for l, n := range drawn {
			if n < want-250 || n > want+250 { // more than six standard deviations
				t.Errorf("of %d links: %v was drawn %d times, want about %d", links, l, n, want)
			}
		}
		if len(drawn) != hosts*(hosts-1) {
			t.Errorf("of %d links: only %d were ever drawn", links, len(drawn)/2)
		}
	}
}

func TestAmong(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g, edges := drawGraph(t)
		chosen := rapid.SliceOfN(rapid.Bool(), g.Hosts(), g.Hosts()).Draw(t, "chosen")
		number, hosts := map[int32]int32{}, 0
		for v, in := range chosen {
			if in {
				number[int32(v)] = int32(hosts)
				hosts++
			}
		}
		var kept [][2]int32
		for _, e := range edges {
			if chosen[e[0]] && chosen[e[1]] {
				kept = append(kept, [2]int32{number[e[0]], number[e[1]]})
			}
		}
		got, want := g.Among(chosen), build(t, hosts, kept)
		if got.Hosts() != hosts || got.Told() != want.Told() || got.Edges() != g.EdgesAmong(chosen) {
			t.Fatalf("%d hosts, %d edges told, %d links", got.Hosts(), got.Told(), got.Edges())
		}
		for v := range int32(hosts) {
			if diff := cmp.Diff(want.Neighbours(v), got.Neighbours(v)); diff != "" {
				t.Fatalf("neighbours of %d: %s", v, diff)
			}
		}
	})
}

func TestDecline(t *testing.T) {
	t.Parallel()
	for _, g := range []*graph.Graph{build(t, 0, nil), build(t, 1, nil), connected(t, 300, 500)} {
		d := g.Decline()
		if !slices.Equal(d.Degree, g.Resilience(g.ByDegree())) {
			t.Error("the decline by degree is not that of the order by degree")
		}
		for k := range g.Hosts() + 1 {
			if float64(d.Smallest[k]) > d.Mean[k] || float64(d.Largest[k]) < d.Mean[k] {
				t.Fatalf("%d removed: from %d to %d, on the mean %v", k, d.Smallest[k], d.Largest[k], d.Mean[k])
			}
		}
		p := g.Weak()
		if g.Hosts() > 0 && (d.Mean[0] != float64(p.Sizes[p.Largest()]) || d.Largest[g.Hosts()] != 0) {
			t.Errorf("from %v to %d", d.Mean[0], d.Largest[g.Hosts()])
		}
	}
	if d := connected(t, 300, 500).Decline(); slices.Equal(d.Smallest, d.Largest) {
		t.Error("all random orders are the same")
	}
}
