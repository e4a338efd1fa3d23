package crawler

import (
	"net/netip"
	"testing"

	"gnucensus/probe"

	"pgregory.net/rapid"
)

// The frontier does what a slice and a map of whole endpoints do.
func TestFrontierIsAQueueOfDistinctHosts(t *testing.T) {
	addrs := []string{"127.40.0.1:1", "127.40.0.1:2", "127.40.0.2:1", "[2001:db8::1]:1", "[::1]:65535"}
	rapid.Check(t, func(t *rapid.T) {
		f := newFrontier()
		known := map[probe.Endpoint]bool{}
		var queue []probe.Endpoint
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			e := probe.Endpoint{
				Network: rapid.SampledFrom([]probe.Network{probe.Gnutella, "other"}).Draw(t, "network"),
				Addr:    netip.MustParseAddrPort(rapid.SampledFrom(addrs).Draw(t, "addr")),
			}
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				f.know(e)
				known[e] = true
			case 1, 2:
				f.hear(e)
				if !known[e] {
					known[e] = true
					queue = append(queue, e)
				}
			case 3:
				got, ok := f.first()
				if ok != (len(queue) > 0) || ok && got != queue[0] {
					t.Fatalf("first is %v, %v; the queue is %v", got, ok, queue)
				}
				if ok {
					f.pop()
					queue = queue[1:]
				}
			}
			if f.heard() != len(known) || f.queued() != len(queue) {
				t.Fatalf("heard %d, queued %d; want %d, %d", f.heard(), f.queued(), len(known), len(queue))
			}
		}
	})
}

func TestFrontierKeepsTheOrderOverManyBlocks(t *testing.T) {
	f := newFrontier()
	const hosts = 3*blockLen + 7
	pushed, popped := 0, 0
	for popped < hosts {
		for range 5 {
			if pushed < hosts {
				f.hear(host(pushed))
				pushed++
			}
		}
		for range 3 {
			if got, ok := f.first(); ok {
				if got != host(popped) {
					t.Fatalf("host %d of the queue is %v, want %v", popped, got, host(popped))
				}
				f.pop()
				popped++
			}
		}
	}
	if f.queued() != 0 || len(f.blocks) > 1 {
		t.Errorf("an empty queue has %d hosts in %d blocks", f.queued(), len(f.blocks))
	}
}
