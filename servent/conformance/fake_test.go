package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"gnucensus/servent/ggep"
	"gnucensus/servent/handshake"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
)

// A fake is a small servent whose every habit can be spoilt. As it is, it answers hellos, crawlers, PINGs, and queries for
// word.
type fake struct {
	addr     netip.AddrPort
	answer   func(head head) handshake.Reply // to a hello
	refused  func(net.Conn)                  // the peer's ack refused, or there was no handshake; the end closes
	open     func(*handshake.Session)        // before the first message
	greet    func(*guest)                    // when a link stands
	handle   func(*guest, message.Message)   // an end of the link is for it to make
	broken   func(*guest, error) bool        // a message could not be read; whether the link goes on
	datagram func(message.Message, netip.AddrPort) []message.Message
	stray    func([]byte) []byte // the answer to a datagram that cannot be read

	mu     sync.Mutex
	guests []*guest
	seen   map[message.GUID]bool
}

// A head is a hello: what it says, and how.
type head struct {
	handshake.Fields
	raw    string
	pieces int
}

func (h head) crawler() bool { return h.Has("Crawler") }

// A guest is the other end of a link.
type guest struct {
	*link.Link
	*handshake.Session
}

func (g *guest) say(id message.GUID, ttl, hops uint8, body message.Body) {
	g.Send(message.Message{GUID: id, TTL: ttl, Hops: hops, Body: body}) // who has gone hears nothing
}

func newFake(addr netip.AddrPort) *fake {
	f := &fake{addr: addr, seen: make(map[message.GUID]bool)}
	f.answer = f.goodAnswer
	f.refused = func(net.Conn) {}
	f.open = func(*handshake.Session) {}
	f.greet = func(*guest) {}
	f.handle = f.goodHandle
	f.broken = func(_ *guest, err error) bool { return errors.As(err, new(*link.PayloadError)) }
	f.datagram = f.goodDatagram
	f.stray = func([]byte) []byte { return nil }
	return f
}

// fields makes header fields of names and values.
func fields(pairs ...string) (f handshake.Fields) {
	for i := 0; i < len(pairs); i += 2 {
		f = append(f, handshake.Field{Name: pairs[i], Value: pairs[i+1]})
	}
	return f
}

func (f *fake) goodAnswer(h head) handshake.Reply {
	if h.crawler() {
		return handshake.Accepted(fields("User-Agent", "fake/1", "Peers", "127.70.2.9:6346", "Leaves", ""))
	}
	answer := fields("User-Agent", "fake/1", "X-Ultrapeer", "True", "GGEP", "0.5", "Vendor-Message", "0.2", "Bye-Packet", "0.1",
		"X-Query-Routing", "0.1", "X-Guess", "0.1", "Accept-Encoding", "deflate")
	if h.Lists("Accept-Encoding", "deflate") {
		answer = append(answer, fields("Content-Encoding", "deflate")...)
	}
	return handshake.Accepted(answer)
}

// without takes fields out of an answer that is otherwise good.
func (f *fake) without(names ...string) func(head) handshake.Reply {
	return func(h head) handshake.Reply {
		r := f.goodAnswer(h)
		r.Fields = slices.DeleteFunc(r.Fields, func(f handshake.Field) bool { return slices.Contains(names, f.Name) })
		return r
	}
}

// saying puts a field into an answer in place of what it says otherwise.
func (f *fake) saying(name, value string) func(head) handshake.Reply {
	return func(h head) handshake.Reply {
		r := f.without(name)(h)
		r.Fields = append(r.Fields, fields(name, value)...)
		return r
	}
}

// picky refuses hellos that are spelt in some way.
func (f *fake) picky(dislikes func(head) bool) func(head) handshake.Reply {
	return func(h head) handshake.Reply {
		if dislikes(h) {
			return handshake.Reply{Code: 400, Reason: "Bad Request"}
		}
		return f.goodAnswer(h)
	}
}

func (f *fake) goodHandle(g *guest, m message.Message) {
	switch body := m.Body.(type) {
	case *message.Ping:
		pong := &message.Pong{Addr: f.addr, Files: 1}
		if m.TTL == 2 {
			g.say(m.GUID, 1, 1, &message.Pong{Addr: netip.MustParseAddrPort("127.70.2.9:6346")})
			return
		}
		g.say(m.GUID, 1, 0, pong)
	case *message.Query:
		if strings.Contains(body.Words, word) && f.fresh(m.GUID) {
			g.say(m.GUID, 2, 0, f.hit())
		}
	}
}

