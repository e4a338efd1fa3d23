package servent_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gnucensus/servent"
	"gnucensus/servent/ggep"
	"gnucensus/servent/handshake"
	"gnucensus/servent/library"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
)

// TestMain checks that no node leaves a goroutine behind.
func TestMain(m *testing.M) {
	if at := os.Getenv(loadedAt); at != "" {
		if err := runLoaded(at); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if code == 0 && bytes.Contains(stacks, []byte("servent.(*Node)")) {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", stacks)
		code = 1
	}
	os.Exit(code)
}

const patience = time.Minute // a test that waits longer has failed

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// ultrapeer is a configuration with room for newcomers, to be changed.
func ultrapeer(at string) servent.Config {
	return servent.Config{
		Addr: addr(at), Role: servent.Ultrapeer, Agent: "gtk-gnutella/1.2.3", Dialect: servent.GTKG,
		Vendor: ggep.Vendor{Code: message.GTKG, Version: 0x83}, Slots: servent.Slots{Ultrapeers: 5, Leaves: 20},
		HopWait: 50 * time.Millisecond, TableWait: time.Millisecond, HitWait: time.Millisecond,
	}
}

func leaf(at string) servent.Config {
	c := ultrapeer(at)
	c.Role, c.Slots = servent.Leaf, servent.Slots{Ultrapeers: 3}
	return c
}

// A running is a node and the events of its links.
type running struct {
	*servent.Node
	stop  func() // and wait
	links chan servent.LinkEvent
}

// run runs a node that listens when run returns.
func run(t *testing.T, c servent.Config) *running {
	t.Helper()
	r := &running{links: make(chan servent.LinkEvent, 64)}
	c.OnLink = func(e servent.LinkEvent) { r.links <- e }
	listening := make(chan struct{})
	c.OnListen = func() { close(listening) }
	n, err := servent.New(c)
	if err != nil {
		t.Fatal(err)
	}
	r.Node = n
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run %v: %v", c.Addr, err)
		}
	})
	t.Cleanup(r.stop)
	if c.Firewalled {
		return r
	}
	select {
	case <-listening:
	case err := <-ended:
		ended <- nil
		t.Fatalf("run %v: %v", c.Addr, err)
	}
	return r
}

// settle waits until every table that is told between the nodes has come.
func settle(t *testing.T, nodes ...*running) {
	t.Helper()
	ctx, look := within(t), time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !settled(nodes) {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatal("tables do not come")
		}
	}
}

func settled(nodes []*running) bool {
	type way struct{ from, to netip.AddrPort }
	sent, received := make(map[way]int), make(map[way]int)
	for _, n := range nodes {
		for _, l := range n.Links() {
			if l.TableDue {
				return false
			}
			sent[way{n.Addr(), l.Addr}], received[way{l.Addr, n.Addr()}] = l.TableSent, l.TableReceived
		}
	}
	for w, slots := range sent {
		if other, ours := received[w]; ours && other != slots {
			return false
		}
	}
	return true
}

// began waits for the next link.
func (r *running) began(t *testing.T) servent.LinkEvent {
	t.Helper()
	e := r.event(t)
	if !e.Began {
		t.Fatalf("link to %v ended", e.Addr)
	}
	return e
}

// event waits for the next event.
func (r *running) event(t *testing.T) servent.LinkEvent {
	t.Helper()
	select {
	case e := <-r.links:
		return e
	case <-time.After(patience):
		t.Fatal("no link")
	}
	panic("unreachable")
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func connect(t testing.TB, to string) net.Conn {
	t.Helper()
	var d net.Dialer
	c, err := d.DialContext(within(t), "tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func fields(pairs ...string) (f handshake.Fields) {
	for i := 0; i < len(pairs); i += 2 {
		f = append(f, handshake.Field{Name: pairs[i], Value: pairs[i+1]})
	}
	return f
}

// join links a client to a node, as a leaf unless the fields say otherwise.
func join(t *testing.T, to string, offer ...string) *link.Link {
	t.Helper()
	s, err := handshake.Dial(within(t), connect(t, to), fields(append(offer, "X-Ultrapeer", "False", "Bye-Packet", "0.1")...))
	if err != nil {
		t.Fatal(err)
	}
	return linked(t, s)
}

// linked makes a link of a client's session.
func linked(t *testing.T, s *handshake.Session) *link.Link {
	l := link.New(s, link.Config{})
	done := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() { cancel(); l.Close(); <-done })
	return l
}

// next returns the next message that is of type B; the node's own PINGs and others are passed over.
func next[B message.Body](t *testing.T, l *link.Link) (message.Message, B) {
	t.Helper()
	for {
		m, err := l.Receive(within(t))
		if err != nil {
			t.Fatal(err)
		}
		if body, ok := m.Body.(B); ok {
			return m, body
		}
	}
}

func refusal(t *testing.T, to string, offer ...string) *handshake.Refused {
	t.Helper()
	s, err := handshake.Dial(within(t), connect(t, to), fields(offer...))
	var refused *handshake.Refused
	if !errors.As(err, &refused) {
		t.Fatalf("session %v, error %v; want a refusal", s, err)
	}
	return refused
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*servent.Config){
		"address":       func(c *servent.Config) { c.Addr = netip.AddrPort{} },
		"one of IPv6":   func(c *servent.Config) { c.Addr6 = addr("127.30.0.1:6346") },
		"beside":        func(c *servent.Config) { c.Addr, c.Addr6 = addr("[::1]:6346"), addr("[::1]:6346") },
		"same port":     func(c *servent.Config) { c.Addr6 = addr("[::1]:6347") },
		"port":          func(c *servent.Config) { c.Addr = addr("127.30.0.1:0") },
		"role":          func(c *servent.Config) { c.Role = "hub" },
		"leaf has none": func(c *servent.Config) { c.Role = servent.Leaf },
		"negative":      func(c *servent.Config) { c.Slots.Leaves = -1 },
		"manners":       func(c *servent.Config) { c.Manners.Handshakes = -1 },
	} {
		c := ultrapeer("127.30.0.1:6346")
		change(&c)
		if _, err := servent.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one with %q", err, want)
		}
	}
}

