package graph_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gnucensus/reports/graph"
)

// found is what the measures of a graph came to.
type found struct {
	Hosts, Edges, Components, Largest, Core int
	Triangles                               int64
	Clustering                              float64
	Pairs                                   []int64
}

// BenchmarkIgraph holds our measures of a mesh against those of igraph, in one run: components, triangles and clustering,
// cores, and distances from 64 hosts. It prints the seconds that each of the two took, and how many times as long igraph
// took. Both must find the same.
func BenchmarkIgraph(b *testing.B) {
	python := withIgraph(b)
	for _, hosts := range []int{100_000, 1_000_000} {
		b.Run(strconv.Itoa(hosts), func(b *testing.B) {
			told := mesh(hosts, 15*hosts)
			g := buildTold(b, told)
			sources := g.Sources(g.Weak())
			if sources == nil {
				for v := range int32(64) {
					sources = append(sources, v)
				}
			}
			args := []string{filepath.Join("testdata", "theirs.py"), writeEdges(b, told)}
			for _, source := range sources {
				args = append(args, strconv.Itoa(int(source)))
			}
			for b.Loop() {
				want, theirs := igraph(b, python, args)
				got, ours := measureAll(b, g, sources)
				if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0)); diff != "" {
					b.Fatalf("measures (-igraph +ours):\n%s", diff)
				}
				b.ReportMetric(ours, "s-ours")
				b.ReportMetric(theirs, "s-igraph")
				b.ReportMetric(theirs/ours, "times")
			}
		})
	}
}

// withIgraph returns a Python that has igraph: that of Debian's python3-igraph first.
func withIgraph(b *testing.B) string {
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(python, "-c", "import igraph").Run() == nil {
			return python
		}
	}
	b.Skip("no igraph here to compare with; apt-get install python3-igraph brings it")
	return ""
}

func writeEdges(b *testing.B, told [][]int32) string {
	name := filepath.Join(b.TempDir(), "edges.txt")
	file, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(file)
	for from, row := range told {
		for _, to := range row {
			if from <= int(to) {
				fmt.Fprintln(w, from, to)
			}
		}
	}
	if w.Flush() != nil || file.Close() != nil {
		b.Fatal("the edge list cannot be written")
	}
	return name
}

func igraph(b *testing.B, python string, args []string) (found, float64) {
	var complaint strings.Builder
	command := exec.Command(python, args...)
	command.Stderr = &complaint
	answer, err := command.Output()
	if err != nil {
		b.Fatalf("igraph: %v: %s", err, &complaint)
	}
	var run struct {
		Version string
		Seconds map[string]float64
		Found   found
	}
	if err := json.Unmarshal(answer, &run); err != nil {
		b.Fatal(err)
	}
	total := 0.0
	for _, s := range run.Seconds {
		total += s
	}
	b.Logf("igraph %s took %v s", run.Version, run.Seconds)
	return run.Found, total
}

func measureAll(b *testing.B, g *graph.Graph, sources []int32) (found, float64) {
	begun := time.Now()
	weak, triangles, distances := g.Weak(), g.Triangles(), measured(b, g, sources)
	clustering, _ := triangles.Clustering()
	f := found{
		Hosts: g.Hosts(), Edges: g.Edges(), Components: len(weak.Sizes), Largest: weak.Sizes[weak.Largest()],
		Core: slices.Max(g.Cores()), Triangles: triangles.Total, Clustering: clustering, Pairs: distances.Pairs,
	}
	if math.IsNaN(distances.Effective(0.9)) {
		b.Fatal("no effective diameter")
	}
	return f, time.Since(begun).Seconds()
}
