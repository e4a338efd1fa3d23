package servent

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
	"gnucensus/servent/qrp"
)

// TestQueriesGoWhereTheyMayMatch: to leaves by their table, to ultrapeers whatever comes but for the last hop.
func TestQueriesGoWhereTheyMayMatch(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		from := r.plays(Ultrapeer, modern)
		match, other, ignorant := r.plays(Leaf, modern), r.plays(Leaf, modern), r.plays(Leaf, modern)
		match.has("red apple.txt")
		other.has("green apple.txt")
		near, far, plain := r.plays(Ultrapeer, modern), r.plays(Ultrapeer, modern), r.plays(Ultrapeer, nil)
		near.has("red apple.txt")
		far.has("nothing of that")
		for _, c := range []struct {
			ttl, hops                                uint8
			match, other, ignorant, near, far, plain []uint8
		}{
			{1, 0, []uint8{1}, nil, nil, nil, nil, nil},                      // it ends here, and at the leaves
			{2, 0, []uint8{1}, nil, nil, []uint8{1}, nil, []uint8{1}},        // its last hop
			{4, 0, []uint8{3}, nil, nil, []uint8{3}, []uint8{3}, []uint8{3}}, // it goes on
			{7, 0, []uint8{3}, nil, nil, []uint8{3}, []uint8{3}, []uint8{3}}, // as far as is good
			{4, 2, []uint8{1}, nil, nil, []uint8{1}, nil, []uint8{1}},        // it has come far
			{4, 6, []uint8{1}, nil, nil, nil, nil, nil},                      // too far
		} {
			id := from.asks("apple red", c.ttl, c.hops)
			for _, p := range []struct {
				name string
				*player
				want []uint8
			}{
				{"match", match, c.match}, {"other", other, c.other}, {"ignorant", ignorant, c.ignorant},
				{"near", near, c.near}, {"far", far, c.far}, {"plain", plain, c.plain}, {"asker", from, nil},
			} {
				if diff := cmp.Diff(p.want, p.queried(id)); diff != "" {
					t.Errorf("TTL %d, hops %d, %s (-want +got):\n%s", c.ttl, c.hops, p.name, diff)
				}
			}
		}
	})
}

// TestNeighboursLimitQueries: by X-Max-TTL, and by hops flow.
func TestNeighboursLimitQueries(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		from := r.plays(Ultrapeer, modern)
		short := r.plays(Ultrapeer, append(modern[:len(modern)-1:len(modern)-1], modern[len(modern)-1]))
		short.peer.can.maxTTL = 2
		leaf := r.plays(Leaf, modern)
		leaf.has("apple")
		flow := func(p *player, hops uint8) {
			p.says(message.Message{TTL: 1, Body: (&message.HopsFlow{Hops: hops}).Vendor()})
		}
		for _, c := range []struct {
			flow      int // -1: nothing is said
			hops      uint8
			short     []uint8
			leafHears bool
		}{{-1, 0, []uint8{2}, true}, {0, 0, nil, false}, {2, 0, []uint8{2}, true}, {2, 1, nil, false}, {255, 1, []uint8{2}, true}} {
			if c.flow >= 0 {
				flow(short, uint8(c.flow))
				flow(leaf, uint8(c.flow))
				synctest.Wait()
			}
			id := from.asks("apple", 4, c.hops)
			if diff := cmp.Diff(c.short, short.queried(id)); diff != "" {
				t.Errorf("flow %d, hops %d (-want +got):\n%s", c.flow, c.hops, diff)
			}
			if got := len(leaf.queried(id)) > 0; got != c.leafHears {
				t.Errorf("flow %d, hops %d: the leaf hears it: %v", c.flow, c.hops, got)
			}
		}
	})
}