// fresh tells whether a GUID is seen for the first time.
func (f *fake) fresh(id message.GUID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { f.seen[id] = true }()
	return !f.seen[id]
}

// others returns the other links.
func (f *fake) others(g *guest) (found []*guest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, other := range f.guests {
		if other != g {
			found = append(found, other)
		}
	}
	return found
}

func (f *fake) hit() *message.QueryHit {
	return &message.QueryHit{
		Addr: f.addr, Servent: message.NewGUID(), Results: []message.Result{{Size: 1, Name: word}},
		Tail: message.QHD{Vendor: message.GTKG, Open: message.HitFlags{}.Open()}.Append(nil),
	}
}

func (f *fake) goodDatagram(m message.Message, from netip.AddrPort) []message.Message {
	ping, ok := m.Body.(*message.Ping)
	if !ok {
		return nil
	}
	blocks := []ggep.Block{ggep.DU(0)}
	if ping.GGEP().Has("IP") {
		blocks = append(blocks, ggep.IP(from))
	}
	if ping.GGEP().Has("QK") {
		blocks = append(blocks, ggep.QK([]byte("12345678")))
	}
	return []message.Message{f.pong(m.GUID, blocks...)}
}

func (f *fake) pong(id message.GUID, blocks ...ggep.Block) message.Message {
	tail, err := ggep.Append(nil, blocks...)
	if err != nil {
		panic(err)
	}
	return message.Message{GUID: id, TTL: 1, Body: &message.Pong{Addr: f.addr, Files: 1, Tail: tail}}
}

// run listens until the test ends. Connections are served each in a goroutine.
func (f *fake) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l, err := net.Listen("tcp4", f.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	u, err := net.ListenPacket("udp4", f.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() { cancel(); l.Close(); u.Close(); running.Wait() })
	running.Go(func() { f.answerDatagrams(u) })
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			stop := context.AfterFunc(ctx, func() { c.Close() })
			running.Go(func() {
				defer stop()
				defer c.Close()
				f.serve(ctx, c)
			})
		}
	})
}

// Pipes connect a tester to a fake without a network.
type pipes struct {
	place
	fake    *fake
	running sync.WaitGroup
}

func (p *pipes) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.running.Go(func() {
		defer theirs.Close()
		p.fake.serve(context.WithoutCancel(ctx), theirs)
	})
	return ours, nil
}

func (f *fake) answerDatagrams(u net.PacketConn) {
	b := make([]byte, 1<<16)
	for {
		n, from, err := u.ReadFrom(b)
		if err != nil {
			return
		}
		m, err := message.ParseDatagram(b[:n])
		if err != nil {
			if answer := f.stray(b[:n]); answer != nil {
				u.WriteTo(answer, from)
			}
			continue
		}
		for _, answer := range f.datagram(m, from.(*net.UDPAddr).AddrPort()) {
			out, err := message.Append(nil, answer)
			if err != nil {
				panic(err)
			}
			u.WriteTo(out, from)
		}
	}
}

// An overheard connection keeps what was read from it.
type overheard struct {
	net.Conn
	head  bytes.Buffer
	reads int
}

func (o *overheard) Read(b []byte) (int, error) {
	n, err := o.Conn.Read(b)
	o.reads++
	o.head.Write(b[:n])
	return n, err
}

func (f *fake) serve(ctx context.Context, c net.Conn) {
	conn := &overheard{Conn: c}
	crawler := false
	s, err := handshake.Accept(ctx, conn, func(hello handshake.Fields) handshake.Reply {
		h := head{hello, conn.head.String(), conn.reads}
		crawler = h.crawler()
		return f.answer(h)
	})
	if err != nil || crawler {
		f.refused(c)
		return
	}
	f.open(s)
	g := &guest{link.New(s, link.Config{}), s}
	var writing sync.WaitGroup
	defer writing.Wait()
	defer g.Link.Close()
	writing.Go(func() { g.Run(ctx) })
	f.mu.Lock()
	f.guests = append(f.guests, g)
	f.mu.Unlock()
	f.greet(g)
	for {
		m, err := g.Receive(ctx)
		switch {
		case err == nil:
			f.handle(g, m)
		case !f.broken(g, err):
			return
		}
	}
}
