package graph_test

import (
	"math/rand/v2"
	"testing"

	"gnucensus/reports/graph"
)

// BenchmarkMillion measures a mesh of 1 million hosts and 15 million links, told from both ends: what a large crawl gives.
func BenchmarkMillion(b *testing.B) {
	const hosts, links = 1_000_000, 15_000_000
	random := rand.New(rand.NewPCG(1, 2))
	edges := make([][2]int32, 0, 2*links)
	for range links {
		from, to := random.Int32N(hosts), random.Int32N(hosts)
		edges = append(edges, [2]int32{from, to}, [2]int32{to, from})
	}
	b.Run("build", func(b *testing.B) {
		for range b.N {
			build(b, hosts, edges)
		}
	})
	g := build(b, hosts, edges)
	sources := make([]int32, 64)
	for i := range sources {
		sources[i] = int32(i * (hosts / len(sources)))
	}
	for _, m := range []struct {
		name    string
		measure func(*graph.Graph)
	}{
		{"weak", func(g *graph.Graph) { g.Weak() }},
		{"triangles", func(g *graph.Graph) { g.Triangles() }},
		{"cores", func(g *graph.Graph) { g.Cores() }},
		{"distances", func(g *graph.Graph) { measured(b, g, sources) }},
		{"strong", func(g *graph.Graph) { g.Strong() }},
		{"assortativity", func(g *graph.Graph) { g.Assortativity() }},
		{"reciprocity", func(g *graph.Graph) { g.Reciprocity() }},
	} {
		b.Run(m.name, func(b *testing.B) {
			for range b.N {
				m.measure(g)
			}
		})
	}
}
