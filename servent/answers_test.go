package servent_test

import (
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent"
	"gnucensus/servent/ggep"
	"gnucensus/servent/handshake"
	"gnucensus/servent/library"
	"gnucensus/servent/message"
)

// A socket is a client's UDP socket, connected to one node.
type socket struct{ net.Conn }

func datagrams(t *testing.T, to string) socket {
	t.Helper()
	c, err := net.Dial("udp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return socket{c}
}

// ask sends a request and returns the body of the answer with its GUID. With a PING after each request that may stay without
// an answer, silence needs no waiting: a node answers in order.
func (s socket) ask(t *testing.T, m message.Message) message.Body {
	t.Helper()
	fence := message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}}
	for _, out := range []message.Message{m, fence} {
		b, err := message.Append(nil, out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	var answer message.Body
	for {
		b := make([]byte, 1<<16)
		s.SetReadDeadline(time.Now().Add(patience))
		n, err := s.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := message.ParseDatagram(b[:n])
		if err != nil {
			t.Fatal(err)
		}
		switch got.GUID {
		case m.GUID:
			answer = got.Body
		case fence.GUID:
			return answer
		}
	}
}

// network starts an ultrapeer of the dialect with one ultrapeer and two leaves as neighbours, all under one prefix.
func network(t *testing.T, prefix string, d servent.Dialect) (center servent.Config) {
	t.Helper()
	center = ultrapeer(prefix + ".1:6346")
	center.Dialect = d
	center.Library = library.New([]library.File{{Name: "one.txt", Size: 3000 << 10}, {Name: "two.txt", Size: 1}})
	center.Known = []netip.AddrPort{addr("198.51.100.1:6346")}
	host := run(t, center)
	for i, c := range []servent.Config{ultrapeer(prefix + ".2:6346"), leaf(prefix + ".3:6346"), leaf(prefix + ".4:6346")} {
		c.Agent = "neighbour;" + strconv.Itoa(i)
		c.Dialect, c.Connect = d, []netip.AddrPort{center.Addr}
		c.Library = library.New([]library.File{{Name: "far.txt", Size: 20 << 10}})
		neighbour := run(t, c)
		host.began(t) // one after another, so that the order of the lists is known
		neighbour.began(t)
	}
	return center
}

func TestCrawlHandshake(t *testing.T) {
	t.Parallel()
	network(t, "127.30.10", servent.GTKG)
	network(t, "127.30.11", servent.LimeWire)
	network(t, "127.30.12", servent.Plain)
	for _, c := range []struct {
		to     string
		code   int
		fields []string // name and value; a value "-" is a field that must be missing
	}{
		{"127.30.10.1:6346", 200, []string{
			"Peers", "127.30.10.2:6346", "Leaves", "127.30.10.3:6346, 127.30.10.4:6346", "X-Ultrapeer", "-"}},
		{"127.30.10.3:6346", 200, []string{"Peers", "127.30.10.1:6346", "Leaves", "-"}},
		{"127.30.11.1:6346", 593, []string{
			"Peers", "127.30.11.2:6346", "Leaves", "127.30.11.3:6346,127.30.11.4:6346", "X-Ultrapeer", "true"}},
		{"127.30.11.3:6346", 593, []string{"Peers", "127.30.11.1:6346", "Leaves", "", "X-Ultrapeer", "false"}},
		{"127.30.12.1:6346", 200, []string{"Peers", "-", "Leaves", "-", "X-Ultrapeer", "True"}},
		{"127.30.12.3:6346", 200, []string{"Peers", "-", "Leaves", "-", "X-Ultrapeer", "False"}},
	} {
		code, _, theirs, err := handshake.Crawl(within(t), connect(t, c.to), fields("Crawler", "0.1", "X-Ultrapeer", "False"))
		if err != nil || code != c.code {
			t.Errorf("%s: code %d, error %v; want %d", c.to, code, err, c.code)
		}
		for i := 0; i < len(c.fields); i += 2 {
			name, want := c.fields[i], c.fields[i+1]
			if got := theirs.Get(name); want == "-" && theirs.Has(name) || want != "-" && (got != want || !theirs.Has(name)) {
				t.Errorf("%s: %s is %q, want %q", c.to, name, got, want)
			}
		}
	}
}

// TestVisitorStays: who does not know crawlers keeps the connection, and answers its pings, but tells nobody of it.
func TestVisitorStays(t *testing.T) {
	t.Parallel()
	center := network(t, "127.30.13", servent.Plain)
	pinged(t, center.Addr.String(), "127.30.13.2:6346") // the neighbour has told of itself
	for _, to := range []string{"127.30.13.1:6346", "127.30.13.3:6346"} {
		l := join(t, to, "Crawler", "0.1", "Listen-IP", "127.30.13.9:6346")
		l.Send(message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}})
		if _, pong := next[*message.Pong](t, l); pong.Addr != addr(to) || len(pong.Tail) > 0 {
			t.Errorf("%s: PONG %+v", to, pong)
		}
		l.Send(message.Message{GUID: message.NewGUID(), TTL: 2, Body: &message.Ping{}})
		l.Send(message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}})
		if m, pong := next[*message.Pong](t, l); to == center.Addr.String() && pong.Addr != addr("127.30.13.2:6346") {
			t.Errorf("%s: the first neighbour is %+v in %+v", to, pong, m)
		}
	}
}