// TestTables: a leaf tells its ultrapeers what it has, an ultrapeer its neighbours what it and its leaves have, and both again
// what changed.
func TestTables(t *testing.T) {
	t.Parallel()
	// told applies what came to what the player knows.
	told := func(p *player, table *qrp.Receiver) (resets int) {
		for _, m := range p.all() {
			switch body := m.Body.(type) {
			case *message.Reset:
				resets++
				if err := table.Reset(body.Slots); err != nil {
					t.Error(err)
				}
			case *message.Patch:
				if _, err := table.Patch(qrp.Patch(*body)); err != nil {
					t.Error(err)
				}
			}
		}
		return resets
	}
	matches := func(table *qrp.Receiver, words string) bool {
		return table.Table() != nil && table.Table().Match(qrp.KeyOf(words))
	}
	inRig(t, func(r *rig) {
		up, plain := r.plays(Ultrapeer, modern), r.plays(Leaf, modern)
		var table, none qrp.Receiver
		if told(up, &table) != 1 || !matches(&table, "shared") || matches(&table, "red apple") {
			t.Errorf("table of %d slots", table.Table().Count())
		}
		leaf := r.plays(Leaf, modern)
		leaf.has("red apple.txt")
		if told(up, &table); matches(&table, "red apple") {
			t.Error("a change is told at once")
		}
		if due := r.Links()[0]; !due.TableDue || due.TableReceived != -1 || due.TableSent != table.Table().Count() {
			t.Errorf("while a change is due: %+v", due)
		}
		time.Sleep(defaultTableWait)
		if resets := told(up, &table); resets != 0 || !matches(&table, "red apple") || !matches(&table, "shared file") {
			t.Errorf("after a change: %d RESETs, %d slots", resets, table.Table().Count())
		}
		late := r.plays(Ultrapeer, modern)
		if told(late, &none) != 1 || !none.Table().Equal(table.Table()) {
			t.Error("a new neighbour has another table")
		}
		leaf.Close()
		time.Sleep(defaultTableWait)
		if told(up, &table); matches(&table, "red apple") {
			t.Error("the table of a leaf that has gone is still told")
		}
		if told(plain, &none) != 0 {
			t.Error("a leaf is told the table")
		}
	})
	inRig(t, func(r *rig) {
		var table, none qrp.Receiver
		if told(r.plays(Ultrapeer, modern), &table) != 1 || !matches(&table, "shared") {
			t.Error("the leaf does not tell what it has")
		}
		if told(r.plays(Ultrapeer, nil), &none) != 0 {
			t.Error("it tells who does not route")
		}
	}, func(c *Config) { c.Role, c.Slots.Leaves = Leaf, 0 })
}

// TestWrongTables: who tells no table that can be is told goodbye.
func TestWrongTables(t *testing.T) {
	t.Parallel()
	patch := func(number, count uint8, data int) message.Body {
		return &message.Patch{Number: number, Count: count, EntryBits: 4, Data: make([]byte, data)}
	}
	for name, says := range map[string][]message.Body{
		"patch before reset":   {patch(1, 1, 8)},
		"no power of two":      {&message.Reset{Slots: 1000, Infinity: 7}},
		"too large":            {&message.Reset{Slots: 1 << 30, Infinity: 7}},
		"sequence from two":    {&message.Reset{Slots: 16, Infinity: 7}, patch(2, 2, 4)},
		"sequence with a gap":  {&message.Reset{Slots: 16, Infinity: 7}, patch(1, 3, 4), patch(3, 3, 4)},
		"sequence that grows":  {&message.Reset{Slots: 16, Infinity: 7}, patch(1, 2, 4), patch(2, 3, 4)},
		"too little":           {&message.Reset{Slots: 16, Infinity: 7}, patch(1, 1, 7)},
		"too much":             {&message.Reset{Slots: 16, Infinity: 7}, patch(1, 1, 4000)},
		"another one meantime": {&message.Reset{Slots: 16, Infinity: 7}, patch(1, 2, 4), patch(1, 1, 8)},
	} {
		for _, role := range []Role{Leaf, Ultrapeer} {
			t.Run(name+" of "+string(role), func(t *testing.T) {
				t.Parallel()
				inRig(t, func(r *rig) {
					good, bad := r.plays(Leaf, modern), r.plays(role, modern)
					for _, body := range says {
						bad.says(message.Message{TTL: 1, Body: body})
					}
					bad.parted(413)
					good.stays()
				})
			})
		}
	}
}

// TestBadQueriesEndLinks: too many with a TTL that is forbidden, or repeated.
func TestBadQueriesEndLinks(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		good, far, bad := r.plays(Ultrapeer, modern), r.plays(Ultrapeer, modern), r.plays(Ultrapeer, modern)
		for range 2 * mostExcessive {
			far.asks("apple", 15, 3) // of somebody behind it
		}
		far.stays()
		for range mostExcessive {
			bad.asks("apple", 15, 1)
		}
		bad.stays()
		bad.asks("apple", 15, 1)
		bad.parted(403)
		if queries, _ := heard[*message.Query](good); len(queries) > 0 {
			t.Errorf("%d such queries were relayed", len(queries))
		}
		good.stays()
	})
	inRig(t, func(r *rig) {
		good, mesh, bad := r.plays(Ultrapeer, modern), r.plays(Ultrapeer, modern), r.plays(Ultrapeer, modern)
		id := good.asks("apple", 3, 0)
		for range 100 { // others' queries come by many ways
			mesh.says(query(id, "apple", 3, 1))
		}
		mesh.stays()
		if got := mesh.peer.duplicates.Load(); got != 100 {
			t.Errorf("%d duplicates are counted", got)
		}
		id = bad.asks("apple", 3, 0)
		for range fewRepeats - 1 {
			bad.says(query(id, "apple", 3, 0))
		}
		bad.stays()
		bad.says(query(id, "apple", 3, 0))
		bad.parted(401)
		if got := len(good.queried(id)); got != 1 {
			t.Errorf("%d copies were relayed", got)
		}
		good.stays()
	})
}

