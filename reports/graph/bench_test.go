package graph_test

import (
	"math/rand/v2"
	"testing"

	"gnucensus/reports/graph"
)

// BenchmarkMillion measures a mesh of 1 million hosts and 15 million links, told from both ends host by host: what a large
// crawl gives.
func BenchmarkMillion(b *testing.B) {
	const hosts, links = 1_000_000, 15_000_000
	told := mesh(hosts, links)
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			buildTold(b, told)
		}
	})
	g := buildTold(b, told)
	sources := g.Sources(g.Weak())
	for _, m := range []struct {
		name    string
		measure func(*graph.Graph)
	}{
		{"weak", func(g *graph.Graph) { g.Weak() }},
		{"strong", func(g *graph.Graph) { g.Strong() }},
		{"triangles", func(g *graph.Graph) { g.Triangles() }},
		{"cores", func(g *graph.Graph) { g.Cores() }},
		{"distances", func(g *graph.Graph) { measured(b, g, sources) }},
		{"assortativity", func(g *graph.Graph) { g.Assortativity() }},
		{"reciprocity", func(g *graph.Graph) { g.Reciprocity() }},
		{"resilience", func(g *graph.Graph) { g.Resilience(g.Shuffled(0)) }},
	} {
		b.Run(m.name, func(b *testing.B) {
			for b.Loop() {
				m.measure(g)
			}
		})
	}
}

// mesh is a random graph: whom each host tells of. Every link is told by both ends.
func mesh(hosts, links int) [][]int32 {
	random := rand.New(rand.NewPCG(1, 2))
	told := make([][]int32, hosts)
	for range links {
		from, to := random.Int32N(int32(hosts)), random.Int32N(int32(hosts))
		told[from], told[to] = append(told[from], to), append(told[to], from)
	}
	return told
}

func buildTold(b *testing.B, told [][]int32) *graph.Graph {
	builder := graph.NewBuilder(len(told))
	for from, row := range told {
		for _, to := range row {
			if err := builder.Add(int32(from), to); err != nil {
				b.Fatal(err)
			}
		}
	}
	return builder.Graph()
}