func TestRunTellsWhyItCannotListen(t *testing.T) {
	t.Parallel()
	run(t, ultrapeer("127.30.1.1:6346"))
	second := ultrapeer("127.30.1.1:6346")
	second.OnListen = func() { t.Error("says that it listens") }
	n, err := servent.New(second)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Run(within(t)); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("error %v; want address in use", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	full := ultrapeer("127.30.2.1:6346")
	full.Slots = servent.Slots{}
	for i := range 12 {
		full.Known = append(full.Known, netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)}), 6346))
	}
	run(t, full)
	run(t, leaf("127.30.2.2:6346"))
	lime := leaf("127.30.2.3:6346")
	lime.Dialect = servent.LimeWire
	run(t, lime)
	roomy := run(t, ultrapeer("127.30.2.4:6346"))
	join(t, "127.30.2.4:6346", "Node", "127.30.2.9:6346")
	roomy.began(t)

	for _, c := range []struct {
		to     string
		offer  []string
		code   int
		reason string
		try    []netip.AddrPort
	}{
		{"127.30.2.1:6346", []string{"X-Ultrapeer", "False"}, 503, "Too many leaf connections (0 max)", full.Known[:10]},
		{"127.30.2.1:6346", []string{"X-Ultrapeer", "True"}, 503, "Too many ultra connections (0 max)", full.Known[:10]},
		{"127.30.2.2:6346", []string{"X-Ultrapeer", "False"}, 204, "Shielded leaf node", nil},
		{"127.30.2.3:6346", []string{"X-Ultrapeer", "False"}, 503, "We're Leaves", nil},
		{"127.30.2.4:6346", []string{"X-Ultrapeer", "False", "Node", "127.30.2.9:6346"}, 409, "Already connected", nil},
		{"127.30.2.4:6346", []string{"X-Ultrapeer", "True", "Listen-IP", "127.30.2.4:6346"}, 409, "Already connected", nil},
	} {
		got := refusal(t, c.to, c.offer...)
		if got.Code != c.code || got.Reason != c.reason {
			t.Errorf("%s, %q: %d %s; want %d %s", c.to, c.offer, got.Code, got.Reason, c.code, c.reason)
		}
		if diff := cmp.Diff(c.try, got.TryUltrapeers(), comparable, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s, %q: hosts to try (-want +got):\n%s", c.to, c.offer, diff)
		}
	}
}

// TestRefusalsThatAllRead: a servent that speaks to all of them writes its proposals in one line, as a leaf too.
func TestRefusalsThatAllRead(t *testing.T) {
	t.Parallel()
	c := leaf("127.64.7.1:6346")
	c.Dialect = servent.Modern
	for i := range 10 {
		c.Known = append(c.Known, netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), 6346))
	}
	run(t, c)
	answer, ok := said(t, connect(t, "127.64.7.1:6346"), "GNUTELLA CONNECT/0.6\r\nX-Ultrapeer: False\r\n\r\n")
	if !ok || !strings.HasPrefix(answer, "GNUTELLA/0.6 503 Shielded leaf node\r\n") ||
		!strings.Contains(answer, "\r\nX-Try-Ultrapeers: 192.0.2.1:6346, ") || strings.Contains(answer, "\n\t") {
		t.Errorf("answer %q", answer)
	}
}

