package servent

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gnucensus/servent/message"
)

// Times of the test whether others can reach the node ("Am I firewalled?" in "Transfer between servents").
const (
	helpers     = 3                // neighbours that are asked to connect back
	enoughHelp  = helpers          // whose silence proves something, if each of them asks others to do it
	helpWait    = 30 * time.Second // for them to do it
	proofLife   = 30 * time.Minute // of a proof that others can
	testAgain   = 10 * time.Minute // after a test that nobody passed
	knockEvery  = time.Minute      // that a neighbour is connected back to
	knockTries  = 2                // within that time: TCP and UDP
	knockWithin = 10 * time.Second
)

// A wall is what the node knows of the firewall before it.
type wall struct {
	wake chan struct{} // holds a token when there is a neighbour more who can help

	mu       sync.Mutex
	tcp, udp gate
	ping     message.GUID // of the PINGs that helpers send
}

// A gate is one kind of traffic from outside. It is taken to be open until a test says otherwise.
type gate struct {
	proved time.Time // when something came through, last
	shut   bool      // nothing came when it should have
}

// due tells whether the gate is to be tested.
func (g *gate) due(now time.Time) bool { return g.proved.IsZero() || now.Sub(g.proved) >= proofLife }

// walled tells whether others cannot connect to the node.
func (n *Node) walled() bool {
	n.wall.mu.Lock()
	defer n.wall.mu.Unlock()
	return n.cfg.Firewalled || n.wall.tcp.shut
}

// Reached tells whether somebody has connected to the node from outside, not long ago: so others can.
func (n *Node) Reached() bool {
	n.wall.mu.Lock()
	defer n.wall.mu.Unlock()
	return !n.wall.tcp.due(time.Now())
}

// walledUDP tells whether datagrams that the node did not ask for are lost.
func (n *Node) walledUDP() bool {
	n.wall.mu.Lock()
	defer n.wall.mu.Unlock()
	return n.cfg.Firewalled || n.wall.udp.shut
}

// came takes up that somebody has connected to the node.
func (n *Node) came(from netip.Addr) {
	if n.isHere(from) {
		return
	}
	n.wall.mu.Lock()
	opened := n.wall.tcp.shut
	n.wall.tcp = gate{proved: time.Now()}
	n.wall.mu.Unlock()
	if opened {
		n.log.Info("others can connect to the node")
		n.dismissProxies()
		n.promote()
	}
}

// isHere tells whether an address is one of the node's own host: no firewall stands between a host and itself, so who is there
// can prove nothing.
func (n *Node) isHere(addr netip.Addr) bool {
	return slices.ContainsFunc(n.own(), func(own netip.AddrPort) bool { return own.Addr() == addr })
}

// pinged takes up a PING by UDP, which may be that of a helper.
func (n *Node) pinged(id message.GUID) {
	n.wall.mu.Lock()
	defer n.wall.mu.Unlock()
	if id == n.wall.ping && id != (message.GUID{}) {
		n.wall.udp = gate{proved: time.Now()}
	}
}

// stir has the test look whether somebody can help.
func (w *wall) stir() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// testWall finds out, again and again until ctx ends, whether others can reach the node: it asks neighbours to connect back, and
// takes itself to be firewalled when nobody does.
func (n *Node) testWall(ctx context.Context) {
	if n.cfg.Firewalled || !n.cfg.Dialect.Dynamic {
		return
	}
	for {
		var wake <-chan struct{}
		tcp, udp, help := n.callForHelp()
		if help > 0 && !pause(ctx, helpWait) {
			return
		}
		if help >= enoughHelp {
			n.judge(tcp, udp)
		} else {
			wake = n.wall.wake
		}
		again := time.NewTimer(testAgain)
		select {
		case <-wake:
		case <-again.C:
		case <-ctx.Done():
		}
		again.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// callForHelp asks neighbours to connect back by TCP, UDP or both, where a proof is missing, and tells what their silence is worth:
// one that connects by itself is enough, one that asks its own neighbours to do it, as LimeWire does, may have none.
func (n *Node) callForHelp() (tcp, udp bool, help int) {
	now := time.Now()
	n.wall.mu.Lock()
	tcp, udp = n.wall.tcp.due(now), n.wall.udp.due(now)
	n.wall.ping = message.NewGUID()
	ping := n.wall.ping
	n.wall.mu.Unlock()
	if !tcp && !udp {
		return tcp, udp, 0
	}
	port, left := n.cfg.Addr.Port(), helpers
	for _, p := range n.seats.linked() {
		version, byUDP := p.reads(message.GTKG, 7)
		if left == 0 || p.role != Ultrapeer || !p.knows(message.BEAR, 7) || !byUDP || n.isHere(p.remote.Addr()) {
			continue
		}
		if tcp {
			p.tell(message.GUID{}, &message.TCPConnectBack{Port: port})
		}
		if udp {
			p.tell(ping, &message.UDPConnectBack{Version: min(2, version), Port: port, GUID: ping})
		}
		left--
		if help++; !p.knows(message.LIME, 7) {
			help = enoughHelp
		}
	}
	return tcp, udp, help
}

// judge takes what was tested and not proved to be shut.
func (n *Node) judge(tcp, udp bool) {
	now := time.Now()
	n.wall.mu.Lock()
	n.wall.udp.shut = udp && n.wall.udp.due(now)
	before := n.wall.tcp.shut
	n.wall.tcp.shut = tcp && n.wall.tcp.due(now)
	walled := n.wall.tcp.shut && !before
	n.wall.mu.Unlock()
	if !walled {
		return
	}
	n.log.Info("nobody can connect to the node")
	if n.cfg.Role == Auto {
		n.becomeLeaf()
	}
	for _, p := range n.seats.linked() {
		n.seekProxy(p)
	}
}

// knock connects back to a neighbour, which wants to know whether others can connect to it: at the address of its link alone,
// and not often.
func (n *Node) knock(p *peer, port uint16) {
	to := netip.AddrPortFrom(p.remote.Addr(), port)
	if !n.mayReach(to) || !n.knocks.take(to.Addr()) {
		return
	}
	n.errands.add(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, knockWithin)
		defer cancel()
		conn, err := n.cfg.Net.DialContext(ctx, "tcp", to.String())
		if err != nil {
			return // which is what the neighbour wants to know
		}
		defer conn.Close()
		if conn.SetDeadline(time.Now().Add(knockWithin)) == nil {
			conn.Write([]byte(wordKnock))
		}
	})
}

// pingBack sends a neighbour the PING by UDP that it wants to know about.
func (n *Node) pingBack(p *peer, id message.GUID, back *message.UDPConnectBack) {
	if back.Version < 2 {
		id = back.GUID
	}
	if to := netip.AddrPortFrom(p.remote.Addr(), back.Port); n.mayReach(to) && n.knocks.take(to.Addr()) {
		n.sendDatagram(to, message.Message{GUID: id, TTL: 1, Body: &message.Ping{}})
	}
}
