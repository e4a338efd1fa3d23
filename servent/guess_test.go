package servent_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"gnucensus/servent"
	"gnucensus/servent/ggep"
	"gnucensus/servent/library"
	"gnucensus/servent/message"
)

// guessed starts two ultrapeers that are linked, each with a file; the first has a leaf with another one.
func guessed(t *testing.T, prefix string) (near, far, below string) {
	t.Helper()
	near, far, below = prefix+".1:6346", prefix+".2:6346", prefix+".3:6346"
	with := func(c servent.Config, to string) *running {
		c.Library, c.Dialect = library.New([]library.File{{Name: "far.txt"}}), servent.Modern
		if to != "" {
			c.Connect = []netip.AddrPort{addr(to)}
		}
		return run(t, at(c))
	}
	first := with(ultrapeer(near), "")
	second := with(ultrapeer(far), near)
	second.began(t)
	first.began(t)
	third := with(leaf(below), near)
	third.began(t)
	first.began(t)
	settle(t, first, second, third)
	return near, far, below
}

// TestGuess: a host that has no link is told of the files of an ultrapeer, its leaves, and the ultrapeer that it names.
func TestGuess(t *testing.T) {
	t.Parallel()
	near, far, below := guessed(t, "127.80.30")
	c := leaf("127.80.30.9:6346")
	c.GuessWait = time.Millisecond
	n := run(t, c)
	want := map[string]int{near: 1, far: 1, below: 2}
	for hit := range n.Guess(within(t), message.Query{Flags: message.QueryOOB, Words: "far"}, []netip.AddrPort{addr(near)}) {
		at := hit.Responder.String()
		if hit.Path != servent.Guess || hit.Hops != want[at] || len(hit.Results) != 1 {
			t.Errorf("%+v", hit)
		}
		delete(want, at)
		if len(want) == 0 {
			return
		}
	}
	t.Errorf("no hits of %v", want)
}

// pong waits for a PONG and returns it with its source.
func (s *searcher) pong(id message.GUID) (*message.Pong, message.Message) {
	s.t.Helper()
	m, _ := s.datagram()
	pong, ok := m.Body.(*message.Pong)
	if !ok || m.GUID != id {
		s.t.Fatalf("%+v, not a PONG", m)
	}
	return pong, m
}