func TestRefusalIsFoldedAsByGTKG(t *testing.T) {
	t.Parallel()
	c := ultrapeer("127.30.3.1:6346")
	c.Slots = servent.Slots{}
	c.Known = []netip.AddrPort{addr("192.0.2.1:1"), addr("192.0.2.2:2"), addr("192.0.2.3:3"), addr("192.0.2.4:4")}
	run(t, c)
	conn := connect(t, "127.30.3.1:6346")
	conn.Write([]byte("GNUTELLA CONNECT/0.6\r\nX-Ultrapeer: False\r\n\r\n"))
	var got bytes.Buffer
	conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := got.ReadFrom(conn); err != nil {
		t.Fatal(err)
	}
	want := "X-Try-Ultrapeers: 192.0.2.1:1, 192.0.2.2:2, 192.0.2.3:3,\r\n\t192.0.2.4:4\r\n"
	if !strings.Contains(got.String(), want) {
		t.Errorf("refusal %q does not hold %q", got.String(), want)
	}
}

func TestLostLinkIsDialledAgain(t *testing.T) {
	t.Parallel()
	a, b := ultrapeer("127.30.4.1:6346"), ultrapeer("127.30.4.2:6346")
	b.Connect = []netip.AddrPort{a.Addr}
	first := run(t, a)
	dialler := run(t, b)
	dialler.began(t)
	first.began(t)
	first.stop()
	if e := <-dialler.links; e.Began || e.Addr != a.Addr {
		t.Fatalf("event %+v; want the end of the link", e)
	}
	again := run(t, a)
	if e := again.began(t); e.Addr != b.Addr || e.Role != servent.Ultrapeer {
		t.Errorf("new link %+v; want one to %v", e, b.Addr)
	}
}

func TestFirewalledNodeOnlyDials(t *testing.T) {
	t.Parallel()
	up, wall := ultrapeer("127.30.5.1:6346"), leaf("127.30.5.2:6346")
	wall.Firewalled, wall.Connect = true, []netip.AddrPort{up.Addr}
	wall.Library = library.New([]library.File{{Name: "behind the wall.txt", Size: 1}})
	host, behind := run(t, up), run(t, wall)
	host.began(t)
	behind.began(t)
	settle(t, host, behind)
	if _, err := net.DialTimeout("tcp4", "127.30.5.2:6346", patience); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v; want connection refused", err)
	}
	l := join(t, "127.30.5.1:6346")
	id := message.NewGUID()
	l.Send(message.Message{GUID: id, TTL: 2, Body: &message.Query{Flags: message.QueryMark, Words: "wall"}})
	_, hit := next[*message.QueryHit](t, l)
	qhd, ok := hit.QHD()
	if !ok || qhd.Flags().Push == nil || !*qhd.Flags().Push {
		t.Errorf("hit of a firewalled host has flags %+v", qhd.Flags())
	}
}

func TestGoodbyes(t *testing.T) {
	t.Parallel()
	host := run(t, ultrapeer("127.30.6.1:6346"))
	relay, patient := join(t, "127.30.6.1:6346"), join(t, "127.30.6.1:6346")
	host.began(t)
	host.began(t)
	relay.Send(message.Message{GUID: message.NewGUID(), TTL: 1, Hops: 1, Body: &message.Ping{}})
	if _, bye := next[*message.Bye](t, relay); bye.Code != 414 {
		t.Errorf("a leaf that relays got BYE %d", bye.Code)
	}
	relay.Close()
	go host.stop()
	if _, bye := next[*message.Bye](t, patient); bye.Code != 200 {
		t.Errorf("shutdown: BYE %d", bye.Code)
	}
	patient.Close()
	host.stop()
}

func TestNodeOutlivesHostileBytes(t *testing.T) {
	t.Parallel()
	run(t, ultrapeer("127.30.7.1:6346"))
	for _, hello := range []string{
		"", "\n\n", "GET / HTTP/1.1\r\n\r\n", "GNUTELLA CONNECT/0.4\n\n", "GNUTELLA CONNECT/0.6\r\n: \r\n\r\n",
		"GNUTELLA CONNECT/0.6\r\n" + strings.Repeat("X: y\r\n", 1000) + "\r\n",
		"GNUTELLA CONNECT/0.6\r\nX-Ultrapeer: False\r\nNode: 999.1.1.1:0, [::1]:1, x\r\n\r\nGNUTELLA/0.6 200 OK\r\n\r\n" +
			strings.Repeat("\xff", 64),
	} {
		conn := connect(t, "127.30.7.1:6346")
		conn.Write([]byte(hello))
		conn.(*net.TCPConn).CloseWrite()
		conn.SetReadDeadline(time.Now().Add(patience))
		var answer bytes.Buffer
		if _, err := answer.ReadFrom(conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("hello %.40q: the node keeps the connection", hello)
		}
	}
	u := datagrams(t, "127.30.7.1:6346")
	for _, d := range []string{"", "x", strings.Repeat("\x00", 23), strings.Repeat("\xff", 23), strings.Repeat("\x31", 4096)} {
		u.Write([]byte(d))
	}
	if pong := u.ask(t, message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}}); pong == nil {
		t.Error("no PONG after hostile datagrams")
	}
	l := join(t, "127.30.7.1:6346")
	l.Send(message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}})
	next[*message.Pong](t, l)
}
