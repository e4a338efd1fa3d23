package servent_test

import (
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent"
	"gnucensus/servent/ggep"
	"gnucensus/servent/handshake"
	"gnucensus/servent/library"
	"gnucensus/servent/message"
)

// needIPv6 skips a test on a machine whose loopback is IPv4 alone.
func needIPv6(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skipf("this machine has no IPv6: %v", err)
	}
	l.Close()
}

// dual is a configuration with an address of each family.
func dual(at string) servent.Config {
	c := ultrapeer(at)
	c.Addr6 = netip.AddrPortFrom(netip.IPv6Loopback(), c.Addr.Port())
	c.GUID = message.NewGUID()
	return c
}

// TestLinksOverIPv6 links a node with both families to one with IPv6 alone, and looks at what the former tells of it.
func TestLinksOverIPv6(t *testing.T) {
	t.Parallel()
	needIPv6(t)
	both, six := dual("127.20.60.1:20601"), ultrapeer("[::1]:20602")
	both.Library = library.New([]library.File{{Name: "six.txt", Size: 1}})
	six.Connect = []netip.AddrPort{both.Addr6}
	host := run(t, both)
	node := run(t, six)
	if e := host.began(t); e.Addr != six.Addr {
		t.Errorf("link to %v", e.Addr)
	}
	if e := node.began(t); e.Addr != both.Addr6 {
		t.Errorf("link to %v", e.Addr)
	}
	for _, to := range []string{both.Addr.String(), both.Addr6.String()} {
		code, _, theirs, err := handshake.Crawl(within(t), connect(t, to), fields("Crawler", "0.1"))
		if got := theirs.Get("Peers"); err != nil || code != 200 || got != "[::1]:20602" {
			t.Errorf("%s: %d, peers %q, error %v", to, code, got, err)
		}
	}
	pingedOverIPv6(t, both, six.Addr)

	l := join(t, both.Addr6.String())
	l.Send(message.Message{GUID: message.NewGUID(), TTL: 2, Body: &message.Query{Flags: message.QueryMark, Words: "six"}})
	_, hit := next[*message.QueryHit](t, l)
	qhd, _ := hit.QHD()
	if v6, ok := qhd.GGEP().IPv6(); hit.Addr != both.Addr || !ok || v6 != netip.IPv6Loopback() || !qhd.Flags().GGEP {
		t.Errorf("hit of %v, GGEP %v", hit.Addr, qhd.GGEP())
	}
}

// pingedOverIPv6 looks at the PONGs of a node over a link of IPv6: its own, and that of its neighbour with IPv6 alone.
func pingedOverIPv6(t *testing.T, node servent.Config, neighbour netip.AddrPort) {
	t.Helper()
	l := join(t, node.Addr6.String())
	for {
		fence := message.NewGUID()
		l.Send(message.Message{GUID: message.NewGUID(), TTL: 2, Body: &message.Ping{}})
		l.Send(message.Message{GUID: fence, TTL: 1, Body: &message.Ping{}})
		m, pong := next[*message.Pong](t, l)
		if m.GUID == fence {
			if diff := cmp.Diff([]netip.AddrPort{node.Addr, node.Addr6}, pong.Addrs(), comparable); diff != "" {
				t.Errorf("own PONG (-want +got):\n%s", diff)
			}
			continue // the neighbour has not told of itself yet
		}
		if diff := cmp.Diff([]netip.AddrPort{neighbour}, pong.Addrs(), comparable); diff != "" {
			t.Errorf("PONG of the neighbour (-want +got):\n%s", diff)
		}
		return
	}
}

// TestHellosOfFamilies looks at what nodes say of their addresses.
func TestHellosOfFamilies(t *testing.T) {
	t.Parallel()
	needIPv6(t)
	lime := dual("127.20.61.2:20612")
	lime.Dialect = servent.LimeWire
	for i, c := range []struct {
		servent.Config
		name, listening, features string
	}{
		{dual("127.20.61.1:20611"), "Node", "127.20.61.1:20611, [::1]:20611", "IP/6.0"},
		{ultrapeer("[::1]:20613"), "Node", "[::1]:20613", "IP/6.4"},
		{ultrapeer("127.20.61.3:20614"), "Node", "127.20.61.3:20614", ""},
		{lime, "Listen-IP", "127.20.61.2:20612", "IP/6.0"},
		{dual("127.20.61.4:20615"), "Listen-IP", "127.20.61.4:20615", "IP/6.0"}, // which LimeWire reads, and no Node
	} {
		at := fmt.Sprintf("127.20.61.%d:6346", 100+i)
		if !c.Addr.Addr().Is4() {
			at = "[::1]:20619"
		}
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c.Connect = []netip.AddrPort{addr(at)}
		run(t, c.Config)
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		handshake.Accept(within(t), conn, func(hello handshake.Fields) handshake.Reply {
			if hello.Get(c.name) != c.listening || hello.Get("X-Features") != c.features {
				t.Errorf("%v: %s %q, X-Features %q", c.Addr, c.name, hello.Get(c.name), hello.Get("X-Features"))
			}
			return handshake.Reply{Code: 503, Reason: "Seen"}
		})
		conn.Close()
	}
}