func tail(t *testing.T, blocks ...ggep.Block) []byte {
	t.Helper()
	b, err := ggep.AppendNULFree(nil, blocks...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestQueryKeys: a query by UDP is answered when it has the key of its sender; a wrong one brings a PONG with the right one, and
// without any there is silence.
func TestQueryKeys(t *testing.T) {
	t.Parallel()
	near, far, below := guessed(t, "127.80.31")
	s := newSearcher(t, near, "127.80.31.9:6400")
	query := func(blocks ...ggep.Block) message.GUID {
		id := message.NewGUID()
		s.send(near, message.Message{GUID: id, TTL: 1,
			Body: &message.Query{Flags: message.QueryMark, Words: "far", Tail: tail(t, blocks...)}})
		return id
	}
	id := message.NewGUID()
	s.send(near, message.Message{GUID: id, TTL: 1, Body: &message.Ping{Tail: tail(t, ggep.QK(nil), ggep.SCP(0))}})
	pong, _ := s.pong(id)
	key, found := pong.GGEP().QK()
	version, _ := pong.GGEP().GUE()
	if hosts := pong.GGEP().IPP(); !found || len(key) < 4 || version != 2 || len(hosts) != 1 || hosts[0].Addr != addr(far) {
		t.Errorf("PONG with %v", pong.GGEP())
	}
	query()                                          // without a key: silence
	id = query(ggep.QK([]byte("none")), ggep.SCP(0)) // the next datagram is about this one
	pong, _ = s.pong(id)
	if fresh, _ := pong.GGEP().QK(); string(fresh) != string(key) {
		t.Errorf("key %x, then %x", key, fresh)
	}
	id = query(ggep.QK(key), ggep.SCP(0))
	pong, m := s.pong(id)
	if pong.Addr != addr(far) || m.Hops != 1 || len(pong.GGEP().IPP()) != 1 || pong.GGEP().Has("QK") {
		t.Errorf("acknowledged by %+v in %+v", pong, m)
	}
	for _, from := range []string{near, below} {
		m, source := s.datagram()
		if hit, ok := m.Body.(*message.QueryHit); !ok || hit.Addr != addr(from) || source != addr(near) || m.GUID != id {
			t.Errorf("%+v from %v, want a hit of %s", m, source, from)
		}
	}
	id = message.NewGUIDFor(addr("127.80.31.8:6400")) // whose hits are wanted elsewhere: they come to who asks
	s.send(near, message.Message{GUID: id, TTL: 1,
		Body: &message.Query{Flags: message.QueryMark | message.QueryOOB, Words: "far", Tail: tail(t, ggep.QK(key), ggep.SO(nil))}})
	s.pong(id)
	for _, from := range []string{near, below} {
		m, _ := s.datagram()
		if hit, ok := m.Body.(*message.QueryHit); !ok || hit.Addr != addr(from) || m.GUID != id {
			t.Errorf("%+v, want a hit of %s", m, from)
		}
	}
	id = message.NewGUID()
	s.send(near, message.Message{GUID: id, TTL: 1, Body: &message.Ping{Tail: tail(t, ggep.GUE(2))}})
	pong, _ = s.pong(id)
	if hosts := pong.GGEP().IPP(); len(hosts) != 1 || hosts[0].Addr != addr(far) {
		t.Errorf("who asks by GUE is told of %v", hosts)
	}
	other := newSearcher(t, near, "127.80.31.9:6401")
	other.send(near, message.Message{GUID: message.NewGUID(), TTL: 1,
		Body: &message.Query{Flags: message.QueryMark, Words: "far", Tail: tail(t, ggep.QK(key))}})
	if m, _ := other.datagram(); m.Body.Type() != message.TypePong {
		t.Errorf("the key of another port: %+v", m)
	}
}

// TestLeavesDoNotGuess: a leaf gives out no keys, and says nothing of GUESS.
func TestLeavesDoNotGuess(t *testing.T) {
	t.Parallel()
	near, _, below := guessed(t, "127.80.32")
	s := newSearcher(t, near, "127.80.32.9:6400")
	id := message.NewGUID()
	s.send(below, message.Message{GUID: id, TTL: 1, Body: &message.Ping{Tail: tail(t, ggep.QK(nil))}})
	if pong, _ := s.pong(id); pong.GGEP().Has("QK") || pong.GGEP().Has("GUE") {
		t.Errorf("PONG with %v", pong.GGEP())
	}
}

// TestGuessTrustsTheSource: the key and the hits of a host are taken from its own address alone, whatever its PONG says, and a
// new key is tried once.
func TestGuessTrustsTheSource(t *testing.T) {
	t.Parallel()
	c := ultrapeer("127.80.33.1:6346")
	c.GuessWait = time.Millisecond
	n := run(t, c)
	s := newSearcher(t, "127.80.33.1:6346", "127.80.33.2:6346")
	n.began(t)
	thief := newSearcher(t, "127.80.33.1:6346", "127.80.33.3:6346")
	hits := make(chan servent.Hit, 10)
	go func() {
		defer close(hits)
		for hit := range n.Guess(within(t), message.Query{Words: "far"}, []netip.AddrPort{addr("127.80.33.2:6346")}) {
			hits <- hit
			return
		}
	}()
	answer := func(key string) message.GUID { // with a third party in its address field
		m, _ := s.datagram()
		s.send("127.80.33.1:6346", message.Message{GUID: m.GUID, TTL: 1,
			Body: &message.Pong{Addr: addr("192.0.2.1:6346"), Tail: tail(t, ggep.QK([]byte(key)))}})
		return m.GUID
	}
	answer("key1")
	answer("key2") // to the query, as if the key were wrong
	m, _ := s.datagram()
	q, ok := m.Body.(*message.Query)
	if !ok {
		t.Fatalf("%+v", m)
	}
	if key, _ := q.GGEP().QK(); string(key) != "key2" {
		t.Errorf("query with %q", key)
	}
	s.send("127.80.33.1:6346", message.Message{GUID: m.GUID, TTL: 1, // there is no third query
		Body: &message.Pong{Tail: tail(t, ggep.QK([]byte("key3")))}})
	hit := func(name string) message.Message {
		return message.Message{GUID: m.GUID, TTL: 1, Body: &message.QueryHit{Results: []message.Result{{Name: name}}}}
	}
	thief.send("127.80.33.1:6346", hit("of another host"))
	id := message.NewGUID()
	thief.send("127.80.33.1:6346", message.Message{GUID: id, TTL: 1, Body: &message.Ping{}})
	thief.pong(id) // the hit before it was seen
	s.send("127.80.33.1:6346", message.Message{GUID: id, TTL: 1, Body: &message.Ping{}})
	s.pong(id) // so was the third key, and brought no query
	s.send("127.80.33.1:6346", hit("right"))
	if got := <-hits; got.QueryHit == nil || got.Results[0].Name != "right" {
		t.Errorf("%+v", got)
	}
}

// TestDeflatedAnswers: who says that it inflates gets answers deflated, where that makes them smaller, and nobody else does.
func TestDeflatedAnswers(t *testing.T) {
	t.Parallel()
	const near = "127.80.34.1:6346"
	c := ultrapeer(near)
	var files []library.File
	for i := range 9 {
		files = append(files, library.File{Name: fmt.Sprintf("far away in the mountains %d.txt", i)})
	}
	c.Library = library.New(files)
	for i := range 30 {
		c.Known = append(c.Known, addr(fmt.Sprintf("127.80.34.%d:6346", 100+i)))
	}
	run(t, c)
	s := newSearcher(t, near, "127.80.34.9:6400")
	inflated := func(m message.Message, deflated bool) message.Message {
		t.Helper()
		if (m.TTL&message.TTLDeflated != 0) != deflated {
			t.Errorf("TTL %#x of %+v", m.TTL, m.Body)
		}
		m, err := message.Inflate(m)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, ttl := range []uint8{1, 1 | message.TTLInflates} {
		s.send(near, message.Message{GUID: message.NewGUID(), TTL: ttl, Body: &message.Ping{Tail: tail(t, ggep.SCP(0))}})
		m, _ := s.datagram()
		if pong, ok := inflated(m, ttl != 1).Body.(*message.Pong); !ok || len(pong.GGEP().IPP()) != 30 {
			t.Errorf("%+v", pong)
		}
	}
	s.send(near, message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{Tail: tail(t, ggep.QK(nil))}})
	m, _ := s.datagram()
	key, _ := m.Body.(*message.Pong).GGEP().QK()
	for _, blocks := range []ggep.Blocks{{ggep.QK(key)}, {ggep.QK(key), ggep.Z()}} {
		s.send(near, message.Message{GUID: message.NewGUID(), TTL: 1,
			Body: &message.Query{Flags: message.QueryMark, Words: "far", Tail: tail(t, blocks...)}})
		s.datagram() // the acknowledgement
		m, _ := s.datagram()
		if hit, ok := inflated(m, blocks.Z()).Body.(*message.QueryHit); !ok || len(hit.Results) != 9 {
			t.Errorf("%+v", hit)
		}
	}
}

// TestDeflatedRequests: what is deflated is read, and a bomb is not.
func TestDeflatedRequests(t *testing.T) {
	t.Parallel()
	const near = "127.80.35.1:6346"
	run(t, ultrapeer(near))
	s := newSearcher(t, near, "127.80.35.9:6400")
	id := message.NewGUID()
	bomb := message.Deflate(message.Message{GUID: message.NewGUID(), TTL: 1,
		Body: &message.Unknown{Kind: message.TypePing, Payload: make([]byte, 1<<20)}})
	if bomb.TTL&message.TTLDeflated == 0 {
		t.Fatal("no bomb")
	}
	s.send(near, bomb)
	ping := message.Message{GUID: id, TTL: 1, Body: &message.Ping{Tail: make([]byte, 100)}}
	s.send(near, message.Deflate(ping))
	if pong, _ := s.pong(id); pong.Addr != addr(near) {
		t.Errorf("%+v", pong)
	}
}

// TestGuessesAreLimited: of one address, so many queries by UDP are answered within a minute.
func TestGuessesAreLimited(t *testing.T) {
	t.Parallel()
	const near, most = "127.80.36.1:6346", 3
	c := ultrapeer(near)
	c.Manners.Guesses = most
	run(t, c)
	s, other := newSearcher(t, near, "127.80.36.9:6400"), newSearcher(t, near, "127.80.36.8:6400")
	answered := func(s *searcher) (n int) {
		s.send(near, message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{Tail: tail(t, ggep.QK(nil))}})
		m, _ := s.datagram()
		key, _ := m.Body.(*message.Pong).GGEP().QK()
		for range 2 * most {
			s.send(near, message.Message{GUID: message.NewGUID(), TTL: 1,
				Body: &message.Query{Flags: message.QueryMark, Words: "far", Tail: tail(t, ggep.QK(key))}})
		}
		last := message.NewGUID()
		s.send(near, message.Message{GUID: last, TTL: 1, Body: &message.Ping{}})
		for {
			m, _ := s.datagram()
			if m.GUID == last {
				return n
			}
			n++
		}
	}
	if got := answered(s); got != most {
		t.Errorf("%d answers", got)
	}
	if got := answered(other); got != most {
		t.Errorf("%d answers for somebody else", got)
	}
}
