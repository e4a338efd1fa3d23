package servent_test

import (
	"fmt"
	"net/netip"
	"testing"

	"gnucensus/servent"
	"gnucensus/servent/library"
	"gnucensus/servent/message"
)

// chain starts four ultrapeers in a row, each with a leaf; all eight share a file of one name, and the first one shares many
// files of another.
func chain(t *testing.T, prefix string) (first string) {
	t.Helper()
	var hosts, leaves []*running
	for i := range 4 {
		c := ultrapeer(fmt.Sprintf("%s.%d:6346", prefix, i+1))
		files := []library.File{{Name: "common.txt", Size: uint64(i)}}
		if i == 0 {
			for j := range 25 {
				files = append(files, library.File{Name: fmt.Sprintf("series %d.txt", j)})
			}
		} else {
			c.Connect = []netip.AddrPort{addr(fmt.Sprintf("%s.%d:6346", prefix, i))}
		}
		c.Library = library.New(files)
		hosts = append(hosts, run(t, c))
		if i > 0 {
			hosts[i].began(t)
			hosts[i-1].began(t)
		}
		l := leaf(fmt.Sprintf("%s.%d:6346", prefix, i+101))
		l.Library = library.New([]library.File{{Name: "common.txt"}})
		l.Connect = []netip.AddrPort{c.Addr}
		below := run(t, l)
		below.began(t)
		hosts[i].began(t)
		leaves = append(leaves, below)
	}
	settle(t, append(hosts, leaves...)...)
	return prefix + ".1:6346"
}

// search sends a query and collects hits until so many results have come; a PING shows that there are no more of the first
// host's.
func search(t *testing.T, first, words string, flags uint16, ttl uint8, results int) map[string]int {
	t.Helper()
	l := join(t, first)
	id := message.NewGUID()
	query := message.Message{GUID: id, TTL: ttl, Body: &message.Query{Flags: flags, Words: words}}
	l.Send(query)
	l.Send(query) // the copy changes nothing
	hops := make(map[string]int)
	for results > 0 {
		m, hit := next[*message.QueryHit](t, l)
		if m.GUID != id || len(hit.Results) > 10 || m.TTL == 0 {
			t.Errorf("hit %+v in %+v", hit, m)
		}
		hops[hit.Addr.Addr().String()] = int(m.Hops)
		results -= len(hit.Results)
	}
	fence := message.NewGUID()
	l.Send(message.Message{GUID: fence, TTL: 1, Body: &message.Ping{}})
	for {
		m, err := l.Receive(within(t))
		if err != nil {
			t.Fatal(err)
		}
		if hit, ok := m.Body.(*message.QueryHit); ok {
			t.Errorf("a hit too many: %+v", hit)
		}
		if m.GUID == fence {
			return hops
		}
	}
}

func TestQueriesTravelAsFarAsTheirTTL(t *testing.T) {
	t.Parallel()
	first := chain(t, "127.30.30")
	for ttl, results := range map[uint8]int{1: 2, 2: 4, 3: 6, 4: 8, 7: 8} {
		hops := search(t, first, "common", message.QueryMark, ttl, results)
		for host, got := range hops {
			last := netip.MustParseAddr(host).As4()[3]
			want := int(last) - 1 // ultrapeers are in a row
			if last > 100 {
				want = int(last) - 100
			}
			if got != want {
				t.Errorf("TTL %d: hit of %s with %d hops, want %d", ttl, host, got, want)
			}
		}
		if len(hops) != results {
			t.Errorf("TTL %d: hits of %d hosts, want %d", ttl, len(hops), results)
		}
	}
}

// TestCopyThatGoesFurther: a copy with a larger TTL reaches new hosts, and is not answered twice.
func TestCopyThatGoesFurther(t *testing.T) {
	t.Parallel()
	l := join(t, chain(t, "127.30.35"), "X-Ultrapeer", "True")
	id := message.NewGUID()
	hits := make(map[netip.AddrPort]int)
	for _, ttl := range []uint8{1, 3, 2} {
		l.Send(message.Message{GUID: id, TTL: ttl, Body: &message.Query{Flags: message.QueryMark, Words: "common"}})
		for ttl != 2 && len(hits) < 2*int(ttl) {
			_, hit := next[*message.QueryHit](t, l)
			hits[hit.Addr]++
		}
	}
	l.Send(message.Message{GUID: id, TTL: 4, Body: &message.Query{Flags: message.QueryMark, Words: "common"}})
	for len(hits) < 8 {
		_, hit := next[*message.QueryHit](t, l)
		hits[hit.Addr]++
	}
	for addr, n := range hits {
		if n != 1 {
			t.Errorf("%v answered %d times", addr, n)
		}
	}
}

func TestResultsOfOneHost(t *testing.T) {
	t.Parallel()
	first := chain(t, "127.30.31")
	search(t, first, "series", message.QueryMark, 1, 25)
	search(t, first, "series", message.QueryMark|12, 1, 12)
	search(t, first, "series 3", message.QueryMark, 1, 1)
}

func TestBadQueriesAreDropped(t *testing.T) {
	t.Parallel()
	first := chain(t, "127.30.32")
	search(t, first, "common", 0, 4, 0)
	search(t, first, "", message.QueryMark, 4, 0)
	search(t, first, "common\xff", message.QueryMark, 4, 0)
	search(t, first, "common", message.QueryMark, 16, 0)
	search(t, first, "nobody has it", message.QueryMark, 4, 0)
}

func TestVisitorsCannotSearch(t *testing.T) {
	t.Parallel()
	c := ultrapeer("127.30.33.1:6346")
	c.Dialect = servent.Plain
	c.Library = library.New([]library.File{{Name: "common.txt"}})
	run(t, c)
	l := join(t, "127.30.33.1:6346", "Crawler", "0.1")
	l.Send(message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Query{Flags: message.QueryMark, Words: "common"}})
	l.Send(message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}})
	m, err := l.Receive(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := m.Body.(*message.Pong); !ok {
		t.Errorf("a visitor got %+v", m)
	}
}

func TestHitsWithoutARouteAreDropped(t *testing.T) {
	t.Parallel()
	first := chain(t, "127.30.34")
	l := join(t, first)
	stray := message.Message{GUID: message.NewGUID(), TTL: 3, Body: &message.QueryHit{Addr: addr("192.0.2.1:1")}}
	l.Send(stray)
	l.Send(message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}})
	next[*message.Pong](t, l) // the node has seen the hit
	search(t, first, "common", message.QueryMark, 1, 2)
}
