package servent

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/handshake"
	"gnucensus/servent/library"
	"gnucensus/servent/message"
)

// TestReach compares with the published numbers of hosts that a query reaches.
func TestReach(t *testing.T) {
	t.Parallel()
	for degree, want := range map[int][5]float64{
		6: {1, 6, 31, 156, 781}, 8: {1, 8, 57, 400, 2801}, 16: {1, 16, 241, 3616, 54241}, 32: {1, 32, 993, 30784, 954305},
	} {
		for i, hosts := range want {
			if got := reach(degree, uint8(i+1)); got != hosts {
				t.Errorf("degree %d, TTL %d: %v hosts, want %v", degree, i+1, got, hosts)
			}
		}
	}
	for _, c := range []struct {
		want   float64
		degree int
		most   uint8
		ttl    uint8
	}{
		{0, 32, 4, 1}, {1, 32, 4, 1}, {2, 32, 4, 2}, {993, 32, 4, 3}, {994, 32, 3, 3}, {5476, 32, 4, 4}, {1e9, 32, 4, 4}, {10, 1, 4, 4},
	} {
		if got := fittingTTL(c.want, c.degree, c.most); got != c.ttl {
			t.Errorf("%v hosts with degree %d: TTL %d, want %d", c.want, c.degree, got, c.ttl)
		}
	}
}

// copies returns how many copies of a query the players have got since, by TTL.
func (r *rig) copies(id message.GUID, players []*player) (seen map[uint8]int) {
	seen = make(map[uint8]int)
	for _, p := range players {
		for _, ttl := range p.queried(id) {
			seen[ttl]++
		}
	}
	return seen
}

// several links so many neighbours of one kind.
func (r *rig) several(n int, role Role, theirs handshake.Fields) (players []*player) {
	for range n {
		players = append(players, r.plays(role, theirs))
	}
	return players
}

// TestDynamicQuery follows a query through its phases: own files and leaves, probes, and then one neighbour after another.
func TestDynamicQuery(t *testing.T) {
	t.Parallel()
	const hop = defaultHopWait
	inRig(t, func(r *rig) {
		asker, holder := r.plays(Leaf, modern), r.plays(Leaf, modern)
		holder.has("shared thing.txt")
		matching, others := r.several(5, Ultrapeer, modern), r.several(3, Ultrapeer, modern)
		all := append(matching, others...)
		for i, p := range all {
			p.has([]string{"shared file.txt", "another one.txt"}[i/5])
		}
		id := asker.asks("shared", 4, 0)
		if hits, _ := heard[*message.QueryHit](asker); len(hits) != 1 || len(holder.queried(id)) != 1 {
			t.Errorf("%d hits of the node itself", len(hits))
		}
		for _, phase := range []struct {
			name string
			wait time.Duration
			want map[uint8]int // copies by TTL that come after the wait
		}{
			{"leaves", 0, map[uint8]int{}},
			{"probes", hop + time.Second, map[uint8]int{1: probes}},
			{"first step", 2 * hop, map[uint8]int{3: 1}}, // one result among four ultrapeers: there may be fifty among 200
		} {
			time.Sleep(phase.wait)
			if diff := cmp.Diff(phase.want, r.copies(id, all)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", phase.name, diff)
			}
		}
		time.Sleep(queryLife)
		seen := r.copies(id, all)
		total := 0
		for _, n := range seen {
			total += n
		}
		if seen[3] == 0 || total != len(all)-1 {
			t.Errorf("afterwards came %v", seen)
		}
		if stats := r.Stats(); stats.Askings != 0 {
			t.Errorf("%d queries are still under way", stats.Askings)
		}
	})
}

// TestNobodyGetsCopies: a neighbour that does not say that it relays a query again, with a larger TTL, is asked once.
func TestNobodyGetsCopies(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		var all []*player
		for range 3 {
			p := r.plays(Ultrapeer, handshake.Fields{{Name: "X-Dynamic-Querying", Value: "0.1"}, {Name: "X-Max-TTL", Value: "4"}})
			p.has("shared file.txt")
			all = append(all, p)
		}
		asker := r.plays(Leaf, modern)
		id := asker.asks("shared", 4, 0)
		time.Sleep(queryLife)
		for i, p := range all {
			if got := p.queried(id); len(got) != 1 || got[0] != 1 {
				t.Errorf("neighbour %d got copies with TTLs %v", i, got)
			}
		}
	}, func(c *Config) {
		files := make([]library.File, defaultResults/leafPart-1) // nearly enough, so that a step need not go far
		for i := range files {
			files[i].Name = "shared file.txt"
		}
		c.Library = library.New(files)
	})
}

