package graph_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"gnucensus/reports/graph"
)

// naive is a graph as a matrix, measured by the definitions themselves.
type naive struct {
	hosts int
	told  [][]bool
	links [][]bool
}

func newNaive(hosts int, edges [][2]int32) naive {
	n := naive{hosts: hosts, told: matrix(hosts), links: matrix(hosts)}
	for _, e := range edges {
		if e[0] != e[1] {
			n.told[e[0]][e[1]] = true
			n.links[e[0]][e[1]], n.links[e[1]][e[0]] = true, true
		}
	}
	return n
}

func matrix(hosts int) [][]bool {
	m := make([][]bool, hosts)
	for i := range m {
		m[i] = make([]bool, hosts)
	}
	return m
}

func count(m [][]bool) int {
	n := 0
	for i := range m {
		for j := range m[i] {
			if m[i][j] {
				n++
			}
		}
	}
	return n
}

// distances are those of Floyd and Warshall; -1 where there is no path.
func distances(m [][]bool) [][]int {
	const far = 1 << 20
	d := make([][]int, len(m))
	for i := range d {
		d[i] = make([]int, len(m))
		for j := range d[i] {
			if d[i][j] = far; m[i][j] {
				d[i][j] = 1
			}
		}
		d[i][i] = 0
	}
	for k := range d {
		for i := range d {
			for j := range d {
				d[i][j] = min(d[i][j], d[i][k]+d[k][j])
			}
		}
	}
	for i := range d {
		for j := range d[i] {
			if d[i][j] >= far {
				d[i][j] = -1
			}
		}
	}
	return d
}

// components are the sorted sizes of the sets of hosts that reach each other.
func components(m [][]bool) []int {
	d := distances(m)
	var sizes []int
	done := make([]bool, len(m))
	for i := range m {
		size := 0
		for j := range m {
			if !done[j] && d[i][j] >= 0 && d[j][i] >= 0 {
				done[j] = true
				size++
			}
		}
		if size > 0 {
			sizes = append(sizes, size)
		}
	}
	slices.Sort(sizes)
	return sizes
}

func (n naive) degree(v int) int {
	d := 0
	for _, linked := range n.links[v] {
		if linked {
			d++
		}
	}
	return d
}

func (n naive) triangles() []int64 {
	around := make([]int64, n.hosts)
	for u := range n.hosts {
		for v := range n.hosts {
			for w := range v {
				if n.links[u][v] && n.links[v][w] && n.links[w][u] {
					around[u]++
				}
			}
		}
	}
	return around
}

// cores peels off, for each k, the hosts with fewer than k links until none is left to peel.
func (n naive) cores() []int {
	core := make([]int, n.hosts)
	in := make([]bool, n.hosts)
	for i := range in {
		in[i] = true
	}
	for k := 1; slices.Contains(in, true); k++ {
		for changed := true; changed; {
			changed = false
			for v := range n.hosts {
				d := 0
				for w, linked := range n.links[v] {
					if linked && in[w] {
						d++
					}
				}
				if in[v] && d < k {
					in[v], changed = false, true
				}
			}
		}
		for v := range core {
			if in[v] {
				core[v] = k
			}
		}
	}
	return core
}

func (n naive) reciprocity() float64 {
	answerable, both := 0.0, 0.0
	for v := range n.hosts {
		for w := range n.hosts {
			if n.told[v][w] && slices.Contains(n.told[w], true) {
				answerable++
				if n.told[w][v] {
					both++
				}
			}
		}
	}
	return both / answerable
}

// word counts links by who told them, where every other host told all of its own.
func (n naive) word() (w graph.Word) {
	for a := range n.hosts {
		for b := range a {
			switch told, answered := n.told[a][b], n.told[b][a]; {
			case told && answered:
				w.Both++
			case told && b%2 == 0, answered && a%2 == 0:
				w.Contradicted++
			case told, answered:
				w.Single++
			}
		}
	}
	return w
}

// everyOther marks the hosts with an even number.
func everyOther(hosts int) []bool {
	marks := make([]bool, hosts)
	for v := range marks {
		marks[v] = v%2 == 0
	}
	return marks
}

// assortativity is Pearson's correlation over the ends of links.
func (n naive) assortativity() float64 {
	var x, y []float64
	for v := range n.hosts {
		for w := range n.hosts {
			if n.links[v][w] {
				x, y = append(x, float64(n.degree(v))), append(y, float64(n.degree(w)))
			}
		}
	}
	mean := 0.0
	for _, d := range x {
		mean += d / float64(len(x))
	}
	var covariance, variance float64
	for i := range x {
		covariance += (x[i] - mean) * (y[i] - mean)
		variance += (x[i] - mean) * (x[i] - mean)
	}
	if variance < 1e-9 {
		return math.NaN()
	}
	return covariance / variance
}

func TestMeasuresAgreeWithTheirDefinitions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hosts := rapid.IntRange(1, 24).Draw(t, "hosts")
		host := rapid.Int32Range(0, int32(hosts-1))
		edge := rapid.Custom(func(t *rapid.T) [2]int32 { return [2]int32{host.Draw(t, "from"), host.Draw(t, "to")} })
		edges := rapid.SliceOfN(edge, 0, 3*hosts).Draw(t, "edges")
		check(t, build(t, hosts, edges), newNaive(hosts, edges))
	})
}

