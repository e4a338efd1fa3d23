package servent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"gnucensus/servent/message"
)

// pongWait is how long the answer of a UDP host cache is waited for.
const pongWait = 10 * time.Second

// Errors of a PING by UDP.
var (
	errNoSocket = errors.New("no UDP socket")
	errNoPong   = errors.New("no PONG")
)

// A pinger sends PINGs by UDP and waits for their PONGs. An answer is told by its GUID, not by where it comes from.
type pinger struct {
	mu        sync.Mutex
	four, six net.PacketConn // for the families of addresses; nil where there is none
	open      map[message.GUID]chan<- *message.Pong
}

// use sends to hosts of such addresses from a socket of the node: a cache that pings back finds the servent there.
func (p *pinger) use(conn net.PacketConn, to families) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if to.four {
		p.four = conn
	}
	if to.six {
		p.six = conn
	}
}

// askPong sends a PING and waits for its PONG.
func (n *Node) askPong(ctx context.Context, to netip.AddrPort, ping *message.Ping) (*message.Pong, error) {
	id := message.NewGUID()
	b, err := message.Append(nil, message.Message{GUID: id, TTL: 1, Body: ping})
	if err != nil {
		return nil, err
	}
	answers := make(chan *message.Pong, 1)
	defer n.pinger.end(id)
	conn := n.pinger.begin(id, to, answers)
	if conn == nil {
		return nil, errNoSocket
	}
	if _, err := conn.WriteTo(b, net.UDPAddrFromAddrPort(to)); err != nil {
		return nil, fmt.Errorf("send PING: %w", err)
	}
	late := time.NewTimer(pongWait)
	defer late.Stop()
	select {
	case pong := <-answers:
		return pong, nil
	case <-late.C:
		return nil, errNoPong
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin returns the socket to ask from, nil when there is none for such addresses.
func (p *pinger) begin(id message.GUID, to netip.AddrPort, answers chan<- *message.Pong) net.PacketConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		p.open = make(map[message.GUID]chan<- *message.Pong)
	}
	p.open[id] = answers
	return p.socket(to)
}

// socket returns the socket to hosts of such addresses. The caller holds mu.
func (p *pinger) socket(to netip.AddrPort) net.PacketConn {
	if to.Addr().Is6() {
		return p.six
	}
	return p.four
}

// sendDatagram sends a message by UDP, if there is a socket for it. A datagram may be lost anywhere, so also here.
func (n *Node) sendDatagram(to netip.AddrPort, m message.Message) {
	b, err := message.Append(nil, m)
	if err != nil {
		n.log.Warn("no datagram", "remote", to, "err", err)
		return
	}
	n.pinger.mu.Lock()
	conn := n.pinger.socket(to)
	n.pinger.mu.Unlock()
	if conn != nil {
		conn.WriteTo(b, net.UDPAddrFromAddrPort(to))
	}
}

func (p *pinger) end(id message.GUID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, id)
}

// ready tells whether there is a socket.
func (p *pinger) ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.four != nil || p.six != nil
}

// take gives a PONG to who asked for it. One that nobody asked for is dropped.
func (p *pinger) take(id message.GUID, pong *message.Pong) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.open[id] <- pong: // a nil channel takes nothing
	default:
	}
}
