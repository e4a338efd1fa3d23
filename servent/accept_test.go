package servent_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gnucensus/servent"
	"gnucensus/servent/handshake"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
	"gnucensus/servent/transfer"
)

// said returns what a node answers to bytes until it closes the connection; ok is false when it keeps it.
func said(t *testing.T, c net.Conn, hello string) (answer string, ok bool) {
	t.Helper()
	c.Write([]byte(hello))
	c.SetReadDeadline(time.Now().Add(patience))
	b, err := io.ReadAll(c)
	return string(b), !errors.Is(err, os.ErrDeadlineExceeded)
}

// tlsTo opens TLS to a node as any client does that looks at no certificate.
func tlsTo(t *testing.T, to string) net.Conn {
	t.Helper()
	c := tls.Client(connect(t, to), &tls.Config{InsecureSkipVerify: true})
	if err := c.HandshakeContext(within(t)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFirstLines(t *testing.T) {
	t.Parallel()
	c := ultrapeer("127.20.1.1:6346")
	c.TLS = true
	c.Uploads = &transfer.Config{}
	run(t, c)
	plain := ultrapeer("127.20.1.2:6346")
	run(t, plain)
	for _, test := range []struct{ to, hello, want string }{
		{"127.20.1.1:6346", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
		{"127.20.1.1:6346", "HEAD /get/1/x HTTP/1.0\r\n\r\n", "HTTP/1.1 404 Not Found\r\n"},
		{"127.20.1.1:6346", "GIV 1:00/x\n\n", ""},
		{"127.20.1.1:6346", "GIV 1:" + strings.Repeat("0", 32) + "/x\n\n", ""}, // nobody was called
		{"127.20.1.1:6346", "GIV " + strings.Repeat("0", 2000), ""},
		{"127.20.1.1:6346", "GNUTELLA CONNECT/0.6\r\nCrawler: 0.1\r\n\r\n", "GNUTELLA/0.6 200 OK\r\n"},
		{"127.20.1.1:6346", "GNUTELLA CONNECT/0.4\n\n", ""},
		{"127.20.1.1:6346", "\n\n", ""},
		{"127.20.1.1:6346", "POST / HTTP/1.1\r\n\r\n", ""},
		{"127.20.1.1:6346", "LIMEWIRE CONNECT/0.1\n\n", ""},
		{"127.20.1.2:6346", "GET / HTTP/1.1\r\n\r\n", ""},
		{"127.20.1.2:6346", "\x16\x03\x01\x00\x05", ""},
	} {
		conn := connect(t, test.to)
		if test.want != "" && strings.HasPrefix(test.want, "GNUTELLA") {
			conn.Write([]byte(test.hello)) // it waits for the ack, which does not come
			conn.(*net.TCPConn).CloseWrite()
			test.hello = ""
		}
		if got, closed := said(t, conn, test.hello); !strings.HasPrefix(got, test.want) || test.want == "" && got != "" || !closed {
			t.Errorf("%s, %.20q: answer %.60q, closed %v; want %q", test.to, test.hello, got, closed, test.want)
		}
	}
	for hello, want := range map[string]string{
		"GET /x HTTP/1.0\r\n\r\n": "HTTP/1.1 404 Not Found\r\n",
		"\x16\x03\x01":            "", // TLS within TLS
	} {
		if got, _ := said(t, tlsTo(t, "127.20.1.1:6346"), hello); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("within TLS, %q: answer %q, want %q", hello, got, want)
		}
	}
}

// TestSlowFirstLine: the first word may come byte by byte.
func TestSlowFirstLine(t *testing.T) {
	t.Parallel()
	c := ultrapeer("127.20.1.3:6346")
	c.Uploads = &transfer.Config{}
	run(t, c)
	conn := connect(t, "127.20.1.3:6346")
	conn.(*net.TCPConn).SetNoDelay(true)
	for _, b := range []byte("GET") {
		conn.Write([]byte{b})
	}
	if got, _ := said(t, conn, " /x HTTP/1.0\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 404 ") {
		t.Errorf("answer %q", got)
	}
}

// A recorder is a way out that remembers the first bytes that a node wrote on each connection.
type recorder struct {
	servent.Internet
	from  string
	dials atomic.Int32
	hello chan []byte
}

func newRecorder() *recorder { return &recorder{hello: make(chan []byte, 16)} }

func (r *recorder) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	r.dials.Add(1)
	c, err := r.Internet.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &recorded{TCPConn: c.(*net.TCPConn), first: r.hello}, nil
}

type recorded struct {
	*net.TCPConn
	first chan<- []byte
}

func (c *recorded) Write(b []byte) (int, error) {
	if c.first != nil {
		c.first <- bytes.Clone(b)
		c.first = nil
	}
	return c.TCPConn.Write(b)
}

// TestTLSLinks links nodes that both know TLS, one that does not to one that does, and the other way round.
func TestTLSLinks(t *testing.T) {
	t.Parallel()
	for i, c := range []struct{ dialler, acceptor, deflate bool }{
		{true, true, false}, {true, true, true}, {true, false, true}, {false, true, true},
	} {
		prefix := "127.20.2." + string(rune('0'+2*i))
		a, b := ultrapeer(prefix+":6346"), ultrapeer(prefix+":6347")
		a.TLS, b.TLS, b.Deflate = c.acceptor, c.dialler, c.deflate
		b.Connect = append(b.Connect, a.Addr)
		out := newRecorder()
		b.Net = out
		host := run(t, a)
		run(t, b)
		if e := host.began(t); e.Addr != b.Addr {
			t.Errorf("%+v: link to %v", c, e.Addr)
		}
		if hello := string(<-out.hello); strings.Contains(hello, "Upgrade: TLS/1.0\r\n") != c.dialler {
			t.Errorf("%+v: hello %q", c, hello)
		}
		pinged(t, a.Addr.String(), b.Addr.String())
	}
}

// pinged asks a host for its neighbours until it lists want with a PONG of its own: the link between them carries messages.
func pinged(t *testing.T, to, want string) {
	t.Helper()
	l := join(t, to)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		l.Send(message.Message{GUID: message.NewGUID(), TTL: 2, Body: &message.Ping{}})
		l.Send(message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}})
		for {
			m, pong := next[*message.Pong](t, l)
			if m.Hops > 0 && pong.Addr.String() == want {
				return
			}
			if m.Hops == 0 {
				break
			}
		}
	}
	t.Errorf("%s has no PONG of %s", to, want)
}

