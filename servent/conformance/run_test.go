package conformance_test

import (
	"context"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gnucensus/servent/conformance"
	"gnucensus/servent/handshake"
)

func TestTests(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z]+/[a-z-]+$`)
	known := make(map[string]bool)
	for _, test := range conformance.Tests() {
		if !form.MatchString(test.Name) || known[test.Name] {
			t.Errorf("name %q is no group/name, or not the only one", test.Name)
		}
		known[test.Name] = true
		if test.About == "" || len(test.About) > 62 || test.Source == "" || test.Run == nil {
			t.Errorf("%s: %+v lacks something", test.Name, test)
		}
	}
}

// some are a few tests for the runner itself.
func some(t *testing.T, names ...string) (tests []conformance.Test) {
	t.Helper()
	for _, test := range conformance.Tests() {
		for _, name := range names {
			if test.Name == name {
				tests = append(tests, test)
			}
		}
	}
	if len(tests) != len(names) {
		t.Fatalf("%d tests, want %q", len(tests), names)
	}
	return tests
}

func target(addr string) conformance.Config {
	return conformance.Config{Addr: netip.MustParseAddrPort(addr), Net: place(netip.MustParseAddr("127.70.3.1")), Word: word}
}

// TestNobodyThere: the test that cannot connect has failed, and is the last one.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	var results []conformance.Result
	for r := range conformance.New(target("127.70.3.2:6346")).Run(t.Context(), some(t, "crawl/peers", "crawl/agent")) {
		results = append(results, r)
	}
	if len(results) != 1 || results[0].Verdict != conformance.Fail || !errors.Is(results[0].Err, syscall.ECONNREFUSED) {
		t.Errorf("results %+v, want that the first test failed", results)
	}
}

// TestSlow: slow tests are run only for who asks for them.
func TestSlow(t *testing.T) {
	t.Parallel()
	r := test(t, target("127.70.3.2:6346"), some(t, "robustness/silence"))["robustness/silence"]
	if r.Verdict != conformance.Skipped || r.Note != "slow" {
		t.Errorf("%s %q, want it to be skipped", r.Verdict, r.Note)
	}
}

// TestTooOften: who is told that it comes too often learns nothing else.
func TestTooOften(t *testing.T) {
	t.Parallel()
	for addr, refusal := range map[string]handshake.Reply{
		"127.70.3.3:6346": {Code: 429, Reason: "Banned for 5m 0s"},
		"127.70.3.4:6346": {Code: 403, Reason: "Too frequent crawling"},
	} {
		f := newFake(netip.MustParseAddrPort(addr))
		f.answer = func(head) handshake.Reply { return refusal }
		f.run(t)
		tests := some(t, "handshake/answer", "crawl/peers", "handshake/refused", "handshake/plain")
		for name, r := range test(t, target(addr), tests) {
			if r.Verdict != conformance.Skipped || !strings.Contains(r.Note, refusal.Reason) {
				t.Errorf("%s: %s %q, want it to be skipped", name, r.Verdict, r.Note)
			}
		}
	}
}

// TestFullServent: a servent without slots fails nothing, and shows what it can.
func TestFullServent(t *testing.T) {
	t.Parallel()
	full := config("127.70.3.5:6346", "ultrapeer")
	full.Slots.Ultrapeers, full.Slots.Leaves = 0, 0
	full.Known = append(full.Known, netip.MustParseAddrPort("198.51.100.1:6346"))
	start(t, full)
	results := test(t, target(full.Addr.String()), some(t, "handshake/answer", "handshake/try", "crawl/leaves", "ping/alive",
		"qrp/accepted"))
	for name, want := range map[string]conformance.Verdict{
		"handshake/answer": conformance.Skipped, "handshake/try": conformance.Pass, "crawl/leaves": conformance.Pass,
		"ping/alive": conformance.Skipped, "qrp/accepted": conformance.Skipped,
	} {
		if r := results[name]; r.Verdict != want {
			t.Errorf("%s: %s %q, want %s", name, r.Verdict, r.Note, want)
		}
	}
}

// TestBytesOfAFailure: a failure comes with the last bytes on the wire, no more than a few, and a clean note.
func TestBytesOfAFailure(t *testing.T) {
	t.Parallel()
	f := newFake(netip.MustParseAddrPort("127.70.3.6:6346"))
	f.answer = f.saying("X-Ultrapeer", "\x1b[31m"+strings.Repeat("x", 2000))
	f.run(t)
	r := test(t, target(f.addr.String()), some(t, "handshake/answer"))["handshake/answer"]
	if r.Verdict != conformance.Fail || len(r.Sent) == 0 || len(r.Sent) > 512 || len(r.Received) != 512 {
		t.Errorf("%s with %d bytes sent and %d received", r.Verdict, len(r.Sent), len(r.Received))
	}
	if strings.ContainsRune(r.Note, 0x1b) || len(r.Note) > 300 || r.Err == nil {
		t.Errorf("note %q", r.Note)
	}
}

// TestEndOfContext ends a run in its first test.
func TestEndOfContext(t *testing.T) {
	t.Parallel()
	f := newFake(netip.MustParseAddrPort("127.70.3.7:6346"))
	ctx, cancel := context.WithCancel(t.Context())
	f.answer = func(h head) handshake.Reply { cancel(); return f.goodAnswer(h) }
	f.run(t)
	for r := range conformance.New(target(f.addr.String())).Run(ctx, conformance.Tests()) {
		t.Errorf("%s: %s, after the end", r.Name, r.Verdict)
	}
}

// TestLeavesAlone: an ultrapeer that has nobody but leaves need not name them to who asks for its neighbours.
func TestLeavesAlone(t *testing.T) {
	t.Parallel()
	const at = "127.70.3.9:6346"
	start(t, config(at, "ultrapeer"), config("127.70.3.10:6346", "leaf", at))
	cfg := target(at)
	cfg.Patience = 2 * time.Second
	if r := test(t, cfg, some(t, "ping/crawl"))["ping/crawl"]; r.Verdict != conformance.Skipped || !strings.Contains(r.Note, "leaves") {
		t.Errorf("%s %q", r.Verdict, r.Note)
	}
}

// TestNoSlotYet: a servent that has not noticed yet that a link has ended is asked again, and not for ever.
func TestNoSlotYet(t *testing.T) {
	t.Parallel()
	for refusals, want := range map[int]conformance.Verdict{2: conformance.Pass, 100: conformance.Fail} {
		f := newFake(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 70, 3, byte(11 + refusals)}), 6346))
		var hellos atomic.Int32
		f.answer = func(h head) handshake.Reply {
			if n := int(hellos.Add(1)); n > 1 && n <= 1+refusals {
				return handshake.Reply{Code: 503, Reason: "Too many leaf connections"}
			}
			return f.goodAnswer(h)
		}
		f.run(t)
		if r := test(t, target(f.addr.String()), some(t, "ping/alive"))["ping/alive"]; r.Verdict != want || hellos.Load() > 4 {
			t.Errorf("%d refusals: %s %q after %d hellos", refusals, r.Verdict, r.Note, hellos.Load())
		}
	}
}
