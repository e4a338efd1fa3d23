package figure

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"gnucensus/reports/graph"
)

// synthetic is a network of which a tenth are ultrapeers, with 10 links of their own to others, and leaves with 3.
func synthetic(t testing.TB, hosts int) *topology {
	t.Helper()
	made := &topology{visited: make([]bool, hosts), roles: make([]byte, hosts)}
	builder, random := graph.NewBuilder(hosts), rand.New(rand.NewPCG(1, 0))
	for v := range int32(hosts) {
		links := 3
		made.visited[v], made.roles[v] = v%5 > 0, 'l'
		if int(v) < hosts/10 {
			made.roles[v], links = 'u', 10
		}
		for range links {
			if err := builder.Add(v, random.Int32N(int32(hosts/10))); err != nil {
				t.Fatal(err)
			}
		}
	}
	made.Measured = graph.NewMeasured(builder.Graph())
	return made
}

// BenchmarkNetwork draws a network of 2,000 ultrapeers and 18,000 leaves.
func BenchmarkNetwork(b *testing.B) {
	t := synthetic(b, mostHosts)
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
