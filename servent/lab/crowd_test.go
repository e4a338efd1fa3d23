package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent"
	"gnucensus/servent/ggep"
	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// startCrowd runs a crowd until the test ends, at ports that nobody else uses.
func startCrowd(t testing.TB, p CrowdPlan) *Crowd {
	t.Helper()
	for range 100 {
		p.Port = uint16(10_000 + rand.IntN(20_000))
		c, err := NewCrowd(p)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		ready, ended := make(chan struct{}), make(chan error, 1)
		go func() { ended <- c.Run(ctx, func() { close(ready) }) }()
		select {
		case <-ready:
			t.Cleanup(func() {
				stop()
				if err := <-ended; err != nil {
					t.Errorf("run crowd: %v", err)
				}
			})
			return c
		case err := <-ended:
			stop()
			if !errors.Is(err, syscall.EADDRINUSE) {
				t.Fatal(err)
			}
		}
	}
	t.Fatal("no port is free")
	return nil
}

var badCrowd = CrowdPlan{
	Hosts: 3000, Dead: 0.1, Silent: 0.1, Trimming: 0.01, Lying: 0.05, Base: netip.MustParseAddr("127.25.16.1"), Seed: 3,
}

// byAddress returns the truth of a crowd.
func byAddress(c *Crowd) map[netip.AddrPort]Host {
	hosts := make(map[netip.AddrPort]Host)
	for h := range c.Hosts() {
		hosts[h.Addr] = h
	}
	return hosts
}

// TestCrowdTellsTheTruth asks hosts of each behaviour and role in every way, and compares.
func TestCrowdTellsTheTruth(t *testing.T) {
	t.Parallel()
	c := startCrowd(t, badCrowd)
	hosts := byAddress(c)
	if len(hosts) != badCrowd.Hosts {
		t.Errorf("%d hosts", len(hosts))
	}
	const asked = 8 // of each kind
	met := make(map[string]int)
	for h := range c.Hosts() {
		kind := fmt.Sprintf("%s %s", h.Behaviour, h.Role)
		if met[kind]++; met[kind] > asked {
			continue
		}
		t.Run(fmt.Sprintf("%s %v", kind, h.Addr), func(t *testing.T) {
			t.Parallel()
			switch h.Behaviour {
			case Trimming:
				checkTrimmed(t, h)
			case Lying:
				checkLies(t, hosts, h)
			default:
				checkTCP(t, hosts, h)
				checkUDP(t, hosts, h)
			}
		})
	}
	want := []string{"dead leaf", "dead ultrapeer", "lying ultrapeer", "normal leaf", "normal ultrapeer", "silent leaf",
		"silent ultrapeer", "trimming ultrapeer"}
	for _, kind := range want {
		if met[kind] == 0 {
			t.Errorf("no host is a %s", kind)
		}
	}
	if len(met) != len(want) {
		t.Errorf("kinds of hosts: %v", met)
	}
}

