package gnutella

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"gnucensus/probe"
)

// Nobody is asked on one subject sooner again than allowed, neither in one run nor over a resume.
func TestLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		l := newLedger(started.Add(-time.Minute)) // the earlier run ended a minute ago
		at := func(a asking, again time.Duration) time.Duration {
			if err := l.wait(t.Context(), a, again); err != nil {
				t.Fatal(err)
			}
			return time.Since(started)
		}
		one, other := netip.MustParseAddrPort("192.0.2.1:6346"), netip.MustParseAddrPort("192.0.2.1:6347")
		for i, step := range []struct {
			asking asking
			again  time.Duration
			want   time.Duration
		}{
			{asking{one, pinging}, time.Minute, 0},
			{asking{one, crawlingTCP}, 5 * time.Minute, 4 * time.Minute}, // after the earlier run
			{asking{one, pinging}, time.Minute, 4 * time.Minute},
			{asking{one, pinging}, time.Minute, 5 * time.Minute},
			{asking{other, pinging}, time.Minute, 5 * time.Minute},
			{asking{one, crawlingUDP}, 10 * time.Minute, 9 * time.Minute},
			{asking{one, crawlingTCP}, 5 * time.Minute, 9 * time.Minute},
			{asking{one, crawlingUDP}, 2 * time.Minute, 11 * time.Minute},
			{asking{one, crawlingTCP}, 5 * time.Minute, 14 * time.Minute},
			{asking{one, crawlingUDP}, 10 * time.Minute, 21 * time.Minute},
		} {
			if got := at(step.asking, step.again); got != step.want {
				t.Fatalf("step %d: asked after %v, want %v", i, got, step.want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.wait(ctx, asking{one, crawlingUDP}, time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("wait that is cut off: %v", err)
		}
	})
}

func TestLedgerForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(time.Time{})
		for i := range 100_000 {
			a := netip.AddrPortFrom(netip.MustParseAddr(fmt.Sprintf("127.41.%d.%d", i>>8&0xff, i&0xff)), uint16(1+i>>16))
			if err := l.wait(t.Context(), asking{a, pinging}, time.Minute); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := len(l.asked) + len(l.earlier); n > 2*6000+2 {
			t.Errorf("%d askings are remembered at 10 a second, want those of 20 minutes at most", n)
		}
	})
}

// What another crawl asked counts, on the same subject, and of the same host.
func TestAnotherCrawlIsRecalled(t *testing.T) {
	t.Parallel()
	p, err := New(Config{Net: &open{}, Agent: "x/1", Patient: true})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	host := func(port uint16) probe.Endpoint {
		return probe.Endpoint{Network: probe.Gnutella, Addr: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), port)}
	}
	for n, m := range []probe.Method{probe.UDPPing, probe.TCPCrawl, probe.Query, probe.Guess, probe.UDPCrawl, probe.Import} {
		p.Recall(host(uint16(n)), m, now.Add(-time.Minute/2))
	}
	for n, asks := range []subject{pinging, crawlingTCP, linking, pinging, crawlingUDP} {
		for _, other := range []subject{pinging, crawlingTCP, linking, crawlingUDP} {
			waits := p.ledger.reserve(asking{host(uint16(n)).Addr, other}, time.Minute, now).Sub(now)
			if want := asks == other; waits > 0 != want || want && waits != time.Minute/2 {
				t.Errorf("host %d, asked on subject %d: waits %v on subject %d", n, asks, waits, other)
			}
		}
	}
	var longest time.Duration
	for _, s := range policy {
		longest = max(longest, s.again)
	}
	if longest != Memory {
		t.Errorf("the longest limit of the policy is %v", longest)
	}
	hasty, err := New(Config{Net: &open{}, Agent: "x/1"})
	if err != nil {
		t.Fatal(err)
	}
	hasty.Recall(host(1), probe.UDPPing, now) // does nothing
}
