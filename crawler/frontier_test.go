package crawler

import (
	"net/netip"
	"testing"
	"time"

	"gnucensus/probe"

	"pgregory.net/rapid"
)

// A waiting host of the model: how many vouched for it, who last, whether as a peer, and when it came to its rank.
type waiting struct {
	vouchers int
	last     uint32
	peer     bool
	since    int
}

func (w waiting) rank() int {
	rank := 0
	if w.peer {
		rank = 1
	}
	for i, least := range []int{8, 4, 2} {
		if w.vouchers >= least {
			return 2*(3-i) + rank
		}
	}
	return rank
}

// The frontier does what a search through all hosts for the one that is to be next does.
func TestFrontierRanksDistinctHosts(t *testing.T) {
	addrs := []string{"127.40.0.1:1", "127.40.0.1:2", "127.40.0.2:1", "[2001:db8::1]:1", "[::1]:65535"}
	rapid.Check(t, func(t *rapid.T) {
		f := newFrontier(0, 0)
		known := map[probe.Endpoint]*waiting{}
		queue := map[probe.Endpoint]*waiting{}
		for step := range rapid.IntRange(0, 120).Draw(t, "steps") {
			e := probe.Endpoint{Network: probe.Gnutella, Addr: netip.MustParseAddrPort(rapid.SampledFrom(addrs).Draw(t, "addr"))}
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				f.know(e)
				if known[e] == nil {
					known[e] = &waiting{}
				}
			case 1, 2:
				want := first(queue)
				got, ok := f.next()
				if ok != (want != probe.Endpoint{}) || got != want {
					t.Fatalf("next is %v, %v; want %v", got, ok, want)
				}
				delete(queue, want)
			default:
				voucher := rapid.Uint32Range(1, 9).Draw(t, "voucher")
				asPeer := rapid.Bool().Draw(t, "as peer")
				f.hear(e, voucher, asPeer)
				w := known[e]
				if w == nil {
					w = &waiting{since: step}
					known[e], queue[e] = w, w
				}
				before := w.rank()
				w.peer = w.peer || asPeer
				if w.last != voucher {
					w.vouchers, w.last = w.vouchers+1, voucher
				}
				if w.rank() > before {
					w.since = step
				}
			}
			if f.heard() != len(known) || f.queued() != len(queue) {
				t.Fatalf("heard %d, queued %d; want %d, %d", f.heard(), f.queued(), len(known), len(queue))
			}
		}
	})
}

func first(queue map[probe.Endpoint]*waiting) (best probe.Endpoint) {
	for e, w := range queue {
		b := queue[best]
		if b == nil || w.rank() > b.rank() || w.rank() == b.rank() && w.since < b.since {
			best = e
		}
	}
	return best
}

func TestFrontierKeepsTheOrderOfManyHosts(t *testing.T) {
	f := newFrontier(0, 0)
	const hosts = 10_000
	pushed, popped := 0, 0
	for popped < hosts {
		for range 5 {
			if pushed < hosts {
				f.hear(host(pushed), 0, false)
				pushed++
			}
		}
		for range 3 {
			if got, ok := f.next(); ok {
				if got != host(popped) {
					t.Fatalf("host %d of the queue is %v, want %v", popped, got, host(popped))
				}
				popped++
			}
		}
	}
	if f.queued() != 0 || f.heard() != hosts {
		t.Errorf("%d hosts queued of %d", f.queued(), f.heard())
	}
}

func TestFrontierKeepsPromisesInTheirOrder(t *testing.T) {
	f := newFrontier(0, 0)
	now := time.Now()
	for i := range 3 {
		f.hear(host(i), 0, false)
		f.again(f.number(host(i)), now.Add(time.Duration(i)))
	}
	for i := range 3 {
		n, due := f.promised()
		if got := f.keep(); n != 3-i || !due.Equal(now.Add(time.Duration(i))) || got != host(i) {
			t.Errorf("%d promised, %v due at %v", n, got, due)
		}
	}
}

func TestHostsOfAnotherNetworkAreNotHeard(t *testing.T) {
	f := newFrontier(0, 0)
	f.hear(host(1), 0, false)
	other := host(2)
	other.Network = "other"
	f.hear(other, 0, false)
	if f.heard() != 1 {
		t.Errorf("%d hosts heard of", f.heard())
	}
}
