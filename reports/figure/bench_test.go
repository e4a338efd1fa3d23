package figure

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"gnucensus/reports/graph"
)

// BenchmarkNetwork draws a network of 2,000 ultrapeers and 18,000 leaves, 10 and 3 links each, as SVG and as PNG.
func BenchmarkNetwork(b *testing.B) {
	t := &topology{visited: make([]bool, mostHosts), roles: make([]byte, mostHosts)}
	builder, random := graph.NewBuilder(mostHosts), rand.New(rand.NewPCG(1, 0))
	for v := range int32(mostHosts) {
		links := 3
		t.visited[v], t.roles[v] = true, 'l'
		if v < 2000 {
			t.roles[v], links = 'u', 10
		}
		for range links {
			if err := builder.Add(v, random.Int32N(2000)); err != nil {
				b.Fatal(err)
			}
		}
	}
	t.Graph = builder.Graph()
	for _, format := range []Format{SVG, PNG} {
		b.Run(string(format), func(b *testing.B) {
			for b.Loop() {
				var file bytes.Buffer
				if err := output(&file, format, pageWidth, pageWidth, "", "", newPicture(t).paint); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
