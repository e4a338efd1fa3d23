package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// What the database may grow by, in bytes.
const (
	perHost = 400 // that was visited
	perEdge = 16
)

// A crowdCrawl is what the crawl of a crowd cost.
type crowdCrawl struct {
	summary
	enumerated time.Duration // until all hosts were heard of, and stored
	took       time.Duration // from the start of the process to its end
	cpu        time.Duration // that the crawler used
	peak       int64         // resident memory of the crawler, in bytes
	database   int64         // bytes that the database grew by
}

// crawlCrowd crawls a crowd, with crawler, crowd and database in processes of their own.
func crawlCrowd(t testing.TB, c crowd, flags ...string) (r crowdCrawl) {
	t.Helper()
	dsn := storagetest.DSN(t)
	must(t, "db", "migrate", "--database", dsn)
	db, err := storage.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	before := databaseSize(t, db)
	begun := time.Now()
	crawler := start(t, append([]string{"crawl", "--scope", "lab", "--seed", c.first.String(), "--query-via", "0",
		"--database", dsn, "--format", "json"}, flags...)...)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var watching sync.WaitGroup
	watching.Go(func() {
		look := time.NewTicker(100 * time.Millisecond)
		defer look.Stop()
		for ctx.Err() == nil {
			r.peak = max(r.peak, memoryOf(crawler.Process.Pid, "VmHWM"))
			if r.enumerated == 0 && heard(ctx, db) == int64(c.hosts) {
				r.enumerated = time.Since(begun)
			}
			select {
			case <-look.C:
			case <-ctx.Done():
			}
		}
	})
	end := crawler.end(t)
	stop()
	watching.Wait()
	r.took = time.Since(begun)
	r.cpu = crawler.ProcessState.UserTime() + crawler.ProcessState.SystemTime()
	if end.code != exitDone {
		t.Fatal(end.stderr)
	}
	r.summary = decode[summary](t, end.stdout)
	r.database = databaseSize(t, db) - before
	if r.Heard != c.hosts || r.Visited != c.hosts || r.State != "complete" {
		t.Errorf("of %d hosts: %+v", c.hosts, r.summary)
	}
	if r.enumerated == 0 {
		r.enumerated = r.took
	}
	return r
}

// heard returns how many hosts the snapshot of a crawl has heard of so far.
func heard(ctx context.Context, db *storage.DB) int64 {
	found, err := db.Select(ctx, "SELECT coalesce(max(endpoint_id), 0)::bigint FROM endpoint WHERE snapshot_id = 1")
	if err != nil {
		return 0 // the crawl has just ended
	}
	return found.Values[0][0].(int64)
}

func databaseSize(t testing.TB, db *storage.DB) int64 {
	t.Helper()
	return rows(t, db, "SELECT pg_database_size(current_database())")[0][0].(int64)
}

// memoryOf returns what the kernel says of a process's memory in bytes: VmHWM is the peak of what was resident, VmRSS is what
// is. It returns 0 when the process has ended.
func memoryOf(pid int, field string) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, field+":"); found {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// table prints a table into the log of a test.
func table(b testing.TB, heads string, lines func(row func(cells ...any))) {
	b.Helper()
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, strings.ReplaceAll(heads, "|", "\t")+"\t")
	lines(func(cells ...any) {
		for _, c := range cells {
			fmt.Fprintf(w, "%v\t", c)
		}
		fmt.Fprintln(w)
	})
	w.Flush()
	b.Log("\n" + text.String())
}

// BenchmarkSpeed compares crawls of a crowd, with all that belongs to them (parsing, telling hosts apart, storing), with
// floors: programs that do nothing but ask and read.
func BenchmarkSpeed(b *testing.B) {
	c := newCrowd(b, benchmarkHosts(b, 200_000))
	for b.Loop() {
		table(b, "transport|floor, hosts/s|crawl, hosts/s|ratio|wanted", func(row func(cells ...any)) {
			for _, transport := range []struct {
				name, methods string
				floor         func(testing.TB, crowd) float64
				wanted        float64
			}{
				{"tcp", "tcp-crawl", tcpFloor, 0.5},
				{"udp", "udp-ping", udpFloor, 0.25},
			} {
				floor := transport.floor(b, c)
				crawl := crawlCrowd(b, c, "--methods", transport.methods).HostsPerSecond
				row(transport.name, int(floor), int(crawl), fmt.Sprintf("%.2f", crawl/floor), transport.wanted)
				b.ReportMetric(floor, transport.name+"-floor-hosts/s")
				b.ReportMetric(crawl, transport.name+"-crawl-hosts/s")
				b.ReportMetric(crawl/floor, transport.name+"-ratio")
			}
		})
	}
}

// BenchmarkSize crawls crowds of 10,000 hosts to a million, once by the method that is the fastest to list all hosts, and once
// each host by UDP and by TCP, and prints what a host costs.
func BenchmarkSize(b *testing.B) {
	most := benchmarkHosts(b, 1_000_000)
	for b.Loop() {
		heads := "methods|hosts|edges|all heard, s|all visited, s|hosts/s|CPU, µs/host|MiB|B/host|database, B/host|of what it may"
		table(b, heads, func(row func(cells ...any)) {
			for _, methods := range []string{"udp-crawl", "udp-ping,tcp-crawl"} {
				for hosts := 10_000; hosts <= most; hosts *= 10 {
					c := newCrowd(b, hosts)
					r := crawlCrowd(b, c, "--methods", methods)
					may := float64(perHost*r.Visited + perEdge*r.Edges)
					row(methods, hosts, r.Edges, tenths(r.enumerated), tenths(r.took), int(r.HostsPerSecond),
						r.cpu.Microseconds()/int64(hosts), r.peak>>20, r.peak/int64(hosts), r.database/int64(hosts),
						fmt.Sprintf("%.0f %%", 100*float64(r.database)/may))
					b.ReportMetric(r.took.Seconds(), fmt.Sprintf("s/%d-hosts-%s", hosts, methods))
					b.ReportMetric(float64(r.peak)/(1<<20), fmt.Sprintf("MiB/%d-hosts-%s", hosts, methods))
					c.stop(b)
				}
			}
		})
	}
}

func tenths(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) }

// benchmarkHosts is the size of the largest crowd, which GNUCENSUS_TEST_CROWD changes.
func benchmarkHosts(b *testing.B, standard int) int {
	text := os.Getenv("GNUCENSUS_TEST_CROWD")
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatalf("GNUCENSUS_TEST_CROWD: %v", err)
	}
	return n
}
