package servent_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gnucensus/servent"
	"gnucensus/servent/handshake"
	"gnucensus/servent/library"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
	"gnucensus/servent/transfer"
	"gnucensus/servent/urn"
)

// A dialLog is a way out of an address that remembers whom it connected to.
type dialLog struct {
	servent.Internet
	mu    sync.Mutex
	dials []string
}

func dialling(from netip.Addr) *dialLog {
	l := &dialLog{}
	l.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	return l
}

func (l *dialLog) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	l.mu.Lock()
	l.dials = append(l.dials, addr)
	l.mu.Unlock()
	return l.Internet.DialContext(ctx, network, addr)
}

// to counts the connections to an address.
func (l *dialLog) to(addr string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.dials {
		if a == addr {
			n++
		}
	}
	return n
}

// joinFrom links a client to a node, from an address of its own.
func joinFrom(t *testing.T, from, to string) *link.Link {
	t.Helper()
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(addr(from + ":0"))}
	c, err := d.DialContext(within(t), "tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s, err := handshake.Dial(within(t), c, fields("X-Ultrapeer", "False", "Vendor-Message", "0.2"))
	if err != nil {
		t.Fatal(err)
	}
	return linked(t, s)
}

// handled waits until a node has handled what a client sent.
func handled(t *testing.T, l *link.Link) {
	t.Helper()
	id := message.NewGUID()
	l.Send(message.Message{GUID: id, TTL: 1, Body: &message.Ping{}})
	for {
		if m, _ := next[*message.Pong](t, l); m.GUID == id {
			return
		}
	}
}

// TestConnectBack: a node connects back to the host of a link, twice a minute, and to no port of a well-known service.
func TestConnectBack(t *testing.T) {
	t.Parallel()
	const host, asker = "127.23.1.1:6346", "127.23.1.2"
	c := ultrapeer(host)
	out := dialling(c.Addr.Addr())
	c.Net = out
	run(t, c)
	l, err := net.Listen("tcp4", asker+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).AddrPort().Port()
	asking := joinFrom(t, asker, host)
	for _, port := range []uint16{80, 0, port, port, port} {
		asking.Send(message.Message{TTL: 1, Body: (&message.TCPConnectBack{Port: port}).Vendor()})
	}
	handled(t, asking)
	for range 2 {
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(conn); string(b) != "\n\n" || err != nil {
			t.Errorf("knocked with %q, %v", b, err)
		}
		conn.Close()
	}
	if n := len(out.dials); n != 2 {
		t.Errorf("dialled %q", out.dials)
	}
}

// TestConnectBackByUDP: the PING comes with the GUID that was asked for, in both versions of the message.
func TestConnectBackByUDP(t *testing.T) {
	t.Parallel()
	const host, asker = "127.23.2.1:6346", "127.23.2.2"
	run(t, ultrapeer(host))
	u, err := net.ListenPacket("udp4", asker+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	u.SetDeadline(time.Now().Add(patience))
	port := u.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	asking := joinFrom(t, asker, host)
	for version := uint16(1); version <= 2; version++ {
		id, other := message.NewGUID(), message.NewGUID()
		back := message.UDPConnectBack{Version: version, Port: port, GUID: id}
		about := other
		if version == 2 {
			about = id
		}
		asking.Send(message.Message{GUID: about, TTL: 1, Body: back.Vendor()})
		b := make([]byte, 1<<10)
		n, from, err := u.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		m, err := message.ParseDatagram(b[:n])
		if err != nil || m.GUID != id || m.Body.Type() != message.TypePing || from.String() != host {
			t.Errorf("version %d: %+v from %v, %v", version, m, from, err)
		}
	}
}

// sharing returns a library of one file, and its content.
func sharing(t *testing.T, name string, size int) (*library.Library, []byte) {
	t.Helper()
	dir := t.TempDir()
	content := bytes.Repeat([]byte("noise and silence, "), size/19+1)[:size]
	for i := range content {
		content[i] ^= byte(i >> 7)
	}
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	lib, err := library.Open(library.Config{Folders: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lib.Close() })
	if err := lib.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	return lib, content
}

// walled starts an ultrapeer, and behind it a leaf that nobody can connect to, which shares a file.
func walled(t *testing.T, prefix string, size int) (up, behind *running, out *dialLog, content []byte) {
	t.Helper()
	top, wall := at(ultrapeer(prefix+".1:6346")), leaf(prefix+".2:6346")
	top.Uploads = &transfer.Config{}
	out = dialling(wall.Addr.Addr())
	wall.Net, wall.Firewalled, wall.Connect = out, true, []netip.AddrPort{top.Addr}
	wall.GUID = message.NewGUID()
	wall.Uploads = &transfer.Config{}
	wall.Library, content = sharing(t, "behind the wall.bin", size)
	up, behind = run(t, top), run(t, wall)
	up.began(t)
	behind.began(t)
	settle(t, up, behind)
	ctx, look := within(t), time.NewTicker(time.Millisecond)
	defer look.Stop()
	for len(behind.Proxies()) == 0 {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatal("no push proxy")
		}
	}
	return up, behind, out, content
}

