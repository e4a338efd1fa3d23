package graph_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gnucensus/reports/graph"
)

func TestResilience(t *testing.T) {
	t.Parallel()
	// A star of 0 with 1 to 4, and a path 5 6 7.
	b := graph.NewBuilder(9)
	for _, e := range [][2]int32{{0, 1}, {0, 2}, {3, 0}, {0, 4}, {5, 6}, {6, 7}} {
		if err := b.Add(e[0], e[1]); err != nil {
			t.Fatal(err)
		}
	}
	g := b.Graph()
	if got, want := g.ByDegree(), []int32{0, 6, 1, 2, 3, 4, 5, 7, 8}; !slices.Equal(got, want) {
		t.Errorf("by degree: %v, want %v", got, want)
	}
	if got, want := g.Resilience(g.ByDegree()), []int32{5, 3, 1, 1, 1, 1, 1, 1, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("by degree, what is left: %v, want %v", got, want)
	}
}

// Removing hosts one by one and looking for the largest component each time gives the same.
func TestResilienceAgainstRemoval(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hosts := rapid.IntRange(0, 12).Draw(t, "hosts")
		var edges [][2]int32
		if hosts > 0 {
			end := rapid.Int32Range(0, int32(hosts)-1)
			edges = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]int32 {
				return [2]int32{end.Draw(t, "from"), end.Draw(t, "to")}
			}), 0, 30).Draw(t, "edges")
		}
		without := func(gone []int32) *graph.Graph {
			b := graph.NewBuilder(hosts)
			for _, e := range edges {
				if slices.Contains(gone, e[0]) || slices.Contains(gone, e[1]) {
					continue
				}
				if err := b.Add(e[0], e[1]); err != nil {
					t.Fatal(err)
				}
			}
			return b.Graph()
		}
		g := without(nil)
		order := g.Shuffled(rapid.Uint64().Draw(t, "seed"))
		left := g.Resilience(order)
		for k := range hosts + 1 {
			want := 0
			if k < hosts {
				p := without(order[:k]).Weak()
				want = p.Sizes[p.Largest()]
			}
			if int(left[k]) != want {
				t.Fatalf("%d removed: %d left, want %d", k, left[k], want)
			}
		}
	})
}
