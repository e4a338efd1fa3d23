package gnutella

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"gnucensus/crawler/pace"
	"gnucensus/probe"
	"gnucensus/servent/message"

	"github.com/google/go-cmp/cmp"
)

// labWire opens a wire to the hosts of this machine.
func labWire() (Wire, error) {
	p, err := pace.New(pace.Limits{Scope: pace.Lab})
	if err != nil {
		return nil, err
	}
	return p.Wire()
}

type visiting func(*Prober, context.Context, probe.Endpoint) []probe.Observation

// inBothWays runs a test with visits that are made alone and with visits over a wire. Both must see the same.
func inBothWays(t *testing.T, test func(*testing.T, visiting)) {
	t.Run("alone", func(t *testing.T) { test(t, (*Prober).Probe) })
	t.Run("over a wire", func(t *testing.T) {
		if w, err := labWire(); errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		} else if err != nil {
			t.Fatal(err)
		} else {
			w.Close()
		}
		test(t, func(p *Prober, ctx context.Context, e probe.Endpoint) []probe.Observation {
			return surveyed(t, p, ctx, e)[0].Observations
		})
	})
}

// surveyed visits hosts over a wire, and returns the visits in the order of the hosts.
func surveyed(t *testing.T, p *Prober, ctx context.Context, es ...probe.Endpoint) []probe.Visit {
	t.Helper()
	hosts, visits := make(chan []probe.Endpoint), make(chan []probe.Visit)
	var surveying sync.WaitGroup
	surveying.Go(func() { p.Survey(ctx, hosts, visits) })
	hosts <- es
	var all []probe.Visit
	for len(all) < len(es) {
		all = append(all, <-visits...)
	}
	close(hosts)
	surveying.Wait()
	slices.SortFunc(all, func(a, b probe.Visit) int {
		return slices.Index(es, a.Endpoint) - slices.Index(es, b.Endpoint)
	})
	return all
}

// Many hosts at once, of which some answer and others do not: each visit ends with what its own host said.
func TestSurveyTellsHostsApart(t *testing.T) {
	t.Parallel()
	gtk, lime := captures(t, "gtk-gnutella.txt"), captures(t, "limewire.txt")
	answers := func(captured map[string][]byte) func([]byte) [][]byte {
		return func(d []byte) [][]byte {
			return [][]byte{answering(message.GUID(d[:16]), captured["udp-pong-ultrapeer"])}
		}
	}
	ends := script{udp: answers(gtk), tcp: []act{crawled(string(gtk["crawl-ultrapeer"]))}, ip: "127.40.9.1"}.play(t)
	lists := script{udp: answers(lime), tcp: []act{crawled(string(lime["crawl-ultrapeer"]))}, ip: "127.40.9.2"}.play(t)
	dead := script{ip: "127.40.9.3"}.play(t)
	six := probe.Endpoint{Network: probe.Gnutella, Addr: netip.MustParseAddrPort("[::1]:9")}
	p := newProber(t, func(c *Config) {
		c.Methods = []probe.Method{probe.UDPPing, probe.TCPCrawl}
		c.UDP = 500 * time.Millisecond
	})
	all := surveyed(t, p, t.Context(), ends, lists, dead, six)
	got := make([]map[probe.Method]probe.Outcome, 3)
	for i := range got {
		got[i] = outcomes(all[i].Observations)
	}
	want := []map[probe.Method]probe.Outcome{
		{probe.UDPPing: probe.Answered, probe.TCPCrawl: probe.Answered},
		{probe.UDPPing: probe.Answered, probe.TCPCrawl: probe.Answered},
		{probe.UDPPing: probe.Silent, probe.TCPCrawl: probe.ConnectionRefused},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("outcomes (-want +got):\n%s", diff)
	}
	if n := len(all[3].Observations); n != 2 {
		t.Errorf("a visit over IPv6 holds %d conversations", n)
	}
	if a, b := all[0].Observations[1].Agent, all[1].Observations[1].Agent; a == b || a == "" || b == "" {
		t.Errorf("agents %q and %q", a, b)
	}
}

