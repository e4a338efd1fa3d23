package servent

import (
	"net/netip"
	"slices"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// mostProxies is how many push proxies a hit names; LimeWire reads no more.
const mostProxies = 4

// proxied returns the neighbour for which the node is the push proxy, nil when there is none with that GUID.
func (n *Node) proxied(servent message.GUID) *peer {
	for _, p := range n.seats.linked() {
		if id := p.behind.Load(); id != nil && *id == servent {
			return p
		}
	}
	return nil
}

// becomeProxy makes the node the push proxy of a neighbour, which gave its GUID, if it can be one ("Push proxies" in "Gnutella
// vendor messages"). Nobody takes a GUID away from another neighbour.
func (n *Node) becomeProxy(p *peer, servent message.GUID) {
	if !n.mayBeProxy() || servent == n.cfg.GUID || servent == (message.GUID{}) {
		return
	}
	if other := n.proxied(servent); other != nil && other != p {
		return
	}
	p.behind.Store(&servent)
	p.reply(servent, &message.PushProxyAck{Version: 2, Addr: n.addr()})
}

// mayBeProxy tells whether the node can be the push proxy of others: they reach it, and its address fits into the
// acknowledgement.
func (n *Node) mayBeProxy() bool {
	return n.Role() == Ultrapeer && !n.walled() && n.cfg.Addr.Addr().Is4()
}

// seekProxy asks an ultrapeer to be the push proxy of the node, if it needs one.
func (n *Node) seekProxy(p *peer) {
	if n.walled() && n.server != nil && p.role == Ultrapeer {
		p.tell(n.cfg.GUID, &message.PushProxyRequest{})
	}
}

// takeProxy takes up that a neighbour is a push proxy of the node. It speaks for its own host alone.
func (n *Node) takeProxy(p *peer, id message.GUID, ack *message.PushProxyAck) {
	at := ack.Addr
	if ack.Version < 2 {
		at = netip.AddrPortFrom(p.remote.Addr(), at.Port())
	}
	if id == n.cfg.GUID && n.walled() && p.role == Ultrapeer && p.has(at) && plausible(at) {
		p.proxy.Store(&at)
	}
}

// dismissProxies tells the push proxies of the node that it needs none.
func (n *Node) dismissProxies() {
	for _, p := range n.seats.linked() {
		if p.proxy.Swap(nil) != nil {
			p.tell(message.GUID{}, &message.PushProxyCancel{})
		}
	}
}

// Proxies returns the push proxies of the node, at most four: none while others can connect to it.
func (n *Node) Proxies() []netip.AddrPort {
	var found []netip.AddrPort
	for _, p := range n.seats.linked() {
		if at := p.proxy.Load(); at != nil && len(found) < mostProxies && !slices.Contains(found, *at) {
			found = append(found, *at)
		}
	}
	return found
}

// proxyBlocks are what hits tell of the push proxies.
func (n *Node) proxyBlocks() []ggep.Block {
	var hosts []ggep.Host
	for _, at := range n.Proxies() {
		hosts = append(hosts, ggep.Host{Addr: at})
	}
	return ggep.PUSH(hosts...)
}

// pushFor sends a PUSH to a neighbour for which the node is the push proxy, on behalf of a downloader. It tells whether there is
// such a neighbour.
func (n *Node) pushFor(servent message.GUID, index uint32, downloader netip.AddrPort) bool {
	p := n.proxied(servent)
	if p == nil {
		return false
	}
	p.send(message.Message{GUID: message.NewGUID(), TTL: 1, Body: newPush(servent, index, downloader)})
	return true
}

// newPush makes a PUSH that asks a servent to connect to a downloader.
func newPush(servent message.GUID, index uint32, downloader netip.AddrPort) *message.Push {
	push := &message.Push{Servent: servent, Index: index, Addr: downloader}
	if downloader.Addr().Is6() {
		push.Tail, _ = ggep.Append(nil, ggep.IPv6(downloader.Addr())) // the block is not too long
	}
	return push
}