// fetched asks for the file of index 1 on a connection.
func fetched(t *testing.T, c net.Conn) []byte {
	t.Helper()
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "GET /get/1/behind%%20the%%20wall.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// deaf is a way out whose datagrams are lost.
type deaf struct{ servent.Internet }

func (d *deaf) ListenPacket(ctx context.Context, network, addr string) (net.PacketConn, error) {
	c, err := d.Internet.ListenPacket(ctx, network, addr)
	return lost{c}, err
}

type lost struct{ net.PacketConn }

func (lost) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), nil }

// TestCall reaches a servent behind a firewall in all ways: over the link that its hit came by, and by way of its push proxy, by UDP
// and by HTTP.
func TestCall(t *testing.T) {
	t.Parallel()
	up, behind, _, content := walled(t, "127.23.3", 300_000)
	linked := at(leaf("127.23.3.3:6346"))
	linked.Connect = []netip.AddrPort{up.Addr()}
	caller := run(t, linked)
	caller.began(t)
	hit := firstHits(t, caller, message.Query{Words: "behind wall"}, 1)[0]
	trailer, _ := hit.QHD()
	if push := trailer.Flags().Push; push == nil || !*push || !trailer.GGEP().BH() {
		t.Errorf("hit with flags %+v", trailer.Flags())
	}
	proxies := trailer.GGEP().PUSH()
	if len(proxies) != 1 || proxies[0].Addr != up.Addr() || hit.Servent != behind.GUID() {
		t.Fatalf("hit of %v with proxies %v", hit.Servent, proxies)
	}
	silent := at(leaf("127.23.3.5:6346"))
	silent.Net = &deaf{Internet: *silent.Net.(*servent.Internet)}
	for name, test := range map[string]struct {
		from    *running
		proxies []netip.AddrPort
	}{
		"link": {caller, nil},
		"UDP":  {run(t, at(leaf("127.23.3.4:6346"))), []netip.AddrPort{up.Addr()}},
		"HTTP": {run(t, silent), []netip.AddrPort{addr("127.23.3.99:6346"), up.Addr()}},
	} {
		conn, err := test.from.Call(within(t), servent.Callee{Servent: hit.Servent, Index: 1, Proxies: test.proxies})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := fetched(t, conn); !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes of %d", name, len(got), len(content))
		}
	}
	_, err := caller.Call(within(t), servent.Callee{Servent: message.NewGUID(), Proxies: []netip.AddrPort{up.Addr()}})
	if !errors.Is(err, transfer.ErrNotProxy) || !errors.Is(err, servent.ErrNoAnswer) {
		t.Errorf("call of nobody: %v", err)
	}
	if _, err := behind.Call(within(t), servent.Callee{Servent: hit.Servent}); !errors.Is(err, servent.ErrWalled) {
		t.Errorf("call from behind a firewall: %v", err)
	}
}

// TestPushAnswersOnlyItsLimits: whom PUSHes name is connected to five times in half a minute, not again when it cannot be, and
// never at an address that no downloader has.
func TestPushAnswersOnlyItsLimits(t *testing.T) {
	t.Parallel()
	up, behind, out, _ := walled(t, "127.23.4", 1)
	sender := joinFrom(t, "127.23.4.3", up.Addr().String())
	l, err := net.Listen("tcp4", "127.23.4.4:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const nobody = "127.23.4.5:6346"
	push := func(to string, index uint32) {
		body := &message.Push{Servent: behind.GUID(), Index: index, Addr: addr(to)}
		sender.Send(message.Message{GUID: message.NewGUID(), TTL: 5, Body: body})
	}
	for _, to := range []string{
		"127.23.4.4:80", "127.23.4.2:6346", "203.0.113.7:6346", "10.0.0.1:6346", "255.255.255.255:6346", "224.0.0.1:6346", "0.0.0.0:6346",
	} {
		push(to, 1)
	}
	push(l.Addr().String(), message.PushFWTransfer)
	before := behind.Stats().Stray
	for range 8 {
		push(l.Addr().String(), 1)
	}
	for range 5 {
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(conn).ReadString('\n')
		if want := "GIV 1:" + strings.ToUpper(behind.GUID().String()) + "/file\n"; line != want || err != nil {
			t.Errorf("%q, %v; want %q", line, err, want)
		}
		conn.Close()
	}
	push(nobody, 1)
	await(t, "no connection to a host that is not there", func() bool { return out.to(nobody) == 1 })
	await(t, "PUSHes are not counted", func() bool {
		push(nobody, 1) // until the failure is known, it may be tried
		return behind.Stats().Stray >= before+8+3
	})
	out.mu.Lock()
	defer out.mu.Unlock()
	for _, to := range out.dials {
		if to != l.Addr().String() && to != nobody && to != up.Addr().String() {
			t.Errorf("connected to %s", to)
		}
	}
}

// await waits until something is so.
func await(t *testing.T, failure string, is func() bool) {
	t.Helper()
	ctx, look := within(t), time.NewTicker(5*time.Millisecond)
	defer look.Stop()
	for !is() {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatal(failure)
		}
	}
}