// More hosts than questions may be on their way at once; none of them answers.
func TestSurveyOfManySilentHosts(t *testing.T) {
	t.Parallel()
	p := newProber(t, func(c *Config) {
		c.Methods, c.UDP = []probe.Method{probe.UDPPing}, 100*time.Millisecond
	})
	silent := script{udp: func([]byte) [][]byte { return nil }}.play(t)
	hosts := make([]probe.Endpoint, 3*maxRecent)
	for i := range hosts {
		hosts[i] = silent
	}
	for _, v := range surveyed(t, p, t.Context(), hosts...) {
		if !v.TimedOut() {
			t.Fatalf("a visit ended with %v", outcomes(v.Observations))
		}
	}
}

// The pacer spaces the questions to one host.
func TestSurveyIsPaced(t *testing.T) {
	t.Parallel()
	pong := captures(t, "gtk-gnutella.txt")["udp-pong-ultrapeer"]
	var mu sync.Mutex
	var times []time.Time
	host := script{udp: func(d []byte) [][]byte {
		mu.Lock()
		times = append(times, time.Now())
		mu.Unlock()
		return [][]byte{answering(message.GUID(d[:16]), pong)}
	}}.play(t)
	const rate = 20
	p := newProber(t, func(c *Config) {
		c.Methods = []probe.Method{probe.UDPPing}
		c.Wire = func() (Wire, error) {
			out, err := pace.New(pace.Limits{Scope: pace.Lab, Datagrams: pace.Rates{Host: rate}})
			if err != nil {
				return nil, err
			}
			return out.Wire()
		}
	})
	hosts := make([]probe.Endpoint, pace.HostBurst+10)
	for i := range hosts {
		hosts[i] = host
	}
	for _, v := range surveyed(t, p, t.Context(), hosts...) {
		if !v.Reached() {
			t.Fatalf("a visit ended with %v", v.Observations)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	least := time.Second * time.Duration(len(hosts)-pace.HostBurst-1) / rate
	if took := times[len(times)-1].Sub(times[0]); took < least {
		t.Errorf("%d datagrams at %d a second came in %v", len(times), rate, took)
	}
}

// Whatever it waits for, a survey that is stopped gives all visits back as cut off.
func TestSurveyIsCutOff(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 4)
	silent := script{udp: func([]byte) [][]byte { asked <- struct{}{}; return nil }, ip: "127.40.9.4"}.play(t)
	mute := script{tcp: []act{func(_ *testing.T, c net.Conn) { readHead(c); asked <- struct{}{}; readHead(c) }}, ip: "127.40.9.5"}.play(t)
	p := newProber(t, func(c *Config) {
		c.Methods = []probe.Method{probe.UDPPing, probe.TCPCrawl}
		c.UDP, c.Handshake = time.Hour, time.Hour
	})
	wordless := newProber(t, func(c *Config) { c.Methods, c.Handshake = []probe.Method{probe.TCPCrawl}, time.Hour })
	leaf := newProber(t, func(c *Config) { c.Methods, c.Handshake = []probe.Method{probe.Leaf}, time.Hour })
	for what, test := range map[string]struct {
		p    *Prober
		host probe.Endpoint
	}{"answer": {p, silent}, "reply": {wordless, mute}, "conversation held alone": {leaf, mute}} {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-asked; cancel() }()
		for _, v := range surveyed(t, test.p, ctx, test.host, test.host) {
			if !v.Cut() {
				t.Errorf("a visit that waited for an %s ended with %v", what, v.Observations)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, v := range surveyed(t, p, ctx, silent) {
		if !v.Cut() {
			t.Errorf("a visit that was begun after the end ended with %v", v.Observations)
		}
	}
}