func check(t *rapid.T, g *graph.Graph, n naive) {
	same := func(what string, want, got any) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-9), cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-definition +ours):\n%s", what, diff)
		}
	}
	same("links", count(n.links)/2, g.Edges())
	same("edges told", count(n.told), g.Told())
	weak, strong := g.Weak(), g.Strong()
	same("weak components", components(n.links), slices.Sorted(slices.Values(weak.Sizes)))
	same("strong components", components(n.told), slices.Sorted(slices.Values(strong.Sizes)))
	inside := 0
	for c := range int32(len(weak.Sizes)) {
		inside += g.WeakEdges(weak, c)
	}
	same("links inside weak components", g.Edges(), inside)

	triangles := g.Triangles()
	same("triangles", n.triangles(), triangles.Around)
	var paired []float64
	for v, around := range n.triangles() {
		if d := n.degree(v); d >= 2 {
			paired = append(paired, float64(around)/float64(d*(d-1)/2))
		}
	}
	sum := 0.0
	for _, c := range paired {
		sum += c
	}
	all, some := triangles.Clustering()
	same("clustering of all", sum/float64(n.hosts), all)
	same("clustering of paired", sum/float64(len(paired)), some)

	same("cores", n.cores(), g.Cores())
	same("reciprocity", n.reciprocity(), g.Reciprocity())
	word, want := g.Word(everyOther(n.hosts)), n.word()
	same("told by both", float64(want.Both), float64(word.Both))
	same("contradicted", float64(want.Contradicted), float64(word.Contradicted))
	same("told by one", float64(want.Single), float64(word.Single))
	same("assortativity", n.assortativity(), g.Assortativity())

	pairs, mean, reached := []int64{}, 0.0, 0.0
	for _, row := range distances(n.links) {
		for _, d := range row {
			for d >= len(pairs) {
				pairs = append(pairs, 0)
			}
			if d >= 0 {
				pairs[d]++
			}
			if d > 0 {
				mean, reached = mean+float64(d), reached+1
			}
		}
	}
	got := measured(t, g, nil)
	same("distances", pairs, got.Pairs)
	same("mean distance", mean/reached, got.Mean())
	same("diameter", [2]int{len(pairs) - 1, len(pairs) - 1}, [2]int{got.Least, got.Most})
}

func measured(t interface{ Fatal(...any) }, g *graph.Graph, sources []int32) graph.Distances {
	d, err := g.Distances(context.Background(), sources)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// connected is a connected random graph.
func connected(t *testing.T, hosts, links int) *graph.Graph {
	random := rand.New(rand.NewPCG(1, 2))
	var edges [][2]int32
	for v := int32(1); v < int32(hosts); v++ {
		edges = append(edges, [2]int32{v, random.Int32N(v)})
	}
	for range links - len(edges) {
		edges = append(edges, [2]int32{random.Int32N(int32(hosts)), random.Int32N(int32(hosts))})
	}
	return build(t, hosts, edges)
}

func TestSampledDistancesBoundTheDiameter(t *testing.T) {
	t.Parallel()
	g := connected(t, 3000, 4000)
	exact := measured(t, g, nil)
	sources := make([]int32, 100)
	for i := range sources {
		sources[i] = int32(i * 30)
	}
	sampled := measured(t, g, sources)
	if sampled.Least > exact.Least || sampled.Most < exact.Most || sampled.Sources != 100 {
		t.Errorf("diameter %d; from 100 sources between %d and %d", exact.Least, sampled.Least, sampled.Most)
	}
	if math.Abs(sampled.Effective(0.9)-exact.Effective(0.9)) > 0.5 {
		t.Errorf("effective diameter %.2f; from 100 sources %.2f", exact.Effective(0.9), sampled.Effective(0.9))
	}
}

func TestWhatDoesNotExistIsNaN(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]*graph.Graph{"empty": build(t, 0, nil), "one host": build(t, 1, nil)} {
		once, corners := g.Triangles().Closed()
		_, paired := g.Triangles().Clustering()
		mean, gini := measured(t, g, nil).Mean(), graph.Gini(g.Degrees())
		none := []float64{once, corners, paired, g.Assortativity(), g.Reciprocity(), mean, gini}
		for i, x := range none {
			if !math.IsNaN(x) {
				t.Errorf("%s: measure %d is %v", name, i, x)
			}
		}
	}
	if build(t, 0, nil).Weak().Largest() != -1 {
		t.Error("an empty graph has a largest component")
	}
}

func TestDistancesStopWithTheirContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := connected(t, 100, 200).Distances(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestAddRefusesUnknownHosts(t *testing.T) {
	t.Parallel()
	for _, e := range [][2]int32{{0, 3}, {3, 0}, {-1, 0}, {0, -1}} {
		if graph.NewBuilder(3).Add(e[0], e[1]) == nil {
			t.Errorf("edge %v was taken", e)
		}
	}
}
