package servent_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"gnucensus/servent"
	"gnucensus/servent/ggep"
	"gnucensus/servent/library"
	"gnucensus/servent/message"
)

// at is the way out of a host that dials from its own address.
func at(c servent.Config) servent.Config {
	c.Net = &servent.Internet{Dialer: net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.Addr.Addr(), 0))}}
	return c
}

// remote starts two ultrapeers that are linked; the second shares many files of one name.
func remote(t *testing.T, prefix string, change func(*servent.Config)) (near, far string) {
	t.Helper()
	near, far = prefix+".1:6346", prefix+".2:6346"
	c := ultrapeer(near)
	first := run(t, c)
	c = ultrapeer(far)
	c.Connect = []netip.AddrPort{addr(near)}
	var files []library.File
	for i := range 25 {
		files = append(files, library.File{Name: fmt.Sprintf("far %d.txt", i)})
	}
	c.Library = library.New(files)
	if change != nil {
		change(&c)
	}
	second := run(t, c)
	first.began(t)
	second.began(t)
	settle(t, first, second)
	return near, far
}

// first searches until so many results have come.
func firstHits(t *testing.T, n *running, q message.Query, results int) (hits []servent.Hit) {
	t.Helper()
	for hit := range n.Search(within(t), q) {
		hits = append(hits, hit)
		if results -= len(hit.Results); results <= 0 {
			return hits
		}
	}
	t.Fatalf("%d results are missing", results)
	return nil
}

// TestSearchOutOfBand: hits of far hosts come by UDP to a leaf and to an ultrapeer, and those of neighbours over the link.
func TestSearchOutOfBand(t *testing.T) {
	t.Parallel()
	near, far := remote(t, "127.80.20", nil)
	c := leaf("127.80.20.3:6346")
	c.Connect = []netip.AddrPort{addr(near)}
	below := run(t, at(c))
	below.began(t)
	for _, hit := range firstHits(t, below, message.Query{Flags: message.QueryOOB, Words: "far"}, 25) {
		trailer, _ := hit.QHD()
		token, _ := trailer.GGEP().SO()
		if hit.Path != servent.OutOfBand || hit.Responder != addr(far) || hit.Hops != 1 || len(token) != 4 {
			t.Errorf("%+v", hit)
		}
	}
	for _, hit := range firstHits(t, below, message.Query{Words: "far"}, 25) {
		if hit.Path != servent.InBand || hit.Hops != 2 {
			t.Errorf("not asked for out of band: %+v", hit)
		}
	}
	c = ultrapeer("127.80.20.4:6346")
	c.Connect = []netip.AddrPort{addr(near)}
	above := run(t, at(c))
	above.began(t)
	for _, hit := range firstHits(t, above, message.Query{Flags: message.QueryOOB, Words: "far"}, 25) {
		if hit.Path != servent.OutOfBand || hit.Responder != addr(far) {
			t.Errorf("to an ultrapeer: %+v", hit)
		}
	}
}

// A searcher is somebody who sends queries as an ultrapeer two hops away, and catches datagrams.
type searcher struct {
	t    *testing.T
	link interface {
		Send(message.Message) error
		Receive(context.Context) (message.Message, error)
	}
	udp *net.UDPConn
}

func newSearcher(t *testing.T, near, at string) *searcher {
	t.Helper()
	udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(addr(at)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close() })
	return &searcher{t: t, link: join(t, near, "X-Ultrapeer", "True"), udp: udp}
}

// ask sends a query whose hits are wanted at an address.
func (s *searcher) ask(replyTo string, flags uint16, blocks ...ggep.Block) message.GUID {
	s.t.Helper()
	q := &message.Query{Flags: message.QueryMark | flags, Words: "far"}
	if len(blocks) > 0 {
		var err error
		if q.Tail, err = ggep.AppendNULFree(nil, blocks...); err != nil {
			s.t.Fatal(err)
		}
	}
	id := message.NewGUIDFor(addr(replyTo))
	s.link.Send(message.Message{GUID: id, TTL: 2, Hops: 1, Body: q})
	return id
}