func TestPingsOnALink(t *testing.T) {
	t.Parallel()
	center := network(t, "127.30.14", servent.GTKG)
	pinged(t, center.Addr.String(), "127.30.14.2:6346") // it has said who it is
	l := join(t, center.Addr.String(), "Accept-Encoding", "deflate")
	alive, topology := message.NewGUID(), message.NewGUID()
	l.Send(message.Message{GUID: alive, TTL: 1, Body: &message.Ping{}})
	m, pong := next[*message.Pong](t, l)
	if m.GUID != alive || m.TTL != 1 || m.Hops != 0 || pong.Addr != center.Addr || pong.Files != 2 || pong.KiB != 2048 {
		t.Errorf("own PONG %+v in %+v", pong, m)
	}
	if _, ok := pong.GGEP().UP(); !ok {
		t.Error("an ultrapeer's PONG has no UP")
	}
	pinged(t, center.Addr.String(), "127.30.14.2:6346") // the neighbour has told of itself
	l.Send(message.Message{GUID: topology, TTL: 2, Body: &message.Ping{}})
	m, pong = next[*message.Pong](t, l)
	want := &message.Pong{Addr: addr("127.30.14.2:6346"), Files: 1, KiB: 16}
	if diff := cmp.Diff(want, pong, comparable); diff != "" || m.GUID != topology || m.Hops != 1 || m.TTL != 1 {
		t.Errorf("neighbour's PONG in %+v (-want +got):\n%s", m, diff)
	}
}

var comparable = cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })

