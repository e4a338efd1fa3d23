package servent

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gnucensus/servent/library"
	"gnucensus/servent/message"
	"gnucensus/servent/transfer"
	"gnucensus/servent/urn"
)

// helpers' messages, and those of push proxies.
var helping = []message.SupportedMessage{
	{Vendor: message.BEAR, Selector: 7, Version: 1}, {Vendor: message.GTKG, Selector: 7, Version: 2},
	{Vendor: message.LIME, Selector: 21, Version: 1}, {Vendor: message.GTKG, Selector: 21, Version: 1},
}

// leafWithFiles makes the node of a rig a leaf that serves files.
func leafWithFiles(c *Config) {
	c.Role, c.Slots.Leaves, c.Uploads = Leaf, 0, &transfer.Config{}
}

// hitOf searches the node's library by way of a neighbour, and returns the trailer of the hit.
func hitOf(t *testing.T, p *player) message.QHD {
	t.Helper()
	p.asks("shared", 2, 1)
	hits, _ := heard[*message.QueryHit](p)
	if len(hits) != 1 {
		t.Fatalf("%d hits", len(hits))
	}
	trailer, ok := hits[0].QHD()
	if !ok {
		t.Fatal("no trailer")
	}
	return trailer
}

// ackProxy has the node take a neighbour for its push proxy.
func (p *player) ackProxy(id message.GUID, ack message.PushProxyAck) {
	p.r.t.Helper()
	p.says(message.Message{GUID: id, TTL: 1, Body: ack.Vendor()})
	synctest.Wait()
}

// TestWallIsFound: a node to which nobody connects back finds out that it is firewalled, and has push proxies until somebody does
// connect.
func TestWallIsFound(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		p := r.plays(Ultrapeer, modern)
		if trailer := hitOf(t, p); *trailer.Flags().Push || !trailer.GGEP().BH() {
			t.Error("firewalled before anybody knows, or not to be browsed")
		}
		p.supports(helping...)
		tcp, _ := told[*message.TCPConnectBack](p)
		if len(tcp) != 1 || tcp[0].Port != r.cfg.Addr.Port() {
			t.Fatalf("asked to connect back: %+v", tcp)
		}
		time.Sleep(helpWait - time.Second)
		if requests, _ := told[*message.PushProxyRequest](p); len(requests) != 0 || r.walled() {
			t.Error("firewalled too soon")
		}
		time.Sleep(time.Second)
		if requests, about := told[*message.PushProxyRequest](p); len(requests) != 1 || about[0] != r.cfg.GUID {
			t.Fatalf("requests %+v for %v", requests, about)
		}
		at := p.peer.addr
		for _, forged := range []struct {
			id  message.GUID
			ack message.PushProxyAck
		}{
			{message.NewGUID(), message.PushProxyAck{Version: 2, Addr: at}},
			{r.cfg.GUID, message.PushProxyAck{Version: 2, Addr: netip.MustParseAddrPort("203.0.113.7:6346")}},
			{r.cfg.GUID, message.PushProxyAck{Version: 2, Addr: netip.AddrPortFrom(at.Addr(), 0)}},
		} {
			p.ackProxy(forged.id, forged.ack)
			if got := r.Proxies(); len(got) != 0 {
				t.Errorf("%+v: proxies %v", forged, got)
			}
		}
		p.ackProxy(r.cfg.GUID, message.PushProxyAck{Version: 2, Addr: at})
		trailer := hitOf(t, p)
		if hosts := trailer.GGEP().PUSH(); !*trailer.Flags().Push || len(hosts) != 1 || hosts[0].Addr != at {
			t.Errorf("hit of a firewalled host: flags %+v, proxies %v", trailer.Flags(), hosts)
		}
		r.came(r.cfg.Addr.Addr())
		if !r.walled() {
			t.Error("a connection of its own opens the wall")
		}
		r.came(netip.MustParseAddr("203.0.113.7"))
		if cancels, _ := told[*message.PushProxyCancel](p); len(cancels) != 1 || len(r.Proxies()) != 0 {
			t.Errorf("%d cancels, proxies %v", len(cancels), r.Proxies())
		}
		if trailer := hitOf(t, p); *trailer.Flags().Push || len(trailer.GGEP().PUSH()) != 0 {
			t.Error("firewalled although somebody has connected")
		}
	}, leafWithFiles)
}

// A stranger is a connection that comes from a host.
type stranger struct {
	net.Conn
	from netip.AddrPort
}

func (s stranger) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.from) }