// TestHostsOfTheRightFamily: nobody is told of hosts that it cannot reach.
func TestHostsOfTheRightFamily(t *testing.T) {
	t.Parallel()
	needIPv6(t)
	c := dual("127.20.62.1:20621")
	c.Slots = servent.Slots{}
	four, six := addr("198.51.100.1:6346"), addr("[2001:db8::1]:6346")
	c.Known = []netip.AddrPort{six, four}
	run(t, c)
	for features, want := range map[string]string{
		"": "198.51.100.1:6346", "sflag/0.1, IP/6.0": "[2001:db8::1]:6346, 198.51.100.1:6346", "IP/6.4": "[2001:db8::1]:6346",
	} {
		got := refusal(t, c.Addr.String(), "X-Ultrapeer", "False", "X-Features", features)
		if named := handshake.FormatAddrs(got.TryUltrapeers()); named != want {
			t.Errorf("X-Features %q: %q, want %q", features, named, want)
		}
	}
	for _, to := range []netip.AddrPort{c.Addr, c.Addr6} {
		for wishes, want := range map[uint8][]ggep.Host{
			0:                                  {{Addr: four}},
			ggep.SCPIPv6:                       {{Addr: four}, {Addr: six}},
			ggep.SCPIPv6 | ggep.SCPNoIPv4:      {{Addr: six}},
			ggep.SCPNoIPv4 | ggep.SCPUltrapeer: nil,
		} {
			pong, ok := datagrams(t, to.String()).ask(t, scpPing(t, wishes)).(*message.Pong)
			if !ok {
				t.Fatalf("%v: no PONG", to)
			}
			if diff := cmp.Diff(want, pong.GGEP().IPP(), comparable); diff != "" {
				t.Errorf("%v, wishes %#x (-want +got):\n%s", to, wishes, diff)
			}
		}
	}
}

// TestCacheOverIPv6: a node with IPv6 alone finds hosts through a UDP host cache at an IPv6 address.
func TestCacheOverIPv6(t *testing.T) {
	t.Parallel()
	needIPv6(t)
	cache, host := dual("127.20.63.1:20631"), ultrapeer("[::1]:20632")
	cache.UDPHC, cache.Slots, cache.Known = true, servent.Slots{}, []netip.AddrPort{host.Addr, addr("127.20.63.2:6346")}
	run(t, cache)
	run(t, host)
	c := seeking("[::1]:20633", 1)
	c.Bootstrap.UDPCaches = []string{cache.Addr6.String()}
	if e := run(t, c).began(t); e.Addr != host.Addr {
		t.Errorf("link to %v", e.Addr)
	}
}

// TestUDPCrawlLeavesIPv6Out: its entries have no room for it.
func TestUDPCrawlLeavesIPv6Out(t *testing.T) {
	t.Parallel()
	needIPv6(t)
	c := ultrapeer("127.20.64.1:20641")
	host := run(t, c)
	join(t, c.Addr.String(), "Node", "[2001:db8::5]:6346")
	host.began(t)
	join(t, c.Addr.String(), "Node-IPv6", "[2001:db8::6]:6346", "X-My-Address", "198.51.100.6:6346")
	if e := host.began(t); e.Addr != addr("198.51.100.6:6346") {
		t.Errorf("the neighbour is %v", e.Addr)
	}
	ping := message.CrawlerPing{Ultrapeers: 255, Leaves: 255}
	body := datagrams(t, c.Addr.String()).ask(t, message.Message{GUID: message.NewGUID(), TTL: 1, Body: ping.Vendor()})
	pong, err := message.ParseCrawlerPong(body.(*message.Vendor))
	if err != nil || len(pong.Leaves) != 1 || pong.Leaves[0].Addr != addr("198.51.100.6:6346") {
		t.Errorf("leaves %v, error %v", pong.Leaves, err)
	}
}

// TestSearchOverIPv6: a host with IPv6 alone gets hits by UDP, as a leaf of one that has both, and by GUESS; it says that it has
// no use for others.
func TestSearchOverIPv6(t *testing.T) {
	t.Parallel()
	needIPv6(t)
	near, far, six := dual("127.64.4.1:6461"), dual("127.64.4.2:6462"), leaf("[::1]:6463")
	far.Library = library.New([]library.File{{Name: "far.txt"}})
	far.Connect, six.Connect = []netip.AddrPort{near.Addr}, []netip.AddrPort{near.Addr6}
	host := run(t, near)
	for _, c := range []servent.Config{far, six} {
		node := run(t, c)
		node.began(t)
		host.began(t)
		if c.Addr != six.Addr {
			continue
		}
		hit := firstHits(t, node, message.Query{Flags: message.QueryOOB, Words: "far"}, 1)[0]
		if hit.Path != servent.OutOfBand || hit.Responder != far.Addr6 {
			t.Errorf("hit %+v", hit)
		}
		for hit := range node.Guess(within(t), message.Query{Words: "far"}, []netip.AddrPort{far.Addr6}) {
			if hit.Path != servent.Guess || hit.QueryHit.Addr != far.Addr {
				t.Errorf("hit %+v", hit)
			}
			break
		}
	}
}

// TestNoUseForIPv4: who has IPv6 alone gets no hits of who has none.
func TestNoUseForIPv4(t *testing.T) {
	t.Parallel()
	c := ultrapeer("127.64.5.1:6346")
	c.Library = library.New([]library.File{{Name: "four.txt"}})
	run(t, c)
	l := join(t, "127.64.5.1:6346")
	for _, alone := range []bool{true, false} {
		l.Send(message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Query{
			Flags: message.QueryMark, Words: "four", Tail: tail(t, ggep.I6(alone)),
		}})
	}
	fence := message.NewGUID()
	l.Send(message.Message{GUID: fence, TTL: 1, Body: &message.Ping{}})
	for hits := 0; ; {
		m, err := l.Receive(within(t))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case m.Body.Type() == message.TypeQueryHit:
			hits++
		case m.GUID == fence:
			if hits != 1 {
				t.Errorf("%d hits, want the one of who takes both", hits)
			}
			return
		}
	}
}