// lists asks a host for its links in both ways.
func lists(t *testing.T, h Host) (byTCP, byUDP []netip.AddrPort) {
	t.Helper()
	_, theirs, err := crawl(t, h.Addr)
	if err != nil {
		t.Fatal(err)
	}
	ping := message.CrawlerPing{Ultrapeers: 255, Leaves: 255}
	v, ok := ask(t, h.Addr, ping.Vendor(), patience).(*message.Vendor)
	if !ok {
		t.Fatal("no crawler pong")
	}
	pong, err := message.ParseCrawlerPong(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range append(pong.Ultrapeers, pong.Leaves...) {
		byUDP = append(byUDP, e.Addr)
	}
	return theirs.Addrs("Peers", "Leaves"), byUDP
}

func checkTrimmed(t *testing.T, h Host) {
	byTCP, byUDP := lists(t, h)
	for _, list := range [][]netip.AddrPort{byTCP, byUDP} {
		if len(list) < 255 || len(list) >= len(h.Links) {
			t.Errorf("%d of %d links", len(list), len(h.Links))
		}
		for _, a := range list {
			if !slices.Contains(h.Links, a) {
				t.Errorf("%v is no link", a)
			}
		}
	}
}

func checkLies(t *testing.T, hosts map[netip.AddrPort]Host, h Host) {
	byTCP, byUDP := lists(t, h)
	if diff := cmp.Diff(byTCP, byUDP, sameAddrs...); diff != "" || len(byTCP) < liesOfEach/2 {
		t.Errorf("it lists %d hosts:\n%s", len(byTCP), diff)
	}
	foreign := 0
	for _, a := range byTCP {
		if _, known := hosts[a]; known {
			t.Errorf("%v is a host", a)
		}
		if !a.Addr().IsLoopback() {
			foreign++
			continue
		}
		if conn, err := net.Dial("tcp4", a.String()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%v: error %v; want connection refused", a, err)
			conn.Close()
		}
	}
	if foreign == 0 || foreign == len(byTCP) {
		t.Errorf("%d of %d are foreign", foreign, len(byTCP))
	}
}

// TestCrowdIsFoundByItsLists walks by the truth: whoever tells can be heard of, and all links are told.
func TestCrowdIsFoundByItsLists(t *testing.T) {
	t.Parallel()
	for _, p := range []CrowdPlan{
		{Hosts: 1}, {Hosts: 10}, {Hosts: 50}, {Hosts: 5000, Dead: 0.3, Silent: 0.3, Lying: 0.2}, badCrowd,
	} {
		c, err := NewCrowd(p)
		if err != nil {
			t.Fatal(err)
		}
		hosts := byAddress(c)
		heard := make(map[netip.AddrPort]bool)
		for queue := c.Seeds(); len(queue) > 0; queue = queue[1:] {
			if h := hosts[queue[0]]; !heard[h.Addr] {
				heard[h.Addr] = true
				if h.Behaviour == Normal {
					queue = append(queue, h.Links...)
				}
			}
		}
		for _, h := range hosts {
			if !heard[h.Addr] {
				t.Errorf("%d hosts: nobody hears of %v, %s", p.Hosts, h.Addr, h.Behaviour)
			}
			for _, a := range h.Links {
				if h.Behaviour != Normal && hosts[a].Behaviour != Normal {
					t.Errorf("%d hosts: nobody tells of the link of %v and %v", p.Hosts, h.Addr, a)
				}
			}
		}
	}
}

// TestCrowdIsKnownByItsCaches walks by the hosts in PONGs alone.
func TestCrowdIsKnownByItsCaches(t *testing.T) {
	t.Parallel()
	c := startCrowd(t, CrowdPlan{Hosts: 300, Base: netip.MustParseAddr("127.25.64.1"), Seed: 1})
	heard := make(map[netip.AddrPort]bool)
	for queue := c.Seeds(); len(queue) > 0; queue = queue[1:] {
		if heard[queue[0]] {
			continue
		}
		heard[queue[0]] = true
		for _, known := range ask(t, queue[0], scp(t), patience).(*message.Pong).GGEP().IPP() {
			queue = append(queue, known.Addr)
		}
	}
	if len(heard) != 300 {
		t.Errorf("%d hosts", len(heard))
	}
	if got := c.Tally(); got.Pings != 300 || got.Strays != 0 {
		t.Errorf("tally %+v", got)
	}
}

func TestCrowdRefusesNewcomers(t *testing.T) {
	t.Parallel()
	c := startCrowd(t, CrowdPlan{Hosts: 100, Base: netip.MustParseAddr("127.25.66.1")})
	conn, err := net.Dial("tcp4", c.Seeds()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = handshake.Dial(within(t), conn, handshake.Fields{{Name: "User-Agent", Value: "not a crawler: 1"}})
	var refused *handshake.Refused
	if !errors.As(err, &refused) || refused.Code != 503 || len(refused.TryUltrapeers()) == 0 {
		t.Errorf("error %v", err)
	}
}

// TestCrowdWaitsForHellos: some come in pieces, some are no hellos, and some never end.
func TestCrowdWaitsForHellos(t *testing.T) {
	t.Parallel()
	c := startCrowd(t, CrowdPlan{Hosts: 100, Base: netip.MustParseAddr("127.25.67.1")})
	for _, test := range []struct {
		pieces []string
		want   string
	}{
		{[]string{"GNUTELLA CONNECT/0.6\r\nCrawler: 0.1\r\n\r\n"}, "GNUTELLA/0.6 "},
		{[]string{"GNUTELLA CONN", "ECT/0.6\r\nCraw", "ler: 0.1\r\n", "\r\n"}, "GNUTELLA/0.6 "},
		{[]string{"GNUTELLA CONNECT/0.6\ncrawler: 0.1\n", "\n"}, "GNUTELLA/0.6 "},
		{[]string{"GET / HTTP/1.1\r\n\r\n"}, ""},
		{[]string{"GNUTELLA CONNECT/0.6\r\n" + strings.Repeat("X", maxHello)}, ""},
	} {
		conn, err := net.Dial("tcp4", c.Seeds()[0].String())
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(patience))
		conn.(*net.TCPConn).SetNoDelay(true)
		for _, piece := range test.pieces {
			if _, err := conn.Write([]byte(piece)); err != nil {
				t.Fatal(err)
			}
		}
		var answer bytes.Buffer
		answer.ReadFrom(conn) // a reset is an end too
		conn.Close()
		if got := answer.String(); !strings.HasPrefix(got, test.want) || test.want == "" && got != "" {
			t.Errorf("%q is answered %q", test.pieces, got)
		}
	}
}

// TestCrowdIsNobodyElse: other addresses of the machine reset, and what is no request has no answer.
func TestCrowdIsNobodyElse(t *testing.T) {
	t.Parallel()
	c := startCrowd(t, CrowdPlan{Hosts: 100, Base: netip.MustParseAddr("127.25.68.1")})
	stranger := netip.AddrPortFrom(netip.MustParseAddr("127.25.67.255"), c.plan.Port)
	if _, _, err := crawl(t, stranger); err == nil {
		t.Error("a stranger answers the crawl handshake")
	}
	if body := ask(t, stranger, scp(t), silence); body != nil {
		t.Errorf("a stranger answers %+v", body)
	}
	if body := ask(t, c.Seeds()[0], &message.Pong{Addr: stranger}, silence); body != nil {
		t.Errorf("answer to a PONG: %+v", body)
	}
	if got := c.Tally(); got.Strays != 3 || got.Pings != 0 || got.Handshakes != 0 {
		t.Errorf("tally %+v", got)
	}
}

func TestCrowdGivesQueryKeys(t *testing.T) {
	t.Parallel()
	c := startCrowd(t, CrowdPlan{Hosts: 200, Base: netip.MustParseAddr("127.25.69.1")})
	tail, err := ggep.Append(nil, ggep.QK(nil))
	if err != nil {
		t.Fatal(err)
	}
	given := 0
	for h := range c.Hosts() {
		pong := ask(t, h.Addr, &message.Ping{Tail: tail}, patience).(*message.Pong)
		_, ok := pong.GGEP().QK()
		if ok != (h.Role == servent.Ultrapeer && strings.HasPrefix(h.Agent, "gtk")) {
			t.Errorf("%v, %s %s: query key %v", h.Addr, h.Role, h.Agent, ok)
		}
		if ok {
			given++
		}
		if len(pong.GGEP().IPP()) > 0 {
			t.Errorf("%v: hosts of the cache, unasked", h.Addr)
		}
	}
	if given == 0 {
		t.Error("nobody gives keys")
	}
}

func TestCrowdOfASeed(t *testing.T) {
	t.Parallel()
	truth := func(p CrowdPlan) string {
		c, err := NewCrowd(p)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := c.WriteTruth(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	other := badCrowd
	other.Seed++
	if first := truth(badCrowd); first != truth(badCrowd) || first == truth(other) {
		t.Error("the seed does not decide")
	}
}

func TestCrowdPlans(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		plan CrowdPlan
		want string
	}{
		{CrowdPlan{}, "0 hosts"},
		{CrowdPlan{Hosts: 5_000_001}, "5000001 hosts"},
		{CrowdPlan{Hosts: 10, Ultrapeers: 11}, "11 ultrapeers"},
		{CrowdPlan{Hosts: 10, Degree: -1}, "degree -1"},
		{CrowdPlan{Hosts: 10, Port: 65534}, "port 65534"},
		{CrowdPlan{Hosts: 10, Dead: 1.5}, "dead"},
		{CrowdPlan{Hosts: 1000, Dead: 0.6, Silent: 0.6}, "more than 1"},
		{CrowdPlan{Hosts: 1000, Lying: 1}, "is normal"},
		{CrowdPlan{Hosts: 10, Ultrapeers: 2}, "needs 3 ultrapeers"},
		{CrowdPlan{Hosts: 100, Trimming: 0.5}, "500 leaves"},
		{CrowdPlan{Hosts: 10, Base: netip.MustParseAddr("10.0.0.1")}, "10.0.0.1"},
		{CrowdPlan{Hosts: 5_000_000, Base: netip.MustParseAddr("127.200.0.1")}, "do not fit"},
	} {
		if _, err := NewCrowd(test.plan); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: error %v", test.plan, err)
		}
	}
}