// TestDynamicQueryEnds: when it has found enough, when the leaf says so, when the leaf goes, when the leaf asks too much.
func TestDynamicQueryEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(leaf, up *player, id message.GUID){
		"enough": func(_, up *player, id message.GUID) {
			up.hits(id, 25)
			up.hits(id, 25)
		},
		"stopped": func(leaf, _ *player, id message.GUID) {
			leaf.says(message.Message{GUID: id, TTL: 1, Body: (&message.QueryStatus{Results: message.QueryStop}).Vendor()})
		},
		"enough by other ways": func(leaf, _ *player, id message.GUID) {
			leaf.says(message.Message{GUID: id, TTL: 1, Body: (&message.QueryStatus{Results: 150}).Vendor()})
		},
		"gone": func(leaf, _ *player, _ message.GUID) { leaf.Close() },
		"too many": func(leaf, _ *player, _ message.GUID) {
			for i := range leafQueries {
				leaf.asks(fmt.Sprint("another ", i), 4, 0)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inRig(t, func(r *rig) {
				leaf := r.plays(Leaf, modern)
				ups := r.several(8, Ultrapeer, modern)
				id := leaf.asks("apple", 4, 0)
				first := -1
				for i, p := range ups {
					if len(p.queried(id)) > 0 {
						first = i
					}
				}
				if first < 0 {
					t.Fatal("nobody was asked")
				}
				end(leaf, ups[first], id)
				time.Sleep(queryLife)
				if got := r.copies(id, ups); len(got) > 0 {
					t.Errorf("copies went on to be sent: %v", got)
				}
				if name == "enough" {
					ups[first].hits(id, 1) // late
					if hits, _ := heard[*message.QueryHit](leaf); len(hits) != 3 {
						t.Errorf("the leaf has %d hits", len(hits))
					}
				}
			})
		})
	}
}

// TestLeafStatus: a leaf is asked how many results it has, waited for, and not asked any more when it does not answer.
func TestLeafStatus(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		leaf := r.plays(Leaf, modern)
		leaf.supports(message.SupportedMessage{Vendor: message.BEAR, Selector: 11, Version: 1})
		ups := r.several(30, Ultrapeer, modern)
		id := leaf.asks("apple", 4, 0)
		time.Sleep(2 * defaultHopWait)
		ups[0].hits(id, statusResults)
		asked := func() (times int) {
			requests, about := told[*message.QueryStatusRequest](leaf)
			for _, a := range about {
				if a != id {
					t.Errorf("asked about %v", a)
				}
			}
			return len(requests)
		}
		time.Sleep(3 * 3 * defaultHopWait)
		if asked() != 1 {
			t.Error("after three steps the leaf is not asked")
		}
		before := r.copies(id, ups)
		time.Sleep(statusWait*defaultHopWait - 9*defaultHopWait)
		if got := r.copies(id, ups); len(got) > 0 {
			t.Errorf("before its answer %v copies are sent, after %v", got, before)
		}
		leaf.says(message.Message{GUID: id, TTL: 1, Body: (&message.QueryStatus{Results: 30}).Vendor()})
		time.Sleep(time.Second)
		if got := r.copies(id, ups); len(got) == 0 {
			t.Error("after its answer no copies are sent")
		}
		if a := r.askings.find(id); a == nil || a.kept() != 30/reporters {
			t.Errorf("the node counts %+v", a)
		}
		ups[0].hits(id, statusResults)
		time.Sleep(queryLife)
		if got := asked(); got != statusMisses {
			t.Errorf("a leaf that says nothing more was asked %d times", got)
		}
	})
}

// TestDynamicQueryPassesBusyNeighbours: those who want no queries, or do not read what they get.
func TestDynamicQueryPassesBusyNeighbours(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		leaf := r.plays(Leaf, modern)
		busy, free := r.plays(Ultrapeer, modern), r.plays(Ultrapeer, nil)
		busy.says(message.Message{TTL: 1, Body: (&message.HopsFlow{}).Vendor()})
		synctest.Wait()
		id := leaf.asks("apple", 4, 0)
		time.Sleep(queryLife)
		if diff := cmp.Diff([]uint8{3}, free.queried(id)); diff != "" || len(busy.queried(id)) > 0 {
			t.Errorf("a free neighbour got (-want +got):\n%s", diff)
		}
	})
}

