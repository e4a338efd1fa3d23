package lab

import (
	"runtime"
	"testing"
)

// BenchmarkCrowd builds a crowd of a million hosts. It prints how long that takes, and what a host takes up in memory.
func BenchmarkCrowd(b *testing.B) {
	const hosts = 1_000_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		c, err := NewCrowd(CrowdPlan{Hosts: hosts, Seed: 1})
		if err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/hosts, "heap-bytes/host")
		runtime.KeepAlive(c)
	}
}