// TestUpgradeByHeader upgrades a link to a node in plaintext, from the side of a client.
func TestUpgradeByHeader(t *testing.T) {
	t.Parallel()
	c := ultrapeer("127.20.3.1:6346")
	c.TLS = true
	run(t, c)
	offer := append(fields("X-Ultrapeer", "False", "Accept-Encoding", "deflate"), handshake.UpgradeOffer)
	s, err := handshake.DialFunc(within(t), connect(t, "127.20.3.1:6346"), offer, func(answer handshake.Fields) handshake.Reply {
		if !answer.Lists("X-Features", "tls/1.0") {
			t.Errorf("answer %v does not tell of TLS", answer)
		}
		return handshake.Accepted(handshake.UpgradeFields)
	})
	if err != nil || !s.Upgrade || !s.Inflate {
		t.Fatalf("session %+v, error %v", s, err)
	}
	ours, err := handshake.NewTLS()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Secure(within(t), ours.Client); err != nil {
		t.Fatal(err)
	}
	l := link.New(s, link.Config{})
	done := make(chan error)
	go func() { done <- l.Run(t.Context()) }()
	defer func() { l.Close(); <-done }()
	l.Send(message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}})
	next[*message.Pong](t, l)
}

// A mute host closes connections that do not begin with a word, without an answer. It passes on the others.
func mute(t *testing.T, at, word string) <-chan net.Conn {
	t.Helper()
	l, err := net.Listen("tcp4", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	come := make(chan net.Conn, 16)
	go func() {
		defer close(come)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b := make([]byte, len(word))
			if _, err := io.ReadFull(c, b); err == nil && string(b) == word {
				come <- c
				continue
			}
			c.(*net.TCPConn).SetLinger(0) // a reset
			c.Close()
		}
	}()
	return come
}