// overLink waits for a hit over the link.
func (s *searcher) overLink(id message.GUID) {
	s.t.Helper()
	for {
		m, err := s.link.Receive(within(s.t))
		if err != nil {
			s.t.Fatal(err)
		}
		if m.Body.Type() == message.TypeQueryHit && m.GUID == id {
			return
		}
	}
}

// datagram waits for the next datagram.
func (s *searcher) datagram() (message.Message, netip.AddrPort) {
	s.t.Helper()
	b := make([]byte, 64<<10)
	deadline, _ := within(s.t).Deadline()
	s.udp.SetReadDeadline(deadline)
	n, from, err := s.udp.ReadFromUDPAddrPort(b)
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := message.ParseDatagram(b[:n])
	if err != nil {
		s.t.Fatal(err)
	}
	return m, from
}

func (s *searcher) send(to string, m message.Message) {
	s.t.Helper()
	b, err := message.Append(nil, m)
	if err == nil {
		_, err = s.udp.WriteToUDPAddrPort(b, addr(to))
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// number waits for the next number of hits.
func (s *searcher) number() *message.OOBReplyNumber {
	s.t.Helper()
	m, _ := s.datagram()
	v, ok := m.Body.(*message.Vendor)
	if !ok {
		s.t.Fatalf("not a number: %+v", m.Body)
	}
	opened, err := v.Open()
	if err != nil {
		s.t.Fatal(err)
	}
	return opened.(*message.OOBReplyNumber)
}

// TestFetchedHits: so many hits come as are fetched, with the token, and once.
func TestFetchedHits(t *testing.T) {
	t.Parallel()
	near, far := remote(t, "127.80.21", nil)
	s := newSearcher(t, near, "127.80.21.9:6400")
	id := s.ask("127.80.21.9:6400", message.QueryOOB, ggep.SO(nil))
	if got := s.number(); got.Version != 3 || got.Hits != 25 {
		t.Errorf("number %+v", got)
	}
	token := []byte{1, 2, 3, 4, 5}
	tail, err := ggep.Append(nil, ggep.SO(token))
	if err != nil {
		t.Fatal(err)
	}
	ack := message.OOBReplyAck{Version: 3, Wanted: 12, Tail: tail}
	fetch := message.Message{GUID: id, TTL: 1, Body: ack.Vendor()}
	stranger := newSearcher(t, near, "127.80.21.8:6400")
	stranger.send(far, fetch)
	s.send(far, fetch)
	s.send(far, fetch) // there is nothing left
	for left := 12; left > 0; {
		m, from := s.datagram()
		hit, ok := m.Body.(*message.QueryHit)
		if !ok || from != addr(far) || m.GUID != id {
			t.Fatalf("%+v from %v", m, from)
		}
		trailer, _ := hit.QHD()
		if got, _ := trailer.GGEP().SO(); string(got) != string(token) {
			t.Errorf("token %x", got)
		}
		left -= len(hit.Results)
	}
	s.ask("127.80.21.9:6400", message.QueryOOB)
	if got := s.number(); got.Version != 2 { // and no hit before it
		t.Errorf("number %+v without SO", got)
	}
	if hit := search(t, near, "nothing", message.QueryMark, 2, 0); len(hit) > 0 {
		t.Error(hit)
	}
}

// TestNotOutOfBand: hits come over the link where the address must not be sent to, and where nobody asked for UDP.
func TestNotOutOfBand(t *testing.T) {
	t.Parallel()
	near, far := remote(t, "127.80.22", nil)
	s := newSearcher(t, near, "127.80.22.9:6400")
	for _, replyTo := range []string{"192.0.2.1:6346", "10.0.0.1:6346", "127.80.22.9:53", far, "224.0.0.1:6346", "0.0.0.0:6346"} {
		s.overLink(s.ask(replyTo, message.QueryOOB, ggep.SO(nil)))
	}
	s.overLink(s.ask("127.80.22.9:6400", 0, ggep.SO(nil))) // gtk-gnutella heeds the flag alone
	s.overLink(s.ask("127.80.22.9:6400", message.QueryOOB|message.QueryFirewalled))
	near, _ = remote(t, "127.80.23", func(c *servent.Config) { c.Dialect = servent.LimeWire })
	s = newSearcher(t, near, "127.80.23.9:6400")
	s.ask("127.80.23.9:6400", 0, ggep.SO(nil)) // LimeWire heeds SO
	if got := s.number(); got.Version != 3 {
		t.Errorf("number %+v", got)
	}
}

// TestUnfetchedHits: who does not fetch what it asked for is told of no more; its hits come over the link.
func TestUnfetchedHits(t *testing.T) {
	t.Parallel()
	near, _ := remote(t, "127.80.24", nil)
	s := newSearcher(t, near, "127.80.24.9:6400")
	for range 25 {
		s.ask("127.80.24.9:6400", message.QueryOOB)
		s.number()
	}
	s.overLink(s.ask("127.80.24.9:6400", message.QueryOOB))
}

// TestForgedHits: hits by UDP count only if they were fetched from who sends them, with the token, and not twice.
func TestForgedHits(t *testing.T) {
	t.Parallel()
	near, far := "127.80.26.1:6346", "127.80.26.2:6346"
	c := ultrapeer(near)
	first := run(t, c)
	s := newSearcher(t, near, far)
	first.began(t)
	hits := make(chan servent.Hit, 10)
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for hit := range first.Search(ctx, message.Query{Flags: message.QueryOOB, Words: "far"}) {
			hits <- hit
		}
	}()
	var query message.Message
	for query.GUID == (message.GUID{}) {
		m, err := s.link.Receive(within(t))
		if err != nil {
			t.Fatal(err)
		}
		if q, ok := m.Body.(*message.Query); ok {
			if _, secure := q.GGEP().Get("SO"); !secure || q.Flags&message.QueryOOB == 0 || m.GUID.ReplyTo() != addr(near) {
				t.Errorf("query %+v in %+v", q, m)
			}
			query = m
		}
	}
	number := message.OOBReplyNumber{Version: 3, Hits: 2}
	s.send(near, message.Message{GUID: query.GUID, TTL: 1, Body: number.Vendor()})
	m, _ := s.datagram()
	opened, err := m.Body.(*message.Vendor).Open()
	if err != nil {
		t.Fatal(err)
	}
	ack := opened.(*message.OOBReplyAck)
	token, _ := ack.GGEP().SO()
	if ack.Wanted != 2 || len(token) != 4 {
		t.Errorf("%+v", ack)
	}
	hit := func(name string, token []byte, results int) message.Message {
		tail, err := ggep.Append(nil, ggep.SO(token))
		if err != nil {
			t.Fatal(err)
		}
		yes := message.HitFlags{GGEP: true}
		h := &message.QueryHit{Addr: addr(far), Tail: message.QHD{Open: yes.Open(), Private: tail}.Append(nil)}
		for range results {
			h.Results = append(h.Results, message.Result{Name: name})
		}
		return message.Message{GUID: query.GUID, TTL: 1, Body: h}
	}
	thief := newSearcher(t, near, "127.80.26.3:6346")
	thief.send(near, hit("of another host", token, 1))
	s.send(near, hit("without the token", []byte("fake"), 1))
	s.send(near, hit("too many", token, 3))
	s.send(near, hit("right", token, 2))
	s.send(near, hit("replayed", token, 2))
	s.send(near, message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}})
	s.datagram() // the PONG: all before it was seen
	if got := <-hits; got.Results[0].Name != "right" || len(hits) > 0 {
		t.Errorf("hit %+v, and %d more", got, len(hits))
	}
	if stray := first.Stats().Stray; stray < 3 {
		t.Errorf("%d stray hits", stray)
	}
	cancel()
	<-done
}

