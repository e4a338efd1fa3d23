package lab

import (
	"context"
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