// TestAnyConnectionProves: whatever a host from outside says, or fails to say, it could connect.
func TestAnyConnectionProves(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		for from, hellos := range map[string][]string{
			"203.0.113.7": {"CONNECT BACK\r\n\r\n", "\n\n", "\x16\x03\x01\x00\x05nonsense", "SSH-2.0\r\n", ""},
			"127.30.60.1": {"\n\n"}, // the node's own
		} {
			for _, hello := range hellos {
				r.wall.tcp.shut = true
				near, far := net.Pipe()
				r.ends.Go(func() {
					far.Write([]byte(hello))
					far.Close()
				})
				_, err := r.welcome(r.ctx, stranger{near, netip.AddrPortFrom(netip.MustParseAddr(from), 40000)})
				near.Close()
				known := hello == "\n\n" || strings.HasPrefix(hello, "CONNECT BACK")
				if r.walled() != (from == "127.30.60.1") || known != (err == nil) {
					t.Errorf("%q from %s: firewalled %t, %v", hello, from, r.walled(), err)
				}
			}
		}
	}, leafWithFiles)
}

// TestGIV reads who connects in all the spellings, and nothing of what comes after.
func TestGIV(t *testing.T) {
	t.Parallel()
	want := message.GUID{0: 0xab, 15: 0xcd}
	digits := want.String()
	for line, ok := range map[string]bool{
		"GIV 7:" + strings.ToUpper(digits) + "/song.ogg\n\n": true, "GIV 0:" + digits + "/file\r\n\r\n": true, "GIV 0:" + digits + "/\n\n": true,
		"GIV 0:" + digits + "\n\n": false, "GIV 0:" + digits[1:] + "/file\n\n": false, "GIV 0:" + digits + "/file\n": false,
		"GIV 0:" + digits + "/" + strings.Repeat("x", maxGIV) + "\n\n": false, "GIV\n\n": false,
	} {
		near, far := net.Pipe()
		go func() {
			io.WriteString(far, line+"next")
			far.Close()
		}()
		got, err := readGIV(t.Context(), near)
		if (err == nil) != ok || ok && got != want {
			t.Errorf("%.60q: %v, %v", line, got, err)
		}
		if rest, _ := io.ReadAll(near); ok && string(rest) != "next" {
			t.Errorf("%q: then %q", line, rest)
		}
		near.Close()
	}
}

// TestTwoWalls: a firewalled node does not answer who could not fetch from it.
func TestTwoWalls(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		p := r.plays(Ultrapeer, modern)
		for _, walled := range []bool{false, true} {
			r.wall.tcp.shut = walled
			for flags, want := range map[uint16]int{0: 1, message.QueryFirewalled: 1} {
				if walled && flags != 0 {
					want = 0
				}
				m := query(message.NewGUID(), "shared", 2, 1)
				m.Body.(*message.Query).Flags |= flags
				p.says(m)
				if hits, _ := heard[*message.QueryHit](p); len(hits) != want {
					t.Errorf("firewalled %t, flags %#x: %d hits, want %d", walled, flags, len(hits), want)
				}
			}
		}
	}, leafWithFiles)
}

// TestWallTests counts how often neighbours are asked to connect back: three of them, again when nobody did, and not before a
// proof is old.
func TestWallTests(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		var all []*player
		for range helpers + 2 {
			p := r.plays(Ultrapeer, modern)
			p.peer.supports.Store(&message.MessagesSupported{Messages: helping})
			all = append(all, p)
		}
		asked := func() (n int) {
			for _, p := range all {
				backs, _ := told[*message.TCPConnectBack](p)
				n += len(backs)
			}
			return n
		}
		sleep := func(d time.Duration) { // with links that are not quiet
			for ; d > 0; d -= time.Minute {
				time.Sleep(min(d, time.Minute))
				for _, p := range all {
					p.says(message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}})
				}
			}
		}
		all[0].supports(helping...)
		if n := asked(); n != helpers {
			t.Errorf("%d asked at first", n)
		}
		sleep(helpWait + testAgain - time.Second)
		if n := asked(); n != 0 || !r.walled() {
			t.Errorf("%d asked before it is time, firewalled %t", n, r.walled())
		}
		sleep(2 * time.Second)
		if n := asked(); n != helpers {
			t.Errorf("%d asked again", n)
		}
		r.came(netip.MustParseAddr("203.0.113.7"))
		sleep(proofLife - helpWait - time.Second)
		if n := asked(); n != 0 || r.walled() {
			t.Errorf("%d asked although there is a proof, firewalled %t", n, r.walled())
		}
		sleep(testAgain + 2*helpWait)
		if n := asked(); n != helpers {
			t.Errorf("%d asked when the proof is old", n)
		}
	}, leafWithFiles)
}

