package servent

import (
	"net/netip"
	"slices"
	"sync"

	"gnucensus/servent/internal/vicinity"
)

// How the outside address is agreed on.
const (
	votesKept = 16 // of networks, the last word of each
	votesFor  = 3  // that an address needs, and more than half of all
)

// An outside is where others see the node that listens at a private address, behind a router. Whoever is linked to the node says
// so in its handshake, and may lie: then hits that the node asks for would go to a third host. So several must agree that are
// not of one network.
type outside struct {
	mu     sync.Mutex
	votes  []vote // the oldest first
	agreed netip.Addr
}

// A vote is what hosts of one network said last.
type vote struct {
	network netip.Prefix
	addr    netip.Addr
}

// hear takes in where a host says it sees the node. It tells whether another address is agreed on now.
func (o *outside) hear(from, addr netip.Addr) (agreed netip.Addr, changed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	network := networkOf(from)
	o.votes = slices.DeleteFunc(o.votes, func(v vote) bool { return v.network == network })
	o.votes = append(o.votes, vote{network, addr})
	if len(o.votes) > votesKept {
		o.votes = o.votes[1:]
	}
	found := 0
	for _, v := range o.votes {
		if v.addr == addr {
			found++
		}
	}
	if found < votesFor || 2*found <= len(o.votes) || o.agreed == addr {
		return o.agreed, false
	}
	o.agreed = addr
	return addr, true
}

// networkOf is what is taken to be run by one party.
func networkOf(a netip.Addr) netip.Prefix {
	bits := 16
	if a.Is6() {
		bits = 32
	}
	p, _ := a.WithZone("").Prefix(bits) // there are as many bits
	return p
}

// hearOutside takes in the Remote-IP of a neighbour, where a router may stand before the node.
func (n *Node) hearOutside(p *peer, remoteIP string) {
	own := n.cfg.Addr.Addr()
	addr, err := netip.ParseAddr(remoteIP)
	addr, from := addr.Unmap(), p.remote.Addr()
	useless := err != nil || !addr.IsGlobalUnicast() || vicinity.Private(addr) || addr.Is4() != own.Is4()
	if useless || !vicinity.Private(own) || vicinity.Private(from) {
		return
	}
	if agreed, changed := n.outside.hear(from, addr); changed {
		n.log.Info("others see the node at another address", "addr", agreed)
	}
}

// addr returns the address that the node tells others: the one that they see it at, if they agree on one, else that of the
// configuration.
func (n *Node) addr() netip.AddrPort {
	n.outside.mu.Lock()
	defer n.outside.mu.Unlock()
	if n.outside.agreed.IsValid() {
		return netip.AddrPortFrom(n.outside.agreed, n.cfg.Addr.Port())
	}
	return n.cfg.Addr
}

// isOwn tells whether an address is the node's, as it listens there or as others see it.
func (n *Node) isOwn(a netip.AddrPort) bool {
	return a == n.cfg.Addr || slices.Contains(n.own(), a)
}
