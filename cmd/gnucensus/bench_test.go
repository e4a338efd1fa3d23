package main

import (
	"net/netip"
	"strconv"
	"syscall"
	"testing"

	"gnucensus/storage/storagetest"
)

// BenchmarkCrawl crawls a lab of 2,000 hosts, with lab, crawler and database in processes of their own on this machine. It
// reports hosts visited a second, and what one host more costs the crawler in memory: the difference of its peak (resident)
// between this lab and one of 100 hosts, divided by that of the hosts.
func BenchmarkCrawl(b *testing.B) {
	small, large := newBenchmarkLab(b, 10, 90), newBenchmarkLab(b, 200, 1800)
	for b.Loop() {
		few, many := small.crawl(b), large.crawl(b)
		hosts := float64(many.Heard - few.Heard)
		b.ReportMetric(many.HostsPerSecond, "hosts/s")
		b.ReportMetric(float64(many.peak-few.peak)/hosts, "B/host")
		b.ReportMetric(float64(many.peak)/(1<<20), "MiB-peak")
	}
}

type benchmarkLab struct{ seed string }

func newBenchmarkLab(b *testing.B, ultrapeers, leaves int) benchmarkLab {
	network := start(b, "lab", "--base", base(b).String(),
		"--ultrapeers", strconv.Itoa(ultrapeers), "--leaves", strconv.Itoa(leaves))
	seed, ok := <-network.print
	if _, err := netip.ParseAddrPort(seed); err != nil || !ok {
		b.Fatalf("the lab printed %q: %s", seed, network.end(b).stderr)
	}
	return benchmarkLab{seed}
}

type cost struct {
	summary
	peak int64 // bytes
}

func (l benchmarkLab) crawl(b *testing.B) cost {
	dsn := storagetest.DSN(b)
	crawler := start(b, "crawl", "--scope", "lab", "--seed", l.seed, "--query-via", "0", "--database", dsn, "--format", "json")
	r := crawler.end(b)
	if r.code != exitDone {
		b.Fatal(r.stderr)
	}
	usage := crawler.ProcessState.SysUsage().(*syscall.Rusage)
	return cost{decode[summary](b, r.stdout), usage.Maxrss << 10}
}
