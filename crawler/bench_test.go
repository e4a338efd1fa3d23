package crawler

import (
	"context"
	"net/netip"
	"runtime"
	"testing"

	"gnucensus/probe"
)

// A tree of hosts in which each names ten hosts that nobody else names, and itself.
type tree struct{ hosts uint32 }

func (t tree) Survey(_ context.Context, hosts <-chan []probe.Endpoint, visits chan<- []probe.Visit) {
	for some := range hosts {
		seen := make([]probe.Visit, len(some))
		for i, e := range some {
			seen[i] = probe.Visit{Endpoint: e, Observations: t.probe(e)}
		}
		visits <- seen
	}
}

func (t tree) probe(e probe.Endpoint) []probe.Observation {
	ip := e.Addr.Addr().As4()
	n := uint32(ip[1])<<16 | uint32(ip[2])<<8 | uint32(ip[3])
	peers := make([]probe.Peer, 0, 11)
	for i := 10 * n; i <= 10*n+10; i++ {
		if i < t.hosts {
			peers = append(peers, probe.Peer{Endpoint: t.host(i), Relation: probe.PeerLink})
		}
	}
	return []probe.Observation{{Endpoint: e, Method: probe.TCPCrawl, Outcome: probe.Answered, Peers: peers}}
}

func (tree) host(n uint32) probe.Endpoint {
	addr := netip.AddrFrom4([4]byte{127, byte(n >> 16), byte(n >> 8), byte(n)})
	return probe.Endpoint{Network: probe.Gnutella, Addr: netip.AddrPortFrom(addr, 6346)}
}

type discard struct{}

func (discard) Record(context.Context, []probe.Observation) error { return nil }

// BenchmarkWalk tells what the crawler itself costs: the network answers from memory and the sink forgets.
func BenchmarkWalk(b *testing.B) {
	const hosts = 1_000_000
	for b.Loop() {
		s, err := New(Config{}, tree{hosts}, discard{}).Run(b.Context(), []probe.Endpoint{tree{}.host(0)})
		if err != nil || s.Visited != hosts {
			b.Fatalf("visited %d of %d: %v", s.Visited, hosts, err)
		}
	}
	b.ReportMetric(hosts*float64(b.N)/b.Elapsed().Seconds(), "hosts/s")
}

// BenchmarkFrontier tells the memory of a host that was heard of and waits.
func BenchmarkFrontier(b *testing.B) {
	const hosts = 1_000_000
	var bytes uint64
	for b.Loop() {
		before := heap()
		f := newFrontier(0, 0)
		for i := range uint32(hosts) {
			f.hear(tree{}.host(i), i/30, false)
		}
		bytes += heap() - before
		runtime.KeepAlive(f)
	}
	b.ReportMetric(float64(bytes)/float64(b.N)/hosts, "B/host")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/hosts, "ns/host")
}

// A host that was heard of and waits takes up less than 100 bytes, also where the tables have just grown.
func TestAHeardHostIsSmall(t *testing.T) {
	for _, hosts := range []uint32{100_000, 300_000, 600_000} {
		before := heap()
		f := newFrontier(7, 512)
		for i := range hosts {
			f.hear(tree{}.host(i), i/30, true)
		}
		if each := int64(heap()-before) / int64(hosts); each > 100 || each <= 0 {
			t.Errorf("%d hosts take up %d bytes each", hosts, each)
		}
		runtime.KeepAlive(f)
	}
}

// heap returns the bytes in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
