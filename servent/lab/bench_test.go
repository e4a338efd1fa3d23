package lab

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"
	"time"
)

// BenchmarkStart runs the network of 2,000 hosts that the crawl benchmark uses. It prints the time until all links stand and
// the memory that a host takes, stacks included.
func BenchmarkStart(b *testing.B) {
	plan := Plan{Ultrapeers: 200, Leaves: 1800, Seed: 1, Base: netip.MustParseAddr("127.31.0.1")}
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		n, err := New(plan)
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		ready, ended := make(chan struct{}), make(chan error)
		began := time.Now()
		go func() { ended <- n.Run(ctx, func() { close(ready) }) }()
		select {
		case <-ready:
		case err := <-ended:
			b.Fatal(err)
		}
		took := time.Since(began)
		runtime.GC()
		runtime.ReadMemStats(&after)
		stop()
		began = time.Now()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(took.Seconds(), "s/start")
		b.ReportMetric(time.Since(began).Seconds(), "s/stop")
		hosts := float64(plan.Ultrapeers + plan.Leaves)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/hosts, "heap-bytes/host")
		b.ReportMetric(float64(after.StackInuse-before.StackInuse)/hosts, "stack-bytes/host")
	}
}

// BenchmarkSearch searches from leaves of a network of 30 ultrapeers and 300 leaves, for a file that one host has, for 100
// results of what one host in ten has, and for what nobody has, until everybody has been asked. It prints how many copies of a
// query are sent, by dynamic querying and, on the same network, by a flood with TTL 7.
func BenchmarkSearch(b *testing.B) {
	n := crowd(b, "127.31.16.1")
	launch(b, n)
	rare, r := n.rare(), rand.New(rand.NewPCG(3, 3))
	for name, search := range map[string]func(){
		"rare":   func() { find(b.Context(), n.leaf(r), rare[r.IntN(len(rare))], 1) },
		"common": func() { find(b.Context(), n.leaf(r), commonWords, 100) },
		"absent": func() {
			ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second) // longer than an ultrapeer asks on
			defer cancel()
			find(ctx, n.leaf(r), "kraken", 1)
		},
	} {
		b.Run(name, func(b *testing.B) {
			before := n.queries(b)
			for b.Loop() {
				search()
			}
			cost := float64(n.queries(b)-before) / float64(b.N)
			b.ReportMetric(cost, "messages/query")
			b.ReportMetric(n.flood(), "flood-messages/query")
			b.ReportMetric(n.flood()/cost, "times-fewer")
		})
	}
}