// TestDirectTLSAfterReset: a host that resets a plain hello is dialled by TLS.
func TestDirectTLSAfterReset(t *testing.T) {
	t.Parallel()
	come := mute(t, "127.20.4.1:6346", "\x16\x03")
	c := ultrapeer("127.20.4.2:6346")
	c.TLS, c.Connect = true, append(c.Connect, addr("127.20.4.1:6346"))
	node := run(t, c)
	ours, err := handshake.NewTLS()
	if err != nil {
		t.Fatal(err)
	}
	conn := <-come
	secure, err := ours.Server(within(t), &prefixed{Conn: conn, read: []byte("\x16\x03")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := handshake.Accept(within(t), secure, func(hello handshake.Fields) handshake.Reply {
		if hello.Has("Upgrade") {
			t.Errorf("TLS within TLS is offered: %v", hello)
		}
		return handshake.Accepted(fields("X-Ultrapeer", "True"))
	}); err != nil {
		t.Fatal(err)
	}
	node.began(t)
	secure.Close()
}

// A prefixed connection gives back what was read of it.
type prefixed struct {
	net.Conn
	read []byte
}

func (c *prefixed) Read(b []byte) (int, error) {
	if len(c.read) > 0 {
		n := copy(b, c.read)
		c.read = c.read[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// TestOldLinks: a node that speaks 0.4 does so with a host that knows nothing else, from both sides; others do not.
func TestOldLinks(t *testing.T) {
	t.Parallel()
	come := mute(t, "127.20.5.1:6346", "GNUTELLA CONNECT/0.4\n\n")
	c := ultrapeer("127.20.5.2:6346")
	c.Old, c.Connect = true, append(c.Connect, addr("127.20.5.1:6346"))
	node := run(t, c)
	conn := <-come
	defer conn.Close()
	conn.Write([]byte("GNUTELLA OK\n\n"))
	node.began(t)

	s, err := handshake.DialOld(within(t), connect(t, "127.20.5.2:6346"))
	if err != nil {
		t.Fatal(err)
	}
	if e := node.began(t); e.Role != servent.Ultrapeer || e.Addr.IsValid() {
		t.Errorf("link %+v", e)
	}
	s.Conn.Close()

	strict := ultrapeer("127.20.5.3:6346")
	strict.Connect = append(strict.Connect, addr("127.20.5.1:6346"))
	out := newRecorder()
	strict.Net = out
	run(t, strict)
	for range 2 {
		if hello := string(<-out.hello); !strings.HasPrefix(hello, "GNUTELLA CONNECT/0.6\r\n") {
			t.Errorf("a node that does not speak 0.4 said %q", hello)
		}
	}
	full := ultrapeer("127.20.5.4:6346")
	full.Old, full.Slots = true, servent.Slots{}
	run(t, full)
	if _, err := handshake.DialOld(within(t), connect(t, "127.20.5.4:6346")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("full node: %v", err)
	}
}

// TestManners: a crawler that comes back too soon is refused, then banned, then not heard.
func TestManners(t *testing.T) {
	t.Parallel()
	c := ultrapeer("127.20.6.1:6346")
	c.Manners = servent.Strict
	run(t, c)
	crawl := func() (int, string, handshake.Fields, error) {
		return handshake.Crawl(within(t), connect(t, "127.20.6.1:6346"), fields("Crawler", "0.1"))
	}
	for _, want := range []struct {
		code   int
		reason string
	}{{200, "OK"}, {403, "Too frequent crawling"}, {429, "Banned for 5m 0s"}} {
		if code, reason, theirs, err := crawl(); err != nil || code != want.code || reason != want.reason ||
			code != 200 && theirs.Has("X-Try-Ultrapeers") {
			t.Errorf("%d %s, %v, error %v; want %d %s", code, reason, theirs, err, want.code, want.reason)
		}
	}
	if code, reason, _, err := crawl(); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a banned host got %d %s, error %v", code, reason, err)
	}
}

// TestMannersByUDP: the second PING and the second crawler ping of one address get no answer, those of another do.
func TestMannersByUDP(t *testing.T) {
	t.Parallel()
	c := ultrapeer("127.20.7.1:6346")
	c.Manners = servent.Strict
	run(t, c)
	answers := func(from string) (kinds []message.Type) {
		u, err := (&net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(addr(from))}).DialContext(within(t), "udp4", "127.20.7.1:6346")
		if err != nil {
			t.Fatal(err)
		}
		defer u.Close()
		for _, body := range []message.Body{
			&message.Ping{}, &message.Ping{}, new(message.CrawlerPing).Vendor(), new(message.CrawlerPing).Vendor(),
		} {
			b, err := message.Append(nil, message.Message{GUID: message.NewGUID(), TTL: 1, Body: body})
			if err != nil {
				t.Fatal(err)
			}
			u.Write(b)
		}
		b := make([]byte, 2048)
		for range 2 {
			u.SetReadDeadline(time.Now().Add(patience))
			n, err := u.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			m, err := message.ParseDatagram(b[:n])
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, m.Body.Type())
		}
		return kinds
	}
	want := []message.Type{message.TypePong, message.TypeVendor}
	for _, from := range []string{"127.20.7.2:6346", "127.20.7.3:6346"} {
		if got := answers(from); !slices.Equal(got, want) {
			t.Errorf("%s: answers %v, want %v", from, got, want)
		}
	}
}