// TestWallUDP: the PING of a helper proves that datagrams come, and no other does.
func TestWallUDP(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		p := r.plays(Ultrapeer, modern)
		p.supports(helping...)
		_, about := told[*message.UDPConnectBack](p)
		if len(about) != 1 {
			t.Fatalf("asked for %d PINGs", len(about))
		}
		r.pinged(message.NewGUID())
		time.Sleep(helpWait)
		synctest.Wait()
		if q := r.ownAsking(message.Query{}, nil).message.Body.(*message.Query); q.Flags&message.QueryFirewalled == 0 {
			t.Error("a query does not say that the node is firewalled")
		}
		if !r.walledUDP() {
			t.Error("no PING came that was asked for, and UDP is open")
		}
		r.pinged(about[0])
		if r.walledUDP() {
			t.Error("the PING came, and UDP is shut")
		}
	}, leafWithFiles)
}

// TestWalledUltrapeer: a node of either role that nobody can connect to becomes a leaf.
func TestWalledUltrapeer(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		p := r.plays(Ultrapeer, modern)
		p.supports(helping...)
		time.Sleep(helpWait)
		p.parted(203)
		if r.Role() != Leaf {
			t.Error("still an ultrapeer")
		}
	}, func(c *Config) { c.Role = Auto })
}

// TestPushProxy: PUSHes go to the leaf for which the node is the push proxy, however often somebody else gives its GUID.
func TestPushProxy(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		leaf, forger, far := r.plays(Leaf, modern), r.plays(Leaf, modern), r.plays(Ultrapeer, modern)
		leaf.supports(message.SupportedMessage{Vendor: message.LIME, Selector: 22, Version: 2})
		forger.supports(message.SupportedMessage{Vendor: message.LIME, Selector: 22, Version: 2})
		id := message.NewGUID()
		request := func(p *player, id message.GUID) {
			p.says(message.Message{GUID: id, TTL: 1, Body: (&message.PushProxyRequest{}).Vendor()})
			synctest.Wait()
		}
		pushed := func(ttl uint8) (leafs, forgers int) {
			body := &message.Push{Servent: id, Index: 7, Addr: netip.MustParseAddrPort("10.9.9.9:6346")}
			far.says(message.Message{GUID: message.NewGUID(), TTL: ttl, Body: body})
			one, _ := heard[*message.Push](leaf)
			two, _ := heard[*message.Push](forger)
			return len(one), len(two)
		}
		if one, two := pushed(3); one+two != 0 {
			t.Errorf("PUSHes to an unknown servent: %d, %d", one, two)
		}
		request(leaf, id)
		acks, about := told[*message.PushProxyAck](leaf)
		if len(acks) != 1 || about[0] != id || acks[0].Addr != r.cfg.Addr {
			t.Fatalf("acknowledgements %+v of %v", acks, about)
		}
		request(forger, id)
		request(forger, r.cfg.GUID)
		request(forger, message.GUID{})
		if acks, _ := told[*message.PushProxyAck](forger); len(acks) != 0 {
			t.Errorf("%d acknowledgements for the GUIDs of others", len(acks))
		}
		if one, two := pushed(3); one != 1 || two != 0 {
			t.Errorf("PUSHes: %d to the leaf, %d to the forger", one, two)
		}
		if one, _ := pushed(1); one != 0 {
			t.Error("a PUSH with TTL 1 went on")
		}
		if !r.pushFor(id, 3, netip.MustParseAddrPort("10.9.9.9:6346")) {
			t.Error("not sent for a downloader")
		}
		if got, _ := heard[*message.Push](leaf); len(got) != 1 || got[0].Index != 3 || got[0].Servent != id {
			t.Errorf("the leaf got %+v", got)
		}
		leaf.says(message.Message{TTL: 1, Body: (&message.PushProxyCancel{}).Vendor()})
		synctest.Wait()
		if one, _ := pushed(3); one != 0 || r.pushFor(id, 3, far.peer.addr) {
			t.Errorf("after cancel: %d PUSHes", one)
		}
	})
}

// TestPushByUDPNamesItsSender: a PUSH that names a third host beside its sender is passed on without it.
func TestPushByUDPNamesItsSender(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		leaf, id := r.plays(Leaf, modern), message.NewGUID()
		leaf.says(message.Message{GUID: id, TTL: 1, Body: (&message.PushProxyRequest{}).Vendor()})
		synctest.Wait()
		sender, victim := netip.MustParseAddrPort("[2001:db8::7]:6346"), netip.MustParseAddrPort("203.0.113.7:6346")
		push := newPush(id, 3, sender)
		push.Addr = victim
		r.takeDatagramPush(message.Message{GUID: message.NewGUID(), TTL: 1}, push, netip.AddrPortFrom(sender.Addr(), 7777))
		pushes, _ := heard[*message.Push](leaf)
		if len(pushes) != 1 || pushes[0].Index != 3 || !slices.Equal(pushes[0].Addrs(), []netip.AddrPort{sender}) {
			t.Errorf("PUSHes %+v", pushes)
		}
		r.takeDatagramPush(message.Message{GUID: message.NewGUID(), TTL: 1}, push, netip.MustParseAddrPort("203.0.113.8:6346"))
		if pushes, _ := heard[*message.Push](leaf); len(pushes) > 0 {
			t.Errorf("PUSHes %+v of who is not named", pushes)
		}
	})
}