// TestQueriesAtTheirEnd: a leaf answers a query whose TTL has come to 0, as LimeWire sends them to leaves; an ultrapeer does not.
func TestQueriesAtTheirEnd(t *testing.T) {
	t.Parallel()
	for role, want := range map[Role]int{Leaf: 1, Ultrapeer: 0} {
		inRig(t, func(r *rig) {
			p := r.plays(Ultrapeer, modern)
			p.asks("shared", 0, 3)
			if hits, _ := heard[*message.QueryHit](p); len(hits) != want {
				t.Errorf("%s: %d hits", role, len(hits))
			}
		}, func(c *Config) { c.Role, c.Slots.Leaves = role, 0 })
	}
}

// TestLongQueries: what LimeWire cuts from the words of a query is looked for too, here and in the tables of leaves.
func TestLongQueries(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		asker, holder := r.plays(Ultrapeer, modern), r.plays(Leaf, modern)
		holder.has("shared file.txt")
		for _, c := range []struct {
			words, long string
			found       int
		}{
			{"shared fi", "shared file", 1}, {"shared fi", "le txt", 1}, {"shared", "", 1}, {"shared", "shared elsewhere", 0},
		} {
			q := query(message.NewGUID(), c.words, 3, 0)
			if !extend(q.Body.(*message.Query), ggep.XQ(c.long)) {
				t.Fatal("no room")
			}
			asker.says(q)
			hits, _ := heard[*message.QueryHit](asker)
			if len(hits) != c.found || len(holder.queried(q.GUID)) != c.found {
				t.Errorf("%q, %q: %d hits, want %d", c.words, c.long, len(hits), c.found)
			}
		}
	})
}

// TestLeafAsksForOthers: the query of a leaf that would have hits sent to somebody else is dropped, be it by the flag that all heed
// or by what LimeWire heeds.
func TestLeafAsksForOthers(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		four, six := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::7")
		up := r.plays(Ultrapeer, modern)
		leaves := make(map[netip.Addr]*player)
		for _, from := range []netip.Addr{four, six} {
			leaves[from] = r.meets(Leaf, netip.AddrPortFrom(from, 1), modern)
			leaves[from].reads()
		}
		for _, c := range []struct {
			from   netip.Addr
			to     string
			flags  uint16
			blocks []ggep.Block
			passes bool
		}{
			{four, "203.0.113.7:7777", message.QueryOOB, []ggep.Block{ggep.SO(nil)}, true},
			{four, "203.0.113.8:6346", message.QueryOOB, nil, false},
			{four, "203.0.113.8:6346", 0, []ggep.Block{ggep.SO(nil)}, false},
			{four, "203.0.113.8:6346", 0, nil, true},
			{six, "[2001:db8::7]:6346", message.QueryOOB, []ggep.Block{ggep.IPv6(six)}, true},
			{six, "[2001:db8::7]:6346", message.QueryOOB, nil, false},
			{six, "[2001:db8::7]:6346", message.QueryOOB, []ggep.Block{ggep.IPv6(netip.MustParseAddr("2001:db8::8"))}, false},
		} {
			q := query(message.NewGUIDFor(netip.MustParseAddrPort(c.to)), "apple", 3, 0)
			q.Body.(*message.Query).Flags |= c.flags
			if !extend(q.Body.(*message.Query), c.blocks...) {
				t.Fatal("no room")
			}
			leaves[c.from].says(q)
			time.Sleep(defaultHopWait)
			if got := len(up.queried(q.GUID)) == 1; got != c.passes {
				t.Errorf("hits at %s, flags %#x, %v: passes %t", c.to, c.flags, c.blocks, got)
			}
		}
	})
}

// TestLeavesMaySpeakOfOthers in PONGs, as small clients do, and in nothing else.
func TestLeavesMaySpeakOfOthers(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		leaf := r.plays(Leaf, modern)
		leaf.says(message.Message{GUID: message.NewGUID(), Hops: 1, Body: &message.Pong{Addr: leaf.peer.addr}})
		leaf.stays()
		leaf.asks("apple", 3, 1)
		leaf.parted(414)
	})
}

// TestNothingGoesByTheZeroGUID: it means nobody.
func TestNothingGoesByTheZeroGUID(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		from, to := r.plays(Ultrapeer, modern), r.plays(Ultrapeer, modern)
		from.says(query(message.GUID{}, "shared", 3, 0))
		if len(to.queried(message.GUID{})) > 0 {
			t.Error("a query without a GUID was relayed")
		}
		if hits, _ := heard[*message.QueryHit](from); len(hits) > 0 {
			t.Error("a query without a GUID was answered")
		}
	})
}
