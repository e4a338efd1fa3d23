package conformance_test

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"gnucensus/servent"
	"gnucensus/servent/conformance"
	"gnucensus/servent/ggep"
	"gnucensus/servent/library"
	"gnucensus/servent/message"
)

// word is in the name of a file that every node of the tests shares.
const word = "conformance"

// A place is an address that a tester comes from.
type place netip.Addr

func (p place) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.Addr(p), 0))}
	return d.DialContext(ctx, network, addr)
}

func (p place) ListenPacket(ctx context.Context, network, _ string) (net.PacketConn, error) {
	return new(net.ListenConfig).ListenPacket(ctx, network, netip.AddrPortFrom(netip.Addr(p), 0).String())
}

// config is of a node that shares a file.
func config(at string, role servent.Role, connect ...string) servent.Config {
	c := servent.Config{
		Addr: netip.MustParseAddrPort(at), Role: role, Agent: "gnucensus/test", Dialect: servent.GTKG,
		Vendor: ggep.Vendor{Code: message.GTKG, Version: 0x83}, Slots: servent.Slots{Ultrapeers: 8},
		TLS: true, Substitute: true, Library: library.New([]library.File{{Name: word + " of servents.txt", Size: 3000}}),
	}
	if role == servent.Ultrapeer {
		c.Slots.Leaves = 8
	}
	for _, to := range connect {
		c.Connect = append(c.Connect, netip.MustParseAddrPort(to))
	}
	return c
}

// start runs nodes until the test ends. It returns when each that dials has its link.
func start(t *testing.T, configs ...servent.Config) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	t.Cleanup(func() { cancel(); running.Wait() })
	for _, c := range configs {
		linked := make(chan struct{}, 64)
		c.OnLink = func(e servent.LinkEvent) {
			if e.Began {
				linked <- struct{}{}
			}
		}
		listening := make(chan struct{})
		c.Listen = func(ctx context.Context, network, addr string) (net.Listener, error) {
			defer close(listening)
			return new(net.ListenConfig).Listen(ctx, network, addr)
		}
		n, err := servent.New(c)
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() {
			if err := n.Run(ctx); err != nil {
				t.Errorf("run %v: %v", c.Addr, err)
			}
		})
		<-listening
		for range c.Connect {
			<-linked
		}
	}
}

// test runs tests against a target and returns the results by name.
func test(t *testing.T, cfg conformance.Config, tests []conformance.Test) map[string]conformance.Result {
	t.Helper()
	cfg.Agent = "gnucensus/test"
	cfg.Quiet = 100 * time.Millisecond
	results := make(map[string]conformance.Result)
	for r := range conformance.New(cfg).Run(t.Context(), tests) {
		results[r.Name] = r
	}
	if len(results) != len(tests) {
		t.Errorf("%d results of %d tests", len(results), len(tests))
	}
	return results
}

// TestOurNode is what the package is for: our own node, in both roles, passes all that is not optional, and fails nothing.
func TestOurNode(t *testing.T) {
	t.Parallel()
	const center, other, leaf = "127.70.1.1:6346", "127.70.1.2:6346", "127.70.1.3:6346"
	start(t, config(center, servent.Ultrapeer), config(other, servent.Ultrapeer, center),
		config(leaf, servent.Leaf, center))
	for _, c := range []struct {
		role, addr, from string
		skipped          []string // tests that are for the other role
	}{
		{"ultrapeer", center, "127.70.1.8", []string{"handshake/shielded", "handshake/try", "qrp/own"}},
		{"leaf", leaf, "127.70.1.9",
			[]string{"handshake/try", "crawl/leaves", "ping/crawl", "qrp/accepted", "qrp/filter", "qrp/sequence"}},
	} {
		t.Run(c.role, func(t *testing.T) {
			t.Parallel()
			results := test(t, conformance.Config{
				Addr: netip.MustParseAddrPort(c.addr), Net: place(netip.MustParseAddr(c.from)), Word: word,
			}, conformance.Tests())
			for name, r := range results {
				want := conformance.Pass
				if slices.Contains(c.skipped, name) || r.Slow {
					want = conformance.Skipped
				}
				if r.Verdict != want && (!r.Optional || r.Verdict == conformance.Fail) {
					t.Errorf("%s: %s, want %s: %s\nsent % x\nreceived % x", name, r.Verdict, want, r.Note, r.Sent, r.Received)
				}
			}
		})
	}
}

// TestOurNodeLeavesTheSlow: our node closes on heads that do not come, the old ones too.
func TestOurNodeLeavesTheSlow(t *testing.T) {
	t.Parallel()
	slow := config("127.70.1.4:6346", servent.Ultrapeer)
	slow.Old = true
	start(t, slow)
	cfg := target(slow.Addr.String())
	cfg.Slow = true
	var running sync.WaitGroup
	defer running.Wait()
	for _, name := range []string{"robustness/silence", "robustness/slow-head", "handshake/version"} {
		tests := some(t, name)
		running.Go(func() {
			if r := test(t, cfg, tests)[name]; r.Verdict != conformance.Pass {
				t.Errorf("%s: %s %s", name, r.Verdict, r.Note)
			}
		})
	}
}