func TestUDPPing(t *testing.T) {
	t.Parallel()
	network(t, "127.30.15", servent.GTKG)
	network(t, "127.30.16", servent.LimeWire)
	network(t, "127.30.17", servent.Plain)
	tail, err := ggep.Append(nil, ggep.SCP(1), ggep.IP(netip.AddrPort{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		to         string
		tail       []byte
		files, kib uint32
		vc, up, du bool
		ipp        []ggep.Host
	}{
		{"127.30.15.1:6346", nil, 2, 2048, true, true, true, nil},
		{"127.30.15.1:6346", tail, 2, 2048, true, true, true,
			[]ggep.Host{{Addr: addr("198.51.100.1:6346")}, {Addr: addr("127.30.15.2:6346")}}},
		{"127.30.15.3:6346", tail, 1, 21, true, false, true, []ggep.Host{{Addr: addr("127.30.15.1:6346")}}},
		{"127.30.16.1:6346", nil, 2, 2048, false, true, true, nil},
		{"127.30.17.1:6346", tail, 2, 2048, false, false, false, nil},
	} {
		u := datagrams(t, c.to)
		pong, ok := u.ask(t, message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{Tail: c.tail}}).(*message.Pong)
		if !ok {
			t.Errorf("%s: no PONG", c.to)
			continue
		}
		blocks := pong.GGEP()
		_, vc := blocks.VC()
		_, up := blocks.UP()
		_, du := blocks.DU()
		if pong.Addr != addr(c.to) || pong.Files != c.files || pong.KiB != c.kib || vc != c.vc || up != c.up || du != c.du {
			t.Errorf("%s: PONG %+v with VC %v, UP %v, DU %v", c.to, pong, vc, up, du)
		}
		if diff := cmp.Diff(c.ipp, blocks.IPP(), comparable); diff != "" {
			t.Errorf("%s: IPP (-want +got):\n%s", c.to, diff)
		}
		if ip, ok := blocks.IP(); ok != (c.tail != nil && c.du) || ok && ip.String() != u.LocalAddr().String() {
			t.Errorf("%s: IP %v, want %v", c.to, ip, u.LocalAddr())
		}
	}
}

func TestUDPCrawl(t *testing.T) {
	t.Parallel()
	network(t, "127.30.18", servent.GTKG)
	network(t, "127.30.19", servent.LimeWire)
	network(t, "127.30.20", servent.Classic)
	entries := func(locale string, hosts ...string) (list []message.CrawlerEntry) {
		for _, h := range hosts {
			e := message.CrawlerEntry{Addr: addr(h)}
			copy(e.Locale[:], locale)
			list = append(list, e)
		}
		return list
	}
	for _, c := range []struct {
		to       string
		ping     message.CrawlerPing
		features message.CrawlerFeatures
		ups      []message.CrawlerEntry
		leaves   []message.CrawlerEntry
		agents   []string
	}{
		{"127.30.18.1:6346", message.CrawlerPing{Ultrapeers: 255, Leaves: 255, Features: 0x7b}, 0x09,
			entries("", "127.30.18.2:6346"), entries("", "127.30.18.3:6346", "127.30.18.4:6346"),
			[]string{"neighbour;0", "neighbour;1", "neighbour;2"}},
		{"127.30.19.1:6346", message.CrawlerPing{Ultrapeers: 255, Leaves: 1, Features: 0x7b}, 0x7b,
			entries("en", "127.30.19.2:6346"), entries("en", "127.30.19.3:6346"), []string{"neighbour;0", "neighbour;1"}},
		{"127.30.19.3:6346", message.CrawlerPing{Ultrapeers: 255, Leaves: 255}, 0,
			entries("", "127.30.19.1:6346"), nil, []string{""}},
	} {
		body := datagrams(t, c.to).ask(t, message.Message{GUID: message.NewGUID(), TTL: 1, Body: c.ping.Vendor()})
		v, ok := body.(*message.Vendor)
		if !ok {
			t.Errorf("%s: answer %v", c.to, body)
			continue
		}
		pong, err := message.ParseCrawlerPong(v)
		if err != nil {
			t.Fatal(err)
		}
		agents, _, err := pong.Agents()
		if err != nil {
			t.Fatal(err)
		}
		if pong.Features != c.features {
			t.Errorf("%s: features %#x, want %#x", c.to, pong.Features, c.features)
		}
		for _, diff := range []string{
			cmp.Diff(c.ups, pong.Ultrapeers, comparable), cmp.Diff(c.leaves, pong.Leaves, comparable), cmp.Diff(c.agents, agents),
		} {
			if diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.to, diff)
			}
		}
	}
	ping := message.Message{GUID: message.NewGUID(), TTL: 1, Body: new(message.CrawlerPing).Vendor()}
	if body := datagrams(t, "127.30.20.1:6346").ask(t, ping); body != nil {
		t.Errorf("a classic servent answered the crawler ping: %+v", body)
	}
}