// TestPlainUltrapeerFloods: one that does not know dynamic querying sends a leaf's query to all.
func TestPlainUltrapeerFloods(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		leaf, holder, up := r.plays(Leaf, modern), r.plays(Leaf, modern), r.plays(Ultrapeer, modern)
		holder.has("apple")
		id := leaf.asks("apple", 3, 0)
		if len(holder.queried(id)) != 1 || cmp.Diff([]uint8{2}, up.queried(id)) != "" {
			t.Error("the query does not go everywhere at once")
		}
		if vendors, _ := heard[*message.Vendor](up); len(vendors) > 0 {
			t.Errorf("it sends vendor messages: %+v", vendors)
		}
	}, func(c *Config) { c.Dialect = Plain })
}

// searching runs a search of the node and collects its hits.
func (r *rig) searching(words string) (hits *[]Hit, stop func()) {
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan struct{})
	hits = new([]Hit)
	go func() {
		defer close(done)
		for h := range r.Search(ctx, message.Query{Words: words}) {
			*hits = append(*hits, h)
		}
	}()
	synctest.Wait()
	return hits, func() { cancel(); <-done }
}

// TestSearchAsLeaf: all ultrapeers are asked, told of the results, and told when nobody wants more.
func TestSearchAsLeaf(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		ups := r.several(3, Ultrapeer, modern)
		old := r.plays(Ultrapeer, nil)
		for _, p := range ups {
			p.supports(message.SupportedMessage{Vendor: message.BEAR, Selector: 12, Version: 1})
		}
		synctest.Wait()
		hits, stop := r.searching("apple")
		queries, messages := heard[*message.Query](ups[0])
		if len(queries) != 1 || queries[0].Flags != message.QueryMark|message.QueryGuided || messages[0].TTL != maxTTL {
			t.Fatalf("the ultrapeer got %+v", messages)
		}
		id := messages[0].GUID
		if len(old.queried(id)) != 1 {
			t.Error("an old ultrapeer is not asked")
		}
		time.Sleep(time.Second)
		ups[0].hits(id, 9)
		ups[1].hits(id, 3)
		ups[2].hits(message.NewGUID(), 50)
		if len(*hits) != 2 || (*hits)[1].Hops != 1 || (*hits)[1].Delay != time.Second || (*hits)[1].Responder != ups[1].peer.addr {
			t.Errorf("hits %+v", *hits)
		}
		ups[2].says(message.Message{GUID: id, TTL: 1, Body: (&message.QueryStatusRequest{}).Vendor()})
		synctest.Wait()
		stop()
		for i, want := range [][]uint16{{12, message.QueryStop}, {12, message.QueryStop}, {12, 12, message.QueryStop}} {
			status, about := told[*message.QueryStatus](ups[i])
			var got []uint16
			for j, s := range status {
				got = append(got, s.Results)
				if about[j] != id {
					t.Errorf("a status of %v", about[j])
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ultrapeer %d is told (-want +got):\n%s", i, diff)
			}
		}
		if status, _ := told[*message.QueryStatus](old); len(status) > 0 {
			t.Error("an old ultrapeer is told what it does not read")
		}
	}, func(c *Config) { c.Role, c.Slots.Leaves = Leaf, 0 })
}

// TestSearchAsUltrapeer queries dynamically, for more results than a leaf gets.
func TestSearchAsUltrapeer(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		leaf := r.plays(Leaf, modern)
		leaf.has("red apple.txt")
		ups := r.several(8, Ultrapeer, modern)
		hits, stop := r.searching("apple")
		defer stop()
		_, messages := heard[*message.Query](leaf)
		if len(messages) != 1 {
			t.Fatal("the leaf is not asked")
		}
		id := messages[0].GUID
		leaf.hits(id, defaultResults-2)
		time.Sleep(queryLife)
		if got := r.copies(id, ups); got[1] != len(ups) || got[3]+got[4] > 0 { // almost enough: a little more will do
			t.Errorf("ultrapeers got %v", got)
		}
		ups[0].hits(id, 2)
		if len(*hits) != 2 {
			t.Errorf("%d hits", len(*hits))
		}
		if r.Stats().Askings != 1 {
			t.Error("the search does not go on for late hits")
		}
	})
}
