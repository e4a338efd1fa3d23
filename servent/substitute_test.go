package servent

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// substituting makes a node one that asks queries of leaves in its own name.
func substituting(c *Config) { c.Substitute = true }

// TestLeafQueriesInOwnName: a leaf's query asks for hits at the node's address, unless the leaf fetches them itself or somebody
// objects.
func TestLeafQueriesInOwnName(t *testing.T) {
	t.Parallel()
	all, old, new := &message.OOBProxyVeto{All: true}, &message.OOBProxyVeto{Version: 2}, &message.OOBProxyVeto{Version: 3}
	for name, c := range map[string]struct {
		veto   *message.OOBProxyVeto
		flags  uint16
		blocks ggep.Blocks
		leave  func(*Config)
		own    bool
	}{
		"a leaf that cannot fetch":    {own: true},
		"firewalled":                  {flags: message.QueryOOB | message.QueryFirewalled | message.QueryGuided, own: true},
		"fetches, and is not guided":  {flags: message.QueryOOB, own: true},
		"fetches, and is guided":      {flags: message.QueryOOB | message.QueryGuided},
		"objects":                     {veto: all},
		"objects to version 2":        {veto: old, own: true},
		"objects to version 3":        {veto: new},
		"objects to this query":       {blocks: ggep.Blocks{ggep.NP()}},
		"with other extensions":       {blocks: ggep.Blocks{ggep.M(4)}, own: true},
		"with an address of IPv6":     {blocks: ggep.Blocks{ggep.IPv6(netip.MustParseAddr("2001:db8::1"))}, own: true},
		"of a node that does not":     {leave: func(c *Config) { c.Substitute = false }},
		"of a node with a firewall":   {leave: func(c *Config) { c.Firewalled = true }},
		"of a node without UDP, IPv6": {leave: func(c *Config) { c.Addr = netip.MustParseAddrPort("[::1]:6346") }},
	} {
		leave := c.leave
		if leave == nil {
			leave = func(*Config) {}
		}
		inRig(t, func(r *rig) {
			leaf, up := r.plays(Leaf, modern), r.plays(Ultrapeer, modern)
			if c.veto != nil {
				leaf.says(message.Message{TTL: 1, Body: c.veto.Vendor()})
			}
			leaf.peer.remote = netip.MustParseAddrPort("192.0.2.1:6346")
			id := message.NewGUIDFor(leaf.peer.remote)
			q := &message.Query{Flags: message.QueryMark | c.flags, Words: "apple"}
			q.Tail, _ = ggep.AppendNULFree(nil, c.blocks...)
			leaf.says(message.Message{GUID: id, TTL: 4, Body: q})
			time.Sleep(3 * defaultHopWait)
			bodies, messages := heard[*message.Query](up)
			if len(bodies) == 0 {
				t.Fatalf("%s: the query is not asked", name)
			}
			asked, at := bodies[0], messages[0].GUID
			_, secure := asked.GGEP().SO()
			own := asked.Flags&message.QueryOOB != 0 && secure && at.ReplyTo() == r.cfg.Addr
			if own != c.own || !own && at != id || own && at.ReplyingTo(id.ReplyTo()) != id {
				t.Errorf("%s: asked as %v, %+v", name, at, asked)
			}
			if addrs := asked.ReplyTo(at); own && len(addrs) != 1 {
				t.Errorf("%s: hits are wanted at %v", name, addrs)
			}
			for _, b := range c.blocks {
				if !asked.GGEP().Has(b.ID) && b.ID != "6" {
					t.Errorf("%s: %s is lost", name, b.ID)
				}
			}
		}, substituting, leave)
	}
}

// TestHitsInOwnName: what answers the node's query reaches the leaf as an answer to its own, whatever the way, and the leaf is
// asked about its own.
func TestHitsInOwnName(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		leaf := r.plays(Leaf, modern)
		leaf.supports(message.SupportedMessage{Vendor: message.BEAR, Selector: 11, Version: 1})
		ups := r.several(5, Ultrapeer, modern)
		id := leaf.asks("apple", 4, 0)
		time.Sleep(2 * defaultHopWait)
		at := id.ReplyingTo(r.cfg.Addr)
		ups[0].hits(at, statusResults)
		if _, messages := heard[*message.QueryHit](leaf); len(messages) != 1 || messages[0].GUID != id {
			t.Fatalf("the leaf got %+v", messages)
		}
		if a := r.askings.find(id); a == nil || a != r.askings.find(at) || a.kept() != statusResults || r.askings.len() != 1 {
			t.Errorf("the node counts %+v", a)
		}
		time.Sleep(3 * 3 * defaultHopWait)
		if _, about := told[*message.QueryStatusRequest](leaf); len(about) != 1 || about[0] != id {
			t.Errorf("asked about %v", about)
		}
		leaf.says(message.Message{GUID: id, TTL: 1, Body: (&message.QueryStatus{Results: message.QueryStop}).Vendor()})
		synctest.Wait()
		if a := r.askings.find(at); a != nil {
			t.Error("the query goes on")
		}
		if claims, enough := r.claimsOf(at); claims == nil || !enough {
			t.Errorf("late hits are fetched: %v", enough)
		}
	}, substituting)
}

// TestQueryInTwoNames: a query that comes twice, with another address in its GUID, is answered once and relayed twice.
func TestQueryInTwoNames(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		from, to := r.plays(Ultrapeer, modern), r.plays(Ultrapeer, modern)
		id := message.NewGUID()
		for _, name := range []string{"192.0.2.1:6346", "192.0.2.2:6347"} {
			from.says(message.Message{GUID: id.ReplyingTo(netip.MustParseAddrPort(name)), TTL: 3,
				Body: &message.Query{Flags: message.QueryMark | message.QueryOOB, Words: "shared"}})
		}
		from.stays()
		hits, _ := heard[*message.QueryHit](from)
		if queries, _ := heard[*message.Query](to); len(hits) != 1 || len(queries) != 2 {
			t.Errorf("%d hits, %d copies", len(hits), len(queries))
		}
	})
}

// TestLeafVetoes: a leaf that can fetch hits itself says so to ultrapeers that read it.
func TestLeafVetoes(t *testing.T) {
	t.Parallel()
	leaf := func(c *Config) { c.Role, c.Slots = Leaf, Slots{Ultrapeers: 3} }
	reads := message.SupportedMessage{Vendor: message.LIME, Selector: 13, Version: 1}
	inRig(t, func(r *rig) {
		up, old := r.plays(Ultrapeer, modern), r.plays(Ultrapeer, modern)
		up.supports(reads)
		old.supports()
		if vetoes, _ := told[*message.OOBProxyVeto](up); len(vetoes) != 1 || !vetoes[0].All {
			t.Errorf("told %+v", vetoes)
		}
		if vetoes, _ := told[*message.OOBProxyVeto](old); len(vetoes) > 0 {
			t.Errorf("told %+v who does not read it", vetoes)
		}
	}, leaf)
	inRig(t, func(r *rig) {
		up := r.plays(Ultrapeer, modern)
		up.supports(reads)
		if vetoes, _ := told[*message.OOBProxyVeto](up); len(vetoes) > 0 {
			t.Errorf("a firewalled leaf told %+v", vetoes)
		}
	}, leaf, func(c *Config) { c.Firewalled = true })
}
