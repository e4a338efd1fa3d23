package servent

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/message"
)

// TestHitsGoBack: to whom the query came from and to nobody else, and not in our own name.
func TestHitsGoBack(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		leaf, up, to, other := r.plays(Leaf, modern), r.plays(Ultrapeer, modern), r.plays(Ultrapeer, modern), r.plays(Leaf, modern)
		own := message.NewGUID()
		for _, c := range []struct {
			from      *player
			ttl, hops uint8
			servent   message.GUID
			want      []uint8 // TTL of the hit
		}{
			{up, 5, 1, own, []uint8{4}},
			{up, 1, 1, own, nil},                                 // it has no link more to go
			{leaf, 1, 1, own, []uint8{1}},                        // but a leaf is its end
			{leaf, 0, 1, own, []uint8{1}},                        //
			{up, 200, 1, own, []uint8{maxTTL + hitExtraTTL - 1}}, // no more than anybody needs
			{up, 5, 255, own, nil},                               // it has come too far
			{up, 5, 1, r.cfg.GUID, nil},                          // forged
			{up, 5, 1, message.GUID{}, []uint8{4}},               // of a browsed host
		} {
			id := c.from.asks("apple", 4, 0)
			to.says(message.Message{GUID: id, TTL: c.ttl, Hops: c.hops, Body: &message.QueryHit{Servent: c.servent}})
			_, hits := heard[*message.QueryHit](c.from)
			var ttls []uint8
			for _, m := range hits {
				ttls = append(ttls, m.TTL)
				if m.GUID != id || m.Hops != c.hops+1 {
					t.Errorf("hit %+v of a query %v", m, id)
				}
			}
			if diff := cmp.Diff(c.want, ttls); diff != "" {
				t.Errorf("TTL %d, hops %d, servent %v (-want +got):\n%s", c.ttl, c.hops, c.servent, diff)
			}
		}
		before := r.Stats().Stray
		to.hits(message.NewGUID(), 1) // of a query that nobody asked
		if got := r.Stats().Stray - before; got != 1 {
			t.Errorf("%d hits went astray, want one", got)
		}
		for _, p := range []*player{leaf, up, to, other} {
			if hits, _ := heard[*message.QueryHit](p); len(hits) > 0 {
				t.Errorf("a %s got %d hits of nobody's query", p.peer.role, len(hits))
			}
			p.stays()
		}
	})
}

// TestPushesFindTheirServent: over the link on which its hits came, and to a leaf only what is for the leaf.
func TestPushesFindTheirServent(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		asker, leaf := r.plays(Ultrapeer, modern), r.plays(Leaf, modern)
		forger, up := r.plays(Ultrapeer, modern), r.plays(Ultrapeer, modern)
		servent := message.NewGUID()
		id := asker.asks("apple", 4, 0)
		for _, p := range []*player{leaf, forger} { // the second one claims what is not its own
			p.says(message.Message{GUID: id, TTL: 5, Body: &message.QueryHit{Servent: servent}})
			synctest.Wait()
		}
		push := func(from *player, id, servent message.GUID, ttl, hops uint8) {
			from.says(message.Message{GUID: id, TTL: ttl, Hops: hops, Body: &message.Push{Servent: servent}})
			synctest.Wait()
		}
		first := message.NewGUID()
		push(up, first, servent, 5, 1)
		push(up, first, servent, 5, 1)                          // a copy
		push(asker, message.NewGUID(), servent, 1, 1)           // it ends here
		push(asker, message.NewGUID(), servent, 12, 12)         // nobody sends such
		push(asker, message.NewGUID(), message.NewGUID(), 5, 1) // to nobody known
		push(leaf, message.NewGUID(), servent, 5, 0)            // back
		if pushes, messages := heard[*message.Push](leaf); len(pushes) != 1 || messages[0].TTL != 4 || messages[0].Hops != 2 {
			t.Errorf("the servent got %+v", messages)
		}
		leaf.Close()
		synctest.Wait()
		id = asker.asks("apple", 4, 0)
		forger.says(message.Message{GUID: id, TTL: 5, Body: &message.QueryHit{Servent: servent}})
		synctest.Wait()
		push(up, message.NewGUID(), servent, 5, 1) // the servent has moved
		if pushes, _ := heard[*message.Push](forger); len(pushes) != 1 {
			t.Errorf("the servent got %d PUSHes at its new place", len(pushes))
		}
		for _, p := range []*player{asker, up} {
			if pushes, _ := heard[*message.Push](p); len(pushes) != 0 {
				t.Errorf("somebody else got %+v", pushes)
			}
		}
	})
}