// TestHitsForALeaf: an ultrapeer fetches hits by UDP for the query of a leaf, which gets them over the link as answers to its
// own. What nobody promised does not reach the leaf.
func TestHitsForALeaf(t *testing.T) {
	t.Parallel()
	const near, far = "127.80.27.1:6346", "127.80.27.2:6346"
	c := ultrapeer(near)
	c.Substitute = true
	n := run(t, c)
	s := newSearcher(t, near, far)
	n.began(t)
	l := join(t, near)
	id := message.NewGUID()
	l.Send(message.Message{GUID: id, TTL: 4, Body: &message.Query{Flags: message.QueryMark, Words: "far"}})
	ctx := within(t)
	var query message.Message
	for query.Body == nil {
		m, err := s.link.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if m.Body.Type() == message.TypeQuery {
			query = m
		}
	}
	number := message.OOBReplyNumber{Version: 3, Hits: 1}
	s.send(near, message.Message{GUID: query.GUID, TTL: 1, Body: number.Vendor()})
	token, _ := s.ack().GGEP().SO()
	hit := func(name string, token []byte) message.Message {
		yes := message.HitFlags{GGEP: true}
		return message.Message{GUID: query.GUID, TTL: 1, Body: &message.QueryHit{
			Addr: addr(far), Results: []message.Result{{Name: name}},
			Tail: message.QHD{Open: yes.Open(), Private: tail(t, ggep.SO(token))}.Append(nil)}}
	}
	s.send(near, hit("without the token", []byte("fake")))
	s.send(near, hit("right", token))
	s.send(near, hit("replayed", token))
	if m, got := next[*message.QueryHit](t, l); m.GUID != id || got.Results[0].Name != "right" {
		t.Errorf("%+v in %+v", got, m)
	}
	s.ping(near)
	l.Send(message.Message{GUID: id, TTL: 1, Body: &message.Ping{}})
	for {
		m, err := l.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if hit, more := m.Body.(*message.QueryHit); more {
			t.Errorf("then came %+v", hit)
		}
		if m.GUID == id && m.Body.Type() == message.TypePong {
			return
		}
	}
}

