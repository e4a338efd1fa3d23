package servent

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"

	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// TestOutsideAddress: a node behind a router tells the address at which hosts of several networks see it, in PONGs, hits,
// handshakes and out-of-band queries; nobody is believed alone.
func TestOutsideAddress(t *testing.T) {
	t.Parallel()
	const private, public = "192.168.7.7:6346", "203.0.113.5:6346"
	for name, c := range map[string]struct {
		at    string
		votes [][2]string // remote address, Remote-IP
		want  string
	}{
		"nobody says":           {private, nil, private},
		"three networks agree":  {private, [][2]string{{"11.1.0.1", "203.0.113.5"}, {"11.2.0.1", "203.0.113.5"}, {"11.3.0.1", "203.0.113.5"}}, public},
		"one network":           {private, [][2]string{{"11.1.0.1", "203.0.113.5"}, {"11.1.2.1", "203.0.113.5"}, {"11.1.3.1", "203.0.113.5"}}, private},
		"they do not agree":     {private, [][2]string{{"11.1.0.1", "203.0.113.5"}, {"11.2.0.1", "203.0.113.6"}, {"11.3.0.1", "203.0.113.5"}}, private},
		"one of four disagrees": {private, [][2]string{{"11.1.0.1", "203.0.113.5"}, {"11.2.0.1", "203.0.113.6"}, {"11.3.0.1", "203.0.113.5"}, {"11.4.0.1", "203.0.113.5"}}, public},
		"of the own network":    {private, [][2]string{{"192.168.7.1", "203.0.113.5"}, {"10.2.0.1", "203.0.113.5"}, {"172.16.0.1", "203.0.113.5"}}, private},
		"no address of a host":  {private, [][2]string{{"11.1.0.1", "10.0.0.1"}, {"11.2.0.1", "10.0.0.1"}, {"11.3.0.1", "10.0.0.1"}}, private},
		"another family":        {private, [][2]string{{"11.1.0.1", "2001:db8::1"}, {"11.2.0.1", "2001:db8::1"}, {"11.3.0.1", "2001:db8::1"}}, private},
		"not private":           {"198.51.100.7:6346", [][2]string{{"11.1.0.1", "203.0.113.5"}, {"11.2.0.1", "203.0.113.5"}, {"11.3.0.1", "203.0.113.5"}}, "198.51.100.7:6346"},
		"nonsense":              {private, [][2]string{{"11.1.0.1", "here"}, {"11.2.0.1", ""}, {"11.3.0.1", "::"}}, private},
	} {
		inRig(t, func(r *rig) {
			var last *player
			for _, vote := range c.votes {
				last = r.playsFrom(vote[0], append(slices.Clone(modern), handshake.Field{Name: "Remote-IP", Value: vote[1]}))
			}
			if last == nil {
				last = r.playsFrom("11.9.0.1", modern)
			}
			want := netip.MustParseAddrPort(c.want)
			if r.Addr() != want {
				t.Fatalf("%s: %v, want %v", name, r.Addr(), want)
			}
			last.says(message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}})
			if pongs, _ := heard[*message.Pong](last); len(pongs) != 1 || pongs[0].Addr != want {
				t.Errorf("%s: PONGs %+v", name, pongs)
			}
			last.asks("shared", 3, 1)
			if hits, _ := heard[*message.QueryHit](last); len(hits) != 1 || hits[0].Addr != want {
				t.Errorf("%s: hits %+v", name, hits)
			}
			hello := r.hello(netip.MustParseAddrPort("11.9.0.2:6346"), Ultrapeer, false)
			if got := hello.Get("Node"); got != c.want {
				t.Errorf("%s: hello with Node %q", name, got)
			}
			a := r.ownAsking(message.Query{Flags: message.QueryOOB, Words: "far"}, nil)
			if a.message.GUID.ReplyTo() != want || !r.isOwn(want) || !r.isOwn(r.cfg.Addr) {
				t.Errorf("%s: hits are asked for at %v", name, a.message.GUID.ReplyTo())
			}
			synctest.Wait()
		}, func(cfg *Config) { cfg.Addr = netip.MustParseAddrPort(c.at) })
	}
}

// TestOutsideChanges: what was said last counts, of a bounded number of networks.
func TestOutsideChanges(t *testing.T) {
	t.Parallel()
	var o outside
	from := func(i int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("11.%d.0.1", i)) }
	old, now := netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("203.0.113.6")
	for i := range 2 * votesKept {
		o.hear(from(i), old)
	}
	if o.agreed != old || len(o.votes) != votesKept {
		t.Errorf("%v of %d votes", o.agreed, len(o.votes))
	}
	for i := range votesKept/2 + 1 {
		agreed, changed := o.hear(from(100+i), now)
		if changed != (i == votesKept/2) || changed && agreed != now {
			t.Errorf("after %d hosts: %v, changed %v", i+1, agreed, changed)
		}
	}
}