// says a PONG of another host.
func (p *player) speaksOf(addr string, hops uint8, kib uint32) {
	p.r.t.Helper()
	p.says(message.Message{GUID: message.NewGUID(), TTL: 1, Hops: hops, Body: &message.Pong{
		Addr: netip.MustParseAddrPort(addr), Files: 1, KiB: kib, Tail: []byte{0xc3},
	}})
	synctest.Wait()
}

// pongs asks for hosts and returns those that come, with their hops; the node's own is left out.
func (p *player) pongs(ttl uint8) map[string]uint8 {
	p.r.t.Helper()
	heard[*message.Pong](p)
	p.says(message.Message{GUID: message.NewGUID(), TTL: ttl, Body: &message.Ping{}})
	found := make(map[string]uint8)
	bodies, messages := heard[*message.Pong](p)
	for i, pong := range bodies {
		if pong.Addr != p.r.cfg.Addr {
			found[pong.Addr.String()] = messages[i].Hops
			if len(pong.Tail) > 0 {
				p.r.t.Errorf("the PONG of another host has extensions")
			}
		}
	}
	return found
}

// TestPingsAreAnsweredFromMemory: with what neighbours said of others, if it is not old, not theirs to hear, and not too much.
func TestPingsAreAnsweredFromMemory(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		teller, asker, leaf := r.plays(Ultrapeer, modern), r.plays(Ultrapeer, modern), r.plays(Leaf, modern)
		teller.speaksOf("192.0.2.1:6346", 1, 8)
		teller.speaksOf("192.0.2.2:6346", 3, 9) // a leaf
		want := map[string]uint8{"192.0.2.1:6346": 2, "192.0.2.2:6346": 4}
		if diff := cmp.Diff(want, asker.pongs(3)); diff != "" {
			t.Errorf("an ultrapeer hears (-want +got):\n%s", diff)
		}
		if got := asker.pongs(3); len(got) != 0 {
			t.Errorf("asked at once again, the node tells of %v", got)
		}
		delete(want, "192.0.2.2:6346")
		if diff := cmp.Diff(want, leaf.pongs(3)); diff != "" {
			t.Errorf("a leaf hears (-want +got):\n%s", diff)
		}
		if got := teller.pongs(7); len(got) != 0 {
			t.Errorf("who told hears back %v", got)
		}
		time.Sleep(pongLife)
		if got := asker.pongs(3); len(got) != 0 {
			t.Errorf("what is old is told: %v", got)
		}
		for i := range 3 * pongsKept {
			teller.speaksOf(fmt.Sprintf("192.0.2.%d:6346", i+10), uint8(i%5+1), 8)
		}
		time.Sleep(pingWait)
		if got := asker.pongs(3); len(got) != pongsPerPing || got["192.0.2.10:6346"] != 0 {
			t.Errorf("of many hosts the node tells %v", got)
		}
	})
}

// TestNobodySpeaksForOthers: a PONG that a neighbour gives as its own must be its own, and no leaf tells of others.
func TestNobodySpeaksForOthers(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		liar, honest, leaf := r.plays(Ultrapeer, modern), r.plays(Ultrapeer, modern), r.plays(Leaf, modern)
		for p, addr := range map[*player]netip.AddrPort{liar: netip.MustParseAddrPort("192.0.2.66:80"), honest: honest.peer.addr} {
			_, pings := heard[*message.Ping](p)
			p.says(message.Message{GUID: pings[0].GUID, TTL: 1, Body: &message.Pong{Addr: addr}})
		}
		leaf.speaksOf("192.0.2.67:80", 0, 8)
		liar.speaksOf("0.0.0.0:80", 1, 8)
		liar.speaksOf("192.0.2.68:0", 1, 8)
		liar.speaksOf("224.0.0.1:80", 1, 8)
		liar.speaksOf(r.cfg.Addr.String(), 1, 8)
		for _, ttl := range []uint8{2, 3} {
			asker := r.plays(Leaf, modern)
			want := map[string]uint8{honest.peer.addr.String(): 1}
			if diff := cmp.Diff(want, asker.pongs(ttl)); diff != "" {
				t.Errorf("TTL %d (-want +got):\n%s", ttl, diff)
			}
		}
		liar.stays()
		leaf.stays()
	})
}

// TestNodeAsksForHosts: again and again, of the ultrapeers that answer from memory.
func TestNodeAsksForHosts(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		up, old, leaf := r.plays(Ultrapeer, modern), r.plays(Ultrapeer, nil), r.plays(Leaf, modern)
		time.Sleep(7*discoverAfter + 1)
		for p, want := range map[*player]int{up: 7, old: 0, leaf: 0} {
			_, pings := heard[*message.Ping](p)
			n := 0
			for _, m := range pings {
				if m.TTL > 2 {
					n++
				}
			}
			if n != want {
				t.Errorf("%d PINGs for hosts, want %d", n, want)
			}
		}
	})
}