// TestEnoughHits: a responder that tells of hits which nobody wants any more is told so.
func TestEnoughHits(t *testing.T) {
	t.Parallel()
	const near, far = "127.80.28.1:6346", "127.80.28.2:6346"
	c := ultrapeer(near)
	c.Substitute, c.Results = true, 3
	n := run(t, c)
	s := newSearcher(t, near, far)
	n.began(t)
	l := join(t, near)
	l.Send(message.Message{GUID: message.NewGUID(), TTL: 4, Body: &message.Query{Flags: message.QueryMark, Words: "far"}})
	for ctx := within(t); ; {
		m, err := s.link.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if m.Body.Type() != message.TypeQuery {
			continue
		}
		s.link.Send(message.Message{GUID: m.GUID, TTL: 3, Body: &message.QueryHit{Addr: addr(far), Results: []message.Result{{Name: "far"}}}})
		next[*message.QueryHit](t, l) // the node counted it
		number := message.OOBReplyNumber{Version: 3, Hits: 1}
		for wanted := uint8(1); wanted > 0; { // until the asking has ended
			s.send(near, message.Message{GUID: m.GUID, TTL: 1, Body: number.Vendor()})
			wanted = s.ack().Wanted
		}
		return
	}
}

// ack waits for the next acknowledgement.
func (s *searcher) ack() *message.OOBReplyAck {
	s.t.Helper()
	for {
		m, _ := s.datagram()
		if v, ok := m.Body.(*message.Vendor); ok {
			opened, err := v.Open()
			if ack, ok := opened.(*message.OOBReplyAck); err == nil && ok {
				return ack
			}
		}
	}
}

// ping waits until all that was sent has been seen.
func (s *searcher) ping(to string) {
	s.t.Helper()
	id := message.NewGUID()
	s.send(to, message.Message{GUID: id, TTL: 1, Body: &message.Ping{}})
	for {
		if m, _ := s.datagram(); m.GUID == id && m.Body.Type() == message.TypePong {
			return
		}
	}
}
