package servent

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestBans(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(Strict)
		guest, other := netip.MustParseAddr("127.20.20.1"), netip.MustParseAddr("127.20.20.2")
		for _, ban := range []time.Duration{300, 600, 1200, 2400, 3600, 3600} {
			for range 2 {
				if d := g.shake(guest); d != 0 || g.banned(guest) {
					t.Fatalf("banned for %v within the limit", d)
				}
			}
			if d := g.shake(guest); d != ban*time.Second || !g.banned(guest) {
				t.Errorf("banned for %v, want %d s", d, ban)
			}
			if g.shake(other) != 0 || g.banned(other) {
				t.Error("banned for what another did")
			}
			time.Sleep(ban*time.Second - 1)
			if !g.banned(guest) {
				t.Error("the ban ends early")
			}
			time.Sleep(1)
			if g.banned(guest) {
				t.Error("the ban goes on")
			}
		}
		time.Sleep(time.Minute)
		if g.shake(guest) != 0 || g.shake(guest) != 0 {
			t.Error("a minute later, the count goes on")
		}
	})
}

func TestCrawlInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(Strict)
		one, same, other := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("127.20.20.3")
		if !g.admit(udpPing, one) || g.admit(udpPing, one) || !g.admit(udpCrawl, one) || g.admit(udpCrawl, one) {
			t.Error("one kind of request is counted with another")
		}
		if !g.admit(crawlHandshake, one) || g.admit(crawlHandshake, one) || g.admit(crawlHandshake, same) {
			t.Error("not one answer for one network of IPv6")
		}
		if !g.admit(crawlHandshake, other) || g.admit(crawlHandshake, netip.AddrFrom16(other.As16())) {
			t.Error("not one answer for one address of IPv4")
		}
		time.Sleep(Strict.CrawlEvery - 1)
		if g.admit(crawlHandshake, one) {
			t.Error("answered too early")
		}
		time.Sleep(1)
		if !g.admit(crawlHandshake, one) {
			t.Error("not answered after the interval")
		}
	})
}

func TestGuardForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(Strict)
		stays := netip.MustParseAddr("127.20.20.4")
		come := func(n int) {
			for i := range n {
				g.admit(crawlHandshake, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
			}
		}
		come(maxGuests - 1)
		time.Sleep(lastBan)
		g.admit(crawlHandshake, stays)
		g.admit(crawlHandshake, netip.MustParseAddr("127.20.20.5")) // one too many: the old ones go
		if len(g.guests) != 2 || g.admit(crawlHandshake, stays) {
			t.Errorf("%d guests; the young one is forgotten too", len(g.guests))
		}
		come(maxGuests)
		if len(g.guests) > maxGuests {
			t.Errorf("%d guests are remembered", len(g.guests))
		}
	})
}

func TestNoManners(t *testing.T) {
	t.Parallel()
	g := newGuard(Manners{})
	for range 10 {
		if who := netip.MustParseAddr("127.20.20.6"); g.shake(who) != 0 || g.banned(who) || !g.admit(crawlHandshake, who) {
			t.Fatal("a limit where none is set")
		}
	}
	if len(g.guests) > 0 {
		t.Error("guests are remembered for nothing")
	}
}