// TestPushProxyIsNoWeapon: by UDP and by HTTP a push proxy sends its leaf only to who asks.
func TestPushProxyIsNoWeapon(t *testing.T) {
	t.Parallel()
	up, behind, out, _ := walled(t, "127.23.5", 1)
	const asker, victim = "127.23.5.3", "127.23.5.4:7777"
	l, err := net.Listen("tcp4", asker+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := l.Addr().String()
	d := net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(addr(asker + ":0"))}
	u, err := d.DialContext(within(t), "udp", up.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	for _, to := range []string{victim, at} {
		b, err := message.Append(nil, message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Push{Servent: behind.GUID(), Addr: addr(to)}})
		if err != nil {
			t.Fatal(err)
		}
		u.Write(b)
	}
	l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	if c, err := l.Accept(); err != nil {
		t.Error("by UDP:", err)
	} else {
		c.Close()
	}
	id := base32GUID(behind.GUID())
	for request, want := range map[string]int{
		"ServerId=" + id + "&file=3|" + at:                       202,
		"serverid=" + strings.ToLower(id) + "%3D%3D%3D%3D|" + at: 202,
		"guid=" + behind.GUID().String() + "|" + at:              202,
		"ServerId=" + id + "|" + victim:                          400,
		"ServerId=" + id + "|" + at + ", " + victim:              400,
		"ServerId=" + id + "|":                                   400,
		"ServerId=" + id[1:] + "|" + at:                          400,
		"ServerId=" + id + "&file=x|" + at:                       400,
		"file=3|" + at:                                           400,
		"ServerId=" + base32GUID(message.NewGUID()) + "|" + at:   410,
	} {
		query, node, _ := strings.Cut(request, "|")
		d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(addr(asker + ":0"))}
		c, err := d.DialContext(within(t), "tcp", up.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "HEAD /gnutella/push-proxy?%s HTTP/1.1\r\nHost: x\r\nX-Node: %s\r\nConnection: close\r\n\r\n", query, node)
		resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: "HEAD"})
		c.Close()
		if err != nil || resp.StatusCode != want {
			t.Errorf("%s: %v, %v; want %d", request, resp, err, want)
		}
		if want != 202 {
			continue
		}
		if c, err := l.Accept(); err != nil {
			t.Errorf("%s: %v", request, err)
		} else {
			c.Close()
		}
	}
	if out.to(victim) > 0 {
		t.Error("the victim was connected to")
	}
}

func base32GUID(id message.GUID) string { return urn.Base32.EncodeToString(id[:]) }

// TestSearchByHash: a query for a hash alone finds its way to a leaf that has the file.
func TestSearchByHash(t *testing.T) {
	t.Parallel()
	up, behind, _, content := walled(t, "127.23.6", 1000)
	c := at(leaf("127.23.6.3:6346"))
	c.Connect = []netip.AddrPort{up.Addr()}
	searcher := run(t, c)
	searcher.began(t)
	sum, _, err := urn.Hash(t.Context(), bytes.NewReader(content), uint64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	ping := message.HeadPing{Version: 1, URN: urn.URN{SHA1: &sum}.String()}
	u := datagrams(t, up.Addr().String())
	pong, ok := u.ask(t, message.Message{GUID: message.NewGUID(), TTL: 1, Body: ping.Vendor()}).(*message.Vendor)
	if !ok || !pong.Is(message.LIME, 24) || pong.Body[1] != 0 {
		t.Errorf("asked by UDP, who has not the file says %+v", pong)
	}
	tail, err := message.Extensions{URNs: []string{urn.URN{SHA1: &sum}.String()}}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"", `\`} {
		hit := firstHits(t, searcher, message.Query{Words: words, Tail: tail}, 1)[0]
		found := transfer.List(hit.QueryHit)[0]
		if hit.Servent != behind.GUID() || *found.URN.SHA1 != sum || *found.Size != 1000 || !found.Walled || found.Proxies[0] != up.Addr() {
			t.Errorf("%q: %+v", words, found)
		}
	}
}
