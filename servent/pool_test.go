package servent

import (
	"net/netip"
	"testing"
	"time"
)

func host(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 20, byte(i >> 8), byte(i)}), 6346)
}

// taken takes a host and checks that it is the one wanted; no host is wanted when want is negative.
func taken(t *testing.T, p *pool, now time.Time, want int) {
	t.Helper()
	got, ok := p.take(now)
	if ok != (want >= 0) || ok && got != host(want) {
		t.Errorf("took %v, %v; want host %d", got, ok, want)
	}
}

func TestPoolOrder(t *testing.T) {
	t.Parallel()
	p, now := newPool(), time.Now()
	later := func(d time.Duration) time.Time { return now.Add(d) }
	if !p.hear(now, host(1), host(2)) || !p.hear(later(1), host(3)) || p.hear(later(2), host(2)) {
		t.Error("news is not what is new")
	}
	taken(t, p, now, 2)
	taken(t, p, now, 3)
	taken(t, p, now, 1)
	taken(t, p, now, -1)
	p.answered(host(1), later(1), false)
	p.answered(host(3), later(2), false)
	if at, ok := p.due(); !ok || at != later(1+refusedAgain) {
		t.Errorf("due at %v, %v", at, ok)
	}
	taken(t, p, later(refusedAgain), -1)
	taken(t, p, later(1+refusedAgain), 1)
	p.answered(host(1), later(3), true) // linked: busy, and named to others
	taken(t, p, later(2*refusedAgain), 3)
	taken(t, p, later(10*refusedAgain), -1)
	if fresh := p.fresh(later(4)); len(fresh) != 2 || fresh[0] != host(1) || fresh[1] != host(3) {
		t.Errorf("fresh: %v", fresh)
	}
	if fresh := p.fresh(later(2 + freshFor)); len(fresh) != 1 || fresh[0] != host(1) {
		t.Errorf("an hour later: %v", fresh)
	}
	if _, ok := p.due(); ok {
		t.Error("a busy host is due")
	}
	p.release(host(2), later(5))
	taken(t, p, later(4+refusedAgain), -1)
	taken(t, p, later(5+refusedAgain), 2)
}

func TestPoolForgetsHostsThatFail(t *testing.T) {
	t.Parallel()
	p, now := newPool(), time.Now()
	p.hear(now, host(1))
	for i, wait := range []time.Duration{failedAgain, 2 * failedAgain, -1} {
		taken(t, p, now, 1)
		if forgotten := p.failed(host(1), now); forgotten != (wait < 0) {
			t.Errorf("failure %d: forgotten %v", i+1, forgotten)
		}
		taken(t, p, now.Add(wait-1), -1)
		now = now.Add(wait)
	}
	if p.failed(host(1), now) || len(p.hosts) > 0 {
		t.Error("it is still there")
	}
}

func TestPoolIsBounded(t *testing.T) {
	t.Parallel()
	p, now := newPool(), time.Now()
	for i := range 3 {
		p.hear(now, host(i))
		taken(t, p, now, i)
	}
	p.answered(host(0), now, false)
	p.answered(host(1), now, true)
	for i := 3; i < 2*maxPool; i++ {
		p.hear(now.Add(time.Duration(i)), host(i))
	}
	if len(p.hosts) != maxPool {
		t.Errorf("%d hosts", len(p.hosts))
	}
	for i := range 3 { // one that answered, one that is linked, one that is being dialled
		if p.hosts[host(i)] == nil {
			t.Errorf("host %d went before those that never answered", i)
		}
	}
	if p.hosts[host(3)] != nil || p.hosts[host(2*maxPool-1)] == nil {
		t.Error("not those of which nobody spoke for longest went")
	}
}

func TestMayReach(t *testing.T) {
	t.Parallel()
	six := netip.MustParseAddr("2a00:1::2")
	for own, hosts := range map[string]map[string]bool{
		"198.18.0.1:6346": { // stands for a public address
			"8.8.8.8:6346": true, "[2a00:1::1]:6346": true, "[2a00:1::2]:6346": false, "8.8.8.8:80": false, "10.0.0.1:6346": false, "127.0.0.1:6346": false,
			"0.0.0.0:6346": false, "224.0.0.1:6346": false, "255.255.255.255:6346": false, "198.18.0.1:6346": false,
			"169.254.1.1:6346": false, "[fe80::1]:6346": false, "[fd00::1]:6346": false, "198.18.0.1:6347": true, "8.8.8.8:0": false,
		},
		"[2a00:1::3]:6346": {"[2a00:1::1]:6346": true, "8.8.8.8:6346": false},
		"192.168.1.2:6346": {"8.8.8.8:6346": true, "10.0.0.1:6346": true, "127.0.0.1:6346": false},
		"127.20.0.1:6346":  {"127.20.0.2:6346": true, "8.8.8.8:6346": false, "10.0.0.1:6346": false, "[::1]:6346": false},
	} {
		c := Config{Addr: netip.MustParseAddrPort(own), Role: Ultrapeer}
		if own == "198.18.0.1:6346" {
			c.Addr6 = netip.AddrPortFrom(six, c.Addr.Port())
		}
		n, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		for h, want := range hosts {
			if got := n.mayReach(netip.MustParseAddrPort(h)); got != want {
				t.Errorf("%s dials %s: %v", own, h, got)
			}
		}
	}
}
