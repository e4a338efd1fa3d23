package lab

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
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent"
	"gnucensus/servent/ggep"
	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// TestMain checks that no lab leaves a goroutine behind.
func TestMain(m *testing.M) {
	code := m.Run()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if code == 0 && bytes.Contains(stacks, []byte("gnucensus/servent.")) {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", stacks)
		code = 1
	}
	os.Exit(code)
}

const (
	patience = 2 * time.Minute        // a test that waits longer has failed
	silence  = 300 * time.Millisecond // after which nobody is taken to answer
)

// start runs the lab of a plan; it is ready when start returns.
func start(t *testing.T, p Plan) *Net {
	t.Helper()
	n, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	launch(t, n)
	return n
}

// launch runs a lab until the test ends; it is ready when launch returns.
func launch(t testing.TB, n *Net) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- n.Run(ctx, func() { close(ready) }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run lab: %v", err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	case <-time.After(patience):
		t.Fatal("the lab is not ready")
	}
}

// index returns the truth by address.
func index(n *Net) map[netip.AddrPort]Host {
	hosts := make(map[netip.AddrPort]Host)
	for _, h := range n.Truth() {
		hosts[h.Addr] = h
	}
	return hosts
}

// told returns the links that a host must tell: to ultrapeers, and to leaves.
func told(hosts map[netip.AddrPort]Host, h Host) (peers, leaves []netip.AddrPort) {
	for _, a := range h.Links {
		if hosts[a].Role == servent.Ultrapeer {
			peers = append(peers, a)
		} else {
			leaves = append(leaves, a)
		}
	}
	return peers, leaves
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

var sameAddrs = []cmp.Option{
	cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
	cmp.Transformer("set", func(list []netip.AddrPort) map[string]int {
		set := make(map[string]int)
		for _, a := range list {
			set[a.String()]++
		}
		return set
	}),
}

// crawl makes the crawl handshake.
func crawl(t *testing.T, to netip.AddrPort) (code int, theirs handshake.Fields, err error) {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(within(t), "tcp4", to.String())
	if err != nil {
		return 0, nil, err
	}
	defer conn.Close()
	code, _, theirs, err = handshake.Crawl(within(t), conn, handshake.Fields{
		{Name: "User-Agent", Value: "test"}, {Name: "X-Ultrapeer", Value: "False"}, {Name: "Crawler", Value: "0.1"},
	})
	return code, theirs, err
}

// ask sends one datagram and returns the body of its answer, nil when there was none after wait.
func ask(t *testing.T, to netip.AddrPort, body message.Body, wait time.Duration) message.Body {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0") // not connected: nobody tells us that nobody listens
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := message.Message{GUID: message.NewGUID(), TTL: 1, Body: body}
	b, err := message.Append(nil, request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.WriteTo(b, net.UDPAddrFromAddrPort(to)); err != nil {
		t.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(wait))
	answer := make([]byte, 1<<16)
	size, from, err := conn.ReadFrom(answer)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	m, err := message.ParseDatagram(answer[:size])
	if err != nil || m.GUID != request.GUID || from.String() != to.String() {
		t.Errorf("%v: answer %+v from %v, error %v", to, m, from, err)
	}
	return m.Body
}

func scp(t *testing.T) *message.Ping {
	t.Helper()
	tail, err := ggep.Append(nil, ggep.SCP(ggep.SCPUltrapeer))
	if err != nil {
		t.Fatal(err)
	}
	return &message.Ping{Tail: tail}
}

// TestHostsTellTheTruth asks every host of a lab with all behaviours in every way, and compares.
func TestHostsTellTheTruth(t *testing.T) {
	t.Parallel()
	n := start(t, Plan{
		Ultrapeers: 30, Leaves: 60, Dead: 0.1, Slow: 0.05, Unaware: 0.1, Firewalled: 0.1, Full: 0.1,
		Delay: 50 * time.Millisecond, Base: netip.MustParseAddr("127.30.40.1"), Seed: 3,
	})
	hosts := index(n)
	met := make(map[Behaviour]int)
	for _, h := range n.Truth() {
		met[h.Behaviour]++
		t.Run(fmt.Sprintf("%s %s %v", h.Behaviour, h.Role, h.Addr), func(t *testing.T) {
			t.Parallel()
			checkTCP(t, hosts, h)
			checkUDP(t, hosts, h)
		})
	}
	for _, b := range []Behaviour{Normal, Dead, Slow, Unaware, Firewalled, Full} {
		if met[b] == 0 {
			t.Errorf("no host is %s", b)
		}
	}
}

// checkTCP checks the answer to the crawl handshake.
func checkTCP(t *testing.T, hosts map[netip.AddrPort]Host, h Host) {
	switch h.Behaviour {
	case Dead:
		if _, _, err := crawl(t, h.Addr); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("error %v; want connection refused", err)
		}
		return
	case Firewalled, Silent:
		conn, err := net.DialTimeout("tcp4", h.Addr.String(), silence)
		if err == nil {
			conn.Close()
		}
		if timeout := net.Error(nil); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("error %v; want a timeout", err)
		}
		return
	}
	code, theirs, err := crawl(t, h.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if agent := theirs.Get("User-Agent"); agent != h.Agent {
		t.Errorf("agent %q, want %q", agent, h.Agent)
	}
	switch h.Behaviour {
	case Unaware:
		if code != 200 || theirs.Has("Peers") || theirs.Has("Leaves") {
			t.Errorf("code %d, fields %v", code, theirs)
		}
	case Full:
		if try := theirs.Addrs("X-Try-Ultrapeers"); code != 503 || len(try) == 0 {
			t.Errorf("code %d, hosts to try %v", code, try)
		}
	default:
		want := 593
		if strings.HasPrefix(h.Agent, "gtk-gnutella") {
			want = 200
		}
		peers, leaves := told(hosts, h)
		if code != want {
			t.Errorf("code %d, want %d", code, want)
		}
		if diff := cmp.Diff(peers, theirs.Addrs("Peers"), sameAddrs...); diff != "" {
			t.Errorf("peers (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(leaves, theirs.Addrs("Leaves"), sameAddrs...); diff != "" {
			t.Errorf("leaves (-want +got):\n%s", diff)
		}
	}
}

// checkUDP checks the answers to PING and crawler ping.
func checkUDP(t *testing.T, hosts map[netip.AddrPort]Host, h Host) {
	ping := message.CrawlerPing{Ultrapeers: 255, Leaves: 255, Features: message.FeatureAgents}
	if h.Behaviour == Dead || h.Behaviour == Firewalled || h.Behaviour == Silent {
		if body := ask(t, h.Addr, scp(t), silence); body != nil {
			t.Errorf("answer %+v", body)
		}
		return
	}
	pong, ok := ask(t, h.Addr, scp(t), patience).(*message.Pong)
	if !ok {
		t.Fatal("no PONG")
	}
	kib := h.KiB
	if h.Role == servent.Ultrapeer {
		kib = message.UltrapeerKiB(kib)
	}
	if pong.Addr != h.Addr || pong.Files != h.Files || pong.KiB != kib || pong.Ultrapeer() != (h.Role == servent.Ultrapeer) {
		t.Errorf("PONG %+v; want %d files, %d KiB", pong, h.Files, kib)
	}
	ipp := pong.GGEP().IPP()
	if (h.Behaviour == Unaware) != (len(ipp) == 0) || len(ipp) > 30 {
		t.Errorf("IPP with %d hosts", len(ipp))
	}
	for _, known := range ipp {
		if _, ok := hosts[known.Addr]; !ok {
			t.Errorf("IPP names %v, which is not in the lab", known.Addr)
		}
	}
	if h.Behaviour == Unaware || h.Behaviour == Full {
		if body := ask(t, h.Addr, ping.Vendor(), silence); body != nil {
			t.Errorf("answer to the crawler ping: %+v", body)
		}
		return
	}
	v, ok := ask(t, h.Addr, ping.Vendor(), patience).(*message.Vendor)
	if !ok {
		t.Fatal("no crawler pong")
	}
	checkCrawlerPong(t, hosts, h, v)
}

func checkCrawlerPong(t *testing.T, hosts map[netip.AddrPort]Host, h Host, v *message.Vendor) {
	pong, err := message.ParseCrawlerPong(v)
	if err != nil {
		t.Fatal(err)
	}
	agents, own, err := pong.Agents()
	if err != nil {
		t.Fatal(err)
	}
	if own != h.Agent {
		t.Errorf("own agent %q, want %q", own, h.Agent)
	}
	peers, leaves := told(hosts, h)
	var got [2][]netip.AddrPort
	for i, list := range [][]message.CrawlerEntry{pong.Ultrapeers, pong.Leaves} {
		for _, e := range list {
			if agent := agents[len(got[0])+len(got[1])]; agent != hosts[e.Addr].Agent {
				t.Errorf("agent %q of %v, want %q", agent, e.Addr, hosts[e.Addr].Agent)
			}
			got[i] = append(got[i], e.Addr)
		}
	}
	if diff := cmp.Diff([2][]netip.AddrPort{peers, leaves}, got, sameAddrs...); diff != "" {
		t.Errorf("crawler pong (-want +got):\n%s", diff)
	}
}

// TestWalkFindsEverybody walks as a census does: by lists, and by the caches of those that answer datagrams.
func TestWalkFindsEverybody(t *testing.T) {
	t.Parallel()
	n := start(t, Plan{
		Ultrapeers: 20, Leaves: 80, Dead: 0.2, Unaware: 0.1, Full: 0.1, Firewalled: 0.2,
		Base: netip.MustParseAddr("127.30.41.1"), Seed: 5,
	})
	hosts := index(n)
	heard, rumours := make(map[netip.AddrPort]bool), make(map[netip.AddrPort]int)
	queue := n.Seeds()
	for ; len(queue) > 0; queue = queue[1:] {
		h, known := hosts[queue[0]]
		if heard[queue[0]] {
			continue
		}
		heard[queue[0]] = true
		if !known {
			t.Errorf("heard of %v, which is not in the lab", queue[0])
		}
		if h.Behaviour == Dead || h.Behaviour == Firewalled {
			continue
		}
		if _, theirs, err := crawl(t, h.Addr); err != nil {
			t.Fatal(err)
		} else {
			queue = append(queue, theirs.Addrs("Peers", "Leaves", "X-Try-Ultrapeers")...)
		}
		for _, other := range ask(t, h.Addr, scp(t), patience).(*message.Pong).GGEP().IPP() {
			rumours[other.Addr]++
			queue = append(queue, other.Addr)
		}
	}
	for _, h := range n.Truth() {
		if !heard[h.Addr] {
			t.Errorf("never heard of %v, %s", h.Addr, h.Behaviour)
		}
		if h.Behaviour == Dead && rumours[h.Addr] < 2 {
			t.Errorf("%d hosts remember %v", rumours[h.Addr], h.Addr)
		}
	}
}
