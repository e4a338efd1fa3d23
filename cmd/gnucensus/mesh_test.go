package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"gnucensus/reports/graph"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// BenchmarkMesh imports a random mesh of so many hosts, 15 times as many links and each link told by both ends, and reports on
// it: seconds to import it, to stream its links from PostgreSQL into a graph, to make report topology when nothing is kept, and
// to make the page of all reports and figures when all is kept. Memory is what the process of report topology resided in.
func BenchmarkMesh(b *testing.B) {
	for _, hosts := range []int{100_000, 1_000_000} {
		b.Run(strconv.Itoa(hosts), func(b *testing.B) {
			for b.Loop() {
				reportMesh(b, writeMesh(b, hosts))
			}
		})
	}
}

// writeMesh writes an edge list, host by host.
func writeMesh(b *testing.B, hosts int) string {
	random := rand.New(rand.NewPCG(1, 2))
	told := make([][]int32, hosts)
	for range 15 * hosts {
		from, to := random.Int32N(int32(hosts)), random.Int32N(int32(hosts))
		told[from], told[to] = append(told[from], to), append(told[to], from)
	}
	name := filepath.Join(b.TempDir(), "mesh.txt")
	file, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(file)
	var line []byte
	for from, row := range told {
		for _, to := range row {
			line = append(strconv.AppendInt(line[:0], int64(from), 10), '\t')
			line = append(strconv.AppendInt(line, int64(to), 10), '\n')
			if _, err := w.Write(line); err != nil {
				b.Fatal(err)
			}
		}
	}
	if w.Flush() != nil || file.Close() != nil {
		b.Fatal("the edge list cannot be written")
	}
	return name
}

func reportMesh(b *testing.B, list string) {
	dsn := storagetest.DSN(b)
	seconds := func(unit string, work func()) {
		begun := time.Now()
		work()
		b.ReportMetric(time.Since(begun).Seconds(), unit)
	}
	seconds("s-import", func() { must(b, "import", "edges", list, "--database", dsn) })
	seconds("s-stream", func() { streamMesh(b, dsn) })
	seconds("s-topology", func() {
		topology := start(b, "report", "topology", "--database", dsn)
		if r := topology.end(b); r.code != exitDone {
			b.Fatal(r.stderr)
		}
		usage := topology.ProcessState.SysUsage().(*syscall.Rusage)
		b.ReportMetric(float64(usage.Maxrss)/1024, "MiB-topology")
	})
	page := []string{"report", "html", "-o", filepath.Join(b.TempDir(), "mesh.html"), "--database", dsn}
	seconds("s-first-page", func() { must(b, page...) })
	seconds("s-page", func() { must(b, page...) })
}

// streamMesh makes the graph of the one snapshot.
func streamMesh(b *testing.B, dsn string) {
	db, err := storage.Open(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	coverage, err := db.Snapshots(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	builder := graph.NewBuilder(int(coverage[0].Heard))
	err = db.Edges(b.Context(), coverage[0].ID, func(from, to int32) error { return builder.Add(from-1, to-1) })
	if err != nil {
		b.Fatal(err)
	}
	if g := builder.Graph(); g.Edges() == 0 {
		b.Fatal(fmt.Errorf("the graph of %d hosts has no links", g.Hosts()))
	}
}