// TestNoPushProxy: a leaf is nobody's push proxy, and says so.
func TestNoPushProxy(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		p := r.plays(Ultrapeer, modern)
		lists, _ := told[*message.MessagesSupported](p)
		if _, ok := lists[0].Supports(message.LIME, 21); ok {
			t.Error("a leaf offers to be a push proxy")
		}
		p.supports(message.SupportedMessage{Vendor: message.LIME, Selector: 22, Version: 2})
		p.says(message.Message{GUID: message.NewGUID(), TTL: 1, Body: (&message.PushProxyRequest{}).Vendor()})
		if acks, _ := told[*message.PushProxyAck](p); len(acks) != 0 {
			t.Error("a leaf is a push proxy")
		}
	}, leafWithFiles)
}

func TestQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQuota(2, time.Minute)
		a, b := netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("2001:db8::1")
		sameNetwork := netip.MustParseAddr("2001:db8::2")
		for i, test := range []struct {
			host netip.Addr
			want bool
		}{{a, true}, {a, true}, {a, false}, {b, true}, {sameNetwork, true}, {sameNetwork, false}} {
			if q.take(test.host) != test.want {
				t.Errorf("%d: %v is %t", i, test.host, !test.want)
			}
		}
		time.Sleep(time.Minute)
		if !q.take(a) {
			t.Error("a minute later: no quota")
		}
		q.bar(a, time.Hour)
		time.Sleep(time.Hour - 1)
		if q.take(a) {
			t.Error("barred, and taken")
		}
		for i := range quotaHosts + 10 {
			q.take(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
		}
		if len(q.hosts) > quotaHosts || q.take(netip.MustParseAddr("203.0.113.9")) {
			t.Errorf("%d addresses are known", len(q.hosts))
		}
		time.Sleep(time.Minute)
		if !q.take(netip.MustParseAddr("203.0.113.9")) {
			t.Error("no room although all are forgotten")
		}
	})
}

// TestHeadPong: who asks about a file by UDP is told whether it is there, and that the node is firewalled.
func TestHeadPong(t *testing.T) {
	t.Parallel()
	sha1, tiger := urn.SHA1{1}, urn.Tiger{2}
	mesh := new(library.Mesh)
	other := netip.MustParseAddrPort("203.0.113.7:6346")
	mesh.Add(sha1, other, other.Addr())
	inRig(t, func(r *rig) {
		ask := func(hash urn.SHA1, version uint16) message.HeadStatus {
			pong := r.headPong(&message.HeadPing{
				Version: version, Flags: message.HeadAlternates | message.HeadGGEP, URN: urn.URN{SHA1: &hash}.String(),
			}, other)
			status, err := pong.Status()
			if err != nil || pong.Version != version {
				t.Errorf("version %d: %+v, %v", version, pong, err)
			}
			return status
		}
		for version := uint16(1); version <= 2; version++ {
			r.wall.tcp.shut = false
			s := ask(sha1, version)
			if s.Code != message.HeadComplete || s.Queue != -3 || len(s.Alternates) != 1 || s.Alternates[0].Addr != other {
				t.Errorf("version %d: %+v", version, s)
			}
			r.wall.tcp.shut = true
			if s := ask(sha1, version); s.Code != message.HeadComplete|message.HeadFirewalled {
				t.Errorf("version %d, firewalled: %+v", version, s)
			}
			if s := ask(urn.SHA1{9}, version); s.Code != 0 || len(s.Alternates) != 0 {
				t.Errorf("version %d, no such file: %+v", version, s)
			}
		}
		if r.headPong(&message.HeadPing{URN: "urn:md5:x"}, other) != nil {
			t.Error("an answer about no file")
		}
	}, leafWithFiles, func(c *Config) {
		c.Library = library.New([]library.File{{Name: "a", Size: 1, URN: urn.URN{SHA1: &sha1, Tiger: &tiger}}})
		c.Uploads = &transfer.Config{Slots: 3, Mesh: mesh}
	})
}
