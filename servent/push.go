package servent

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gnucensus/servent/message"
)

// Limits of a node that is asked to connect to a downloader, as gtk-gnutella has them ("Firewalled sources" in "Transfer between
// servents").
const (
	pushesPerHost = 5 // within …
	pushTime      = 30 * time.Second
	pushBar       = 500 * time.Second // for which a host that could not be connected to is left alone
	requestWait   = 30 * time.Second  // for the first words of a downloader that was connected to
)

// handlePush takes a PUSH: one for the node is answered, others go on to where their servent is to be found ("PUSH" in "Gnutella
// overlay messages"). It is a neighbour for which the node is a push proxy, or one over which hits of the servent came, and where
// somebody has forged a GUID both get it. A leaf sends nothing on.
func (n *Node) handlePush(p *peer, m message.Message, push *message.Push) {
	switch {
	case push.Servent == n.cfg.GUID:
		if n.routes.pass(m.GUID) {
			n.answerPush(push, n.nearest(push.Addrs()))
		}
		return
	case n.Role() == Leaf || m.TTL <= 1 || int(m.TTL)+int(m.Hops) > hardTTL || !n.routes.pass(m.GUID):
		n.seen.stray.Add(1)
		return
	}
	m.TTL--
	m.Hops++
	if !n.sendPush(p, m, push) {
		n.seen.stray.Add(1)
	}
}

// sendPush sends a PUSH that did not come from the neighbours for whom it is; from is nil where it is that of no neighbour. It
// tells whether there is any.
func (n *Node) sendPush(from *peer, m message.Message, push *message.Push) (known bool) {
	var found []*peer
	if p := n.proxied(push.Servent); p != nil {
		found = append(found, p)
	}
	if over, ok := n.routes.to(push.Servent); ok {
		if p := n.seats.find(over); p != nil && !slices.Contains(found, p) {
			found = append(found, p)
		}
	}
	for _, p := range found {
		if p != from {
			p.send(m)
		}
	}
	return len(found) > 0
}

// takeDatagramPush takes a PUSH that came by UDP. Its sender can have nobody connected to but itself.
func (n *Node) takeDatagramPush(m message.Message, push *message.Push, from netip.AddrPort) {
	addrs := push.Addrs()
	at := slices.IndexFunc(addrs, func(to netip.AddrPort) bool { return to.Addr() == from.Addr() })
	if at < 0 || !n.routes.pass(m.GUID) {
		n.seen.stray.Add(1)
		return
	}
	if push.Servent == n.cfg.GUID {
		n.answerPush(push, addrs[at])
	} else if p := n.proxied(push.Servent); p != nil {
		p.send(message.Message{GUID: m.GUID, TTL: 1, Hops: 1, Body: newPush(push.Servent, push.Index, addrs[at])})
	}
}

// nearest returns the first of the addresses of a host that is of a family which the node has; it is not valid where none is.
func (n *Node) nearest(addrs []netip.AddrPort) (at netip.AddrPort) {
	if i := slices.IndexFunc(addrs, n.families().has); i >= 0 {
		at = addrs[i]
	}
	return at
}

// answerPush connects to a downloader, if the node may, and serves it there.
func (n *Node) answerPush(push *message.Push, to netip.AddrPort) {
	if n.server == nil || push.Index == message.PushFWTransfer || !n.mayReach(to) || !n.pushes.take(to.Addr()) {
		n.seen.stray.Add(1)
		return
	}
	n.errands.add(func(ctx context.Context) {
		if err := n.give(ctx, to, push.Index); err != nil {
			n.log.Debug("PUSH not answered", "to", to, "err", err)
		}
	})
}

// give connects to a downloader, says who it is, and has the server take the connection, as if the downloader had opened it.
func (n *Node) give(ctx context.Context, to netip.AddrPort, index uint32) error {
	connecting, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := n.cfg.Net.DialContext(connecting, "tcp", to.String())
	if err != nil {
		n.pushes.bar(to.Addr(), pushBar)
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(requestWait)); err != nil {
		return err
	}
	giv := fmt.Sprintf("%s%d:%s/file\n\n", wordGIV, index, strings.ToUpper(n.cfg.GUID.String()))
	if _, err := conn.Write([]byte(giv)); err != nil {
		return fmt.Errorf("write GIV: %w", err)
	}
	waiting, cancel := context.WithTimeout(ctx, requestWait)
	defer cancel()
	c, _, err := recognise(waiting, conn, wordGET, wordHEAD)
	if err != nil {
		return err
	}
	return n.server.Serve(ctx, c)
}
