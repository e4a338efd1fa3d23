package servent_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gnucensus/servent"
	"gnucensus/servent/bootstrap"
	"gnucensus/servent/ggep"
	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// seeking is a configuration that looks for so many links.
func seeking(at string, links int) servent.Config {
	c := ultrapeer(at)
	c.Bootstrap.Links = links
	return c
}

// hosts runs ultrapeers at the addresses prefix.1 and following.
func hosts(t *testing.T, prefix string, n int) (all []*running, addrs []netip.AddrPort) {
	t.Helper()
	for i := range n {
		c := ultrapeer(fmt.Sprintf("%s.%d:6346", prefix, i+1))
		all, addrs = append(all, run(t, c)), append(addrs, c.Addr)
	}
	return all, addrs
}

func hostFile(t *testing.T, known ...netip.AddrPort) (path string, file *bootstrap.HostFile) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "hosts")
	file, err := bootstrap.OpenHostFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range known {
		file.Saw(a, time.Now().Add(-time.Duration(i)*time.Hour))
	}
	return path, file
}

// TestHostsAreRemembered links a node to hosts of its file, and looks at what it leaves there.
func TestHostsAreRemembered(t *testing.T) {
	t.Parallel()
	_, addrs := hosts(t, "127.21.1", 3)
	dead := addr("127.21.1.250:6346")
	path, file := hostFile(t, dead, addrs[0], addrs[1], addrs[2])
	c := seeking("127.21.1.100:6346", 2)
	c.Bootstrap.Hosts = file
	node := run(t, c)
	linked := map[netip.AddrPort]bool{node.began(t).Addr: true, node.began(t).Addr: true}
	if !linked[addrs[0]] || !linked[addrs[1]] {
		t.Errorf("linked to %v", linked)
	}
	pong := datagrams(t, c.Addr.String()).ask(t, scpPing(t, 0)).(*message.Pong)
	if named := pong.GGEP().IPP(); len(named) != 2 {
		t.Errorf("it names %v", named)
	}
	node.stop()
	saved, err := os.ReadFile(path)
	if err != nil || strings.Count(string(saved), "127.21.1.") != 4 {
		t.Errorf("file:\n%s", saved)
	}
}

// scpPing asks for hosts.
func scpPing(t *testing.T, wishes uint8) message.Message {
	t.Helper()
	tail, err := ggep.Append(nil, ggep.SCP(wishes))
	if err != nil {
		t.Fatal(err)
	}
	return message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{Tail: tail}}
}

// TestLostLinkIsReplaced by one to another host.
func TestLostLinkIsReplaced(t *testing.T) {
	t.Parallel()
	all, addrs := hosts(t, "127.21.2", 2)
	c := seeking("127.21.2.100:6346", 1)
	_, c.Bootstrap.Hosts = hostFile(t, addrs...)
	node := run(t, c)
	if e := node.began(t); e.Addr != addrs[0] {
		t.Fatalf("linked to %v", e.Addr)
	}
	all[0].stop()
	node.ended(t)
	if e := node.began(t); e.Addr != addrs[1] {
		t.Errorf("linked to %v", e.Addr)
	}
}

// TestRefusalNamesOthers: a node goes on to the hosts that a full one names.
func TestRefusalNamesOthers(t *testing.T) {
	t.Parallel()
	_, addrs := hosts(t, "127.21.3", 2)
	full := ultrapeer("127.21.3.50:6346")
	full.Slots, full.Known = servent.Slots{}, append(addrs, addr("8.8.8.8:6346")) // which is not for a node on loopback
	run(t, full)
	c := seeking("127.21.3.100:6346", 2)
	_, c.Bootstrap.Hosts = hostFile(t, full.Addr)
	out := newRecorder()
	c.Net = out
	node := run(t, c)
	node.began(t)
	node.began(t)
	if n := out.dials.Load(); n != 3 {
		t.Errorf("%d dials", n)
	}
}

// TestLeafWantsThree links, be there as many hosts as there may.
func TestLeafWantsThree(t *testing.T) {
	t.Parallel()
	_, addrs := hosts(t, "127.21.4", 5)
	c := leaf("127.21.4.100:6346")
	c.Bootstrap.Links = 10
	_, c.Bootstrap.Hosts = hostFile(t, addrs...)
	out := newRecorder()
	c.Net = out
	node := run(t, c)
	for range 3 {
		node.began(t)
	}
	node.stop()
	if n := out.dials.Load(); n != 3 {
		t.Errorf("%d dials", n)
	}
}

// TestCachesNameHosts: a UDP host cache is asked before a GWebCache, by the socket of the node, and the latter when the former
// knows too little.
func TestCachesNameHosts(t *testing.T) {
	t.Parallel()
	_, addrs := hosts(t, "127.21.5", 2)
	cache := ultrapeer("127.21.5.50:6346")
	cache.UDPHC, cache.Slots, cache.Known = true, servent.Slots{}, addrs[:1]
	run(t, cache)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client") != "GTKG" || r.FormValue("version") != "1.2.3" || r.FormValue("crawler") != "" {
			t.Errorf("asked %v", r.URL)
		}
		fmt.Fprintf(w, "H|%v|60\n", addrs[1])
	}))
	defer web.Close()
	for at, firewalled := range map[string]bool{"127.21.5.100:6346": false, "127.21.5.101:6346": true} {
		c := seeking(at, 2)
		c.Firewalled = firewalled
		c.Bootstrap.UDPCaches, c.Bootstrap.WebCaches = []string{cache.Addr.String()}, []string{web.URL}
		node := run(t, c)
		linked := map[netip.AddrPort]bool{node.began(t).Addr: true, node.began(t).Addr: true}
		if !linked[addrs[0]] || !linked[addrs[1]] {
			t.Errorf("linked to %v", linked)
		}
		node.stop()
	}
	pong := datagrams(t, cache.Addr.String()).ask(t, scpPing(t, 0)).(*message.Pong)
	if _, ok := pong.GGEP().UDPHC(); !ok {
		t.Error("a cache does not say that it is one")
	}
}

// TestPongsNameHosts: what neighbours say of ultrapeers is taken in, what they say of leaves is not.
func TestPongsNameHosts(t *testing.T) {
	t.Parallel()
	_, addrs := hosts(t, "127.21.6", 1)
	come := mute(t, "127.21.6.50:6346", "GNUTELLA ")
	c := seeking("127.21.6.100:6346", 2)
	_, c.Bootstrap.Hosts = hostFile(t, addr("127.21.6.50:6346"))
	out := newRecorder()
	c.Net = out
	node := run(t, c)
	conn := &prefixed{Conn: <-come, read: []byte("GNUTELLA ")}
	s, err := handshake.Accept(within(t), conn, func(handshake.Fields) handshake.Reply {
		return handshake.Accepted(fields("X-Ultrapeer", "True"))
	})
	if err != nil {
		t.Fatal(err)
	}
	l := linked(t, s)
	node.began(t)
	for _, p := range []message.Pong{
		{Addr: addr("127.21.6.200:6346"), Files: 1, KiB: 21}, // a leaf
		{Addr: addrs[0], Files: 1, KiB: 16},
	} {
		l.Send(message.Message{GUID: message.NewGUID(), TTL: 1, Hops: 1, Body: &p})
	}
	if e := node.began(t); e.Addr != addrs[0] || out.dials.Load() != 2 {
		t.Errorf("linked to %v, after %d dials", e.Addr, out.dials.Load())
	}
}
