package lab

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"gnucensus/servent"
	"gnucensus/servent/handshake"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
)

// TestQueriesFindThePlannedFiles asks as a leaf, and expects the hits of every host in reach.
func TestQueriesFindThePlannedFiles(t *testing.T) {
	t.Parallel()
	n := start(t, Plan{Ultrapeers: 10, Leaves: 60, Base: netip.MustParseAddr("127.30.42.1"), Seed: 7})
	var d net.Dialer
	conn, err := d.DialContext(within(t), "tcp4", n.Seeds()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s, err := handshake.Dial(within(t), conn, handshake.Fields{{Name: "X-Ultrapeer", Value: "False"}})
	if err != nil {
		t.Fatal(err)
	}
	l := link.New(s, link.Config{})
	ended := make(chan error)
	go func() { ended <- l.Run(t.Context()) }()
	defer func() { l.Close(); <-ended }()
	for _, words := range []string{creators[0], words[0], creators[1] + " mp3"} {
		want, all := make(map[netip.AddrPort]int), 0
		for _, c := range n.configs {
			if found := c.Library.Match(words, 100); len(found) > 0 {
				want[c.Addr] = len(found)
				all += len(found)
			}
		}
		if len(want) < 2 {
			t.Errorf("only %d hosts have %q: not much of a test", len(want), words)
		}
		id := message.NewGUID()
		l.Send(message.Message{GUID: id, TTL: 4, Body: &message.Query{Flags: message.QueryMark, Words: words}})
		for all > 0 {
			m, err := l.Receive(within(t))
			if err != nil {
				t.Fatalf("%q: %v, with %d results to come", words, err, all)
			}
			if hit, ok := m.Body.(*message.QueryHit); ok && m.GUID == id {
				want[hit.Addr] -= len(hit.Results)
				all -= len(hit.Results)
			}
		}
		for addr, left := range want {
			if left != 0 {
				t.Errorf("%q: %d results of %v are missing", words, left, addr)
			}
		}
	}
}

// gone waits until nobody listens at an address.
func gone(t *testing.T, a netip.AddrPort) {
	t.Helper()
	for ctx := within(t); ; {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp4", a.String())
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%v is still there: %v", a, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}

// TestHostsLeave: whoever comes first, by TCP or by UDP, is answered, and the next one, by either, finds the host leaving.
func TestHostsLeave(t *testing.T) {
	t.Parallel()
	n := start(t, Plan{
		Ultrapeers: 10, Leaves: 20, Leaving: 0.2, LeaveAfter: 1, Base: netip.MustParseAddr("127.30.43.1"), Seed: 1,
	})
	var leaving []netip.AddrPort
	for _, h := range n.Truth() {
		if h.Behaviour == Leaving {
			leaving = append(leaving, h.Addr)
		}
	}
	if len(leaving) != 6 {
		t.Fatalf("%d hosts leave, want 6", len(leaving))
	}
	for i, at := range leaving[:4] {
		if i%2 == 0 {
			if code, _, err := crawl(t, at); err != nil || code != 200 && code != 593 {
				t.Errorf("host %d: the first visit got %d, %v", i, code, err)
			}
		} else if ask(t, at, scp(t), patience) == nil {
			t.Errorf("host %d: the first PING got no answer", i)
		}
		if i < 2 {
			if code, _, err := crawl(t, at); err == nil || errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("host %d: the second visit got %d, %v; want a connection without an answer", i, code, err)
			}
		} else if body := ask(t, at, scp(t), silence); body != nil {
			t.Errorf("host %d: the second PING got %+v", i, body)
		}
		gone(t, at)
	}
	n.Leave()
	n.Leave()
	for _, at := range leaving {
		gone(t, at)
	}
}

func TestLeaveWaitsToBeTold(t *testing.T) {
	t.Parallel()
	n := start(t, Plan{Ultrapeers: 4, Leaving: 0.5, Base: netip.MustParseAddr("127.30.44.1")})
	for _, h := range n.Truth() {
		for range 3 {
			if _, _, err := crawl(t, h.Addr); err != nil {
				t.Errorf("%s host %v: %v", h.Behaviour, h.Addr, err)
			}
			if ask(t, h.Addr, scp(t), patience) == nil {
				t.Errorf("%s host %v: no PONG", h.Behaviour, h.Addr)
			}
		}
	}
}

func TestOneSeedIsOneNetwork(t *testing.T) {
	t.Parallel()
	truth := func(seed uint64) []byte {
		n, err := New(Plan{
			Ultrapeers: 20, Leaves: 100, Dead: 0.1, Slow: 0.1, Unaware: 0.1, Firewalled: 0.1, Full: 0.1, Seed: seed,
		})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := n.WriteTruth(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if !bytes.Equal(truth(1), truth(1)) {
		t.Error("two networks of one seed differ")
	}
	if bytes.Equal(truth(1), truth(2)) {
		t.Error("two seeds give one network")
	}
}

func TestWriteTruth(t *testing.T) {
	t.Parallel()
	n, err := New(Plan{Ultrapeers: 2, Leaves: 4, Parents: 1, Dead: 0.25, Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := n.WriteTruth(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(rows[0], " "); got != "addr role behaviour agent files kib links" || len(rows) != 7 {
		t.Errorf("head %q, %d rows", got, len(rows))
	}
	for i, row := range rows[1:] {
		h := n.Truth()[i]
		if row[0] != h.Addr.String() || row[2] != string(h.Behaviour) {
			t.Errorf("row %q of host %+v", row, h)
		}
		if h.Behaviour == Dead && strings.Join(row[3:], "")+row[1] != "" {
			t.Errorf("a dead host has %q", row)
		}
		if links := strings.Fields(row[6]); len(links) != len(h.Links) {
			t.Errorf("links %q, want %v", row[6], h.Links)
		}
	}
	if err := n.WriteTruth(brokenWriter{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("error %v", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestPlansThatCannotBe(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Plan{
		"at least one ultrapeer":       {},
		"at most":                      {Ultrapeers: 1 << 30},
		"none may be negative":         {Ultrapeers: 1, Degree: -1},
		"between 0 and 1":              {Ultrapeers: 1, Dead: 1.5},
		"more than 1":                  {Ultrapeers: 10, Dead: 0.6, Slow: 0.6},
		"lives in 127.0.0.0/8":         {Ultrapeers: 1, Base: netip.MustParseAddr("10.0.0.1")},
		"do not fit":                   {Ultrapeers: 10, Base: netip.MustParseAddr("127.255.255.250")},
		"nobody would list the others": {Ultrapeers: 2, Unaware: 1},
		"each leaf needs 3 ultrapeers": {Ultrapeers: 2, Leaves: 5},
		"normal or slow, and there":    {Ultrapeers: 10, Leaves: 10, Full: 0.8, Firewalled: 0.5},
		"can remember":                 {Ultrapeers: 4, Leaves: 400, Dead: 0.25},
	} {
		if n, err := New(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("plan %+v: %v, error %v; want one with %q", p, n != nil, err, want)
		}
	}
	if err := (Plan{Ultrapeers: 1, Slow: nan()}).Validate(); err == nil {
		t.Error("a share that is not a number passed")
	}
}

func nan() float64 { zero := 0.0; return zero / zero }

func TestRunTellsWhatItCannotHave(t *testing.T) {
	t.Parallel()
	limit, err := descriptorLimit()
	if err != nil {
		t.Fatal(err)
	}
	if limit > 1<<16 {
		t.Skipf("a lab for more than %d descriptors takes long to build", limit)
	}
	large, err := New(Plan{Ultrapeers: 10, Leaves: int(limit) / 4, Files: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := large.Run(within(t), nil); err == nil || !strings.Contains(err.Error(), "file descriptors") {
		t.Errorf("error %v; want one that tells of descriptors", err)
	}
	p := Plan{Ultrapeers: 1, Base: netip.MustParseAddr("127.30.45.1")}
	start(t, p)
	again, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Run(within(t), nil); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("error %v; want address in use", err)
	}
}

func TestRunEndsWhileItStarts(t *testing.T) {
	t.Parallel()
	n, err := New(Plan{Ultrapeers: 10, Leaves: 30, Base: netip.MustParseAddr("127.30.46.1")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Run(ctx, func() { t.Error("ready, though it was stopped") }); err != nil {
		t.Errorf("error %v", err)
	}
	if role := n.Truth()[0].Role; role != servent.Ultrapeer {
		t.Errorf("role %q", role)
	}
}
