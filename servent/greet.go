package servent

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"gnucensus/servent/handshake"
)

// greet answers the hello of somebody who came. The peer has a seat; it is nil when no link comes of the answer.
func (n *Node) greet(hello handshake.Fields, remote netip.AddrPort) (handshake.Reply, *peer) {
	p := newPeer(hello, remote)
	p.as = n.Role()
	if ban := n.guard.shake(remote.Addr()); ban > 0 {
		return n.refuse(429, banReason(ban), p), nil
	}
	if hello.Has("Crawler") {
		switch n.cfg.Dialect.Crawl {
		case CrawlOK, CrawlHi:
			if !n.guard.admit(crawlHandshake, remote.Addr()) {
				return n.refuse(403, "Too frequent crawling", p), nil
			}
			return n.crawlAnswer(), nil
		case CrawlAsNewcomer:
			if p.as == Ultrapeer && n.seats.free(p.role) == 0 {
				return n.refusal(p), nil
			}
			p.role, p.addr = visitor, netip.AddrPort{}
		}
	}
	if p.as == Leaf && p.role == Leaf {
		return n.refuse(n.cfg.Dialect.Shielded.Code, n.cfg.Dialect.Shielded.Reason, p), nil
	}
	if n.isOwn(p.addr) {
		return n.refuse(409, "Already connected", p), nil // to itself
	}
	got := n.seat(p)
	if got == twice && p.nat { // another host behind the same router
		p.addr = netip.AddrPort{}
		got = n.seat(p)
	}
	switch got {
	case full:
		return n.refusal(p), nil
	case twice:
		return n.refuse(409, "Already connected", p), nil
	}
	return handshake.Accepted(n.answer(hello, p)), p
}

// seat gives a newcomer a seat. An ultrapeer for which there is none gets one for a leaf, and is told that no ultrapeer is
// needed.
func (n *Node) seat(p *peer) seating {
	got := n.seats.take(p)
	if got != full || p.role != Ultrapeer || p.as != Ultrapeer {
		return got
	}
	p.role = Leaf
	if got = n.seats.take(p); got != seated {
		p.role = Ultrapeer
		return got
	}
	p.guided = true
	return seated
}

// hello is what the node, in a role, says to a host that it dialled.
func (n *Node) hello(to netip.AddrPort, as Role, upgrade bool) handshake.Fields {
	f := n.cfg.Dialect.listening(n.own())
	f = append(f,
		handshake.Field{Name: "Remote-IP", Value: to.Addr().String()},
		handshake.Field{Name: "User-Agent", Value: n.cfg.Agent})
	f = append(f, n.abilities(as)...)
	if n.cfg.Deflate {
		f = append(f, handshake.Field{Name: "Accept-Encoding", Value: "deflate"})
	}
	if upgrade {
		f = append(f, handshake.UpgradeOffer)
	}
	return f
}

// answer is what the node says to a newcomer that it accepts.
func (n *Node) answer(hello handshake.Fields, p *peer) handshake.Fields {
	f := handshake.Fields{
		{Name: "User-Agent", Value: n.cfg.Agent},
		{Name: "Remote-IP", Value: p.remote.Addr().String()},
	}
	f = append(f, n.abilities(p.as)...)
	if p.as == Ultrapeer {
		needed := p.role == Ultrapeer || !p.guided && n.seats.free(Ultrapeer) > 0
		f = append(f, handshake.Field{Name: "X-Ultrapeer-Needed", Value: capital(needed)})
	}
	if n.tls != nil && hello.Lists("Upgrade", handshake.UpgradeOffer.Value) {
		f = append(f, handshake.UpgradeFields...)
	}
	if n.cfg.Dialect.Deflate {
		f = append(f, handshake.Field{Name: "Accept-Encoding", Value: "deflate"})
		if hello.Lists("Accept-Encoding", "deflate") {
			f = append(f, handshake.Field{Name: "Content-Encoding", Value: "deflate"})
		}
	}
	return f
}

// refusal says that there is no seat left.
func (n *Node) refusal(p *peer) handshake.Reply {
	name, slots := "leaf", n.cfg.Slots.Leaves
	if p.role == Ultrapeer {
		name, slots = "ultra", n.cfg.Slots.Ultrapeers
	}
	return n.refuse(503, fmt.Sprintf("Too many %s connections (%d max)", name, slots), p)
}

// refuse says no, and whom to ask instead.
func (n *Node) refuse(code int, reason string, p *peer) handshake.Reply {
	f := handshake.Fields{
		{Name: "User-Agent", Value: n.cfg.Agent},
		{Name: "Remote-IP", Value: p.remote.Addr().String()},
		{Name: "X-Ultrapeer", Value: capital(p.as == Ultrapeer)},
	}
	if hosts := n.hosts(triedHosts, p.uses); code == 503 && len(hosts) > 0 {
		f = append(f, handshake.Field{Name: "X-Try-Ultrapeers", Value: n.cfg.Dialect.tryList(hosts)})
	}
	return handshake.Reply{Code: code, Reason: reason, Fields: f}
}

// crawlAnswer lists the neighbours ("TCP crawler handshake").
func (n *Node) crawlAnswer() handshake.Reply {
	d := n.cfg.Dialect
	peers := handshake.Field{Name: "Peers", Value: d.list(addrsOf(n.seats.neighbours(Ultrapeer)))}
	leaves := handshake.Field{Name: "Leaves", Value: d.list(addrsOf(n.seats.neighbours(Leaf)))}
	agent := handshake.Field{Name: "User-Agent", Value: n.cfg.Agent}
	if d.Crawl == CrawlHi {
		role := handshake.Field{Name: "X-Ultrapeer", Value: strings.ToLower(capital(n.Role() == Ultrapeer))}
		return handshake.Reply{Code: 593, Reason: "Hi", Fields: handshake.Fields{agent, role, peers, leaves}}
	}
	f := handshake.Fields{agent, peers}
	if n.Role() == Ultrapeer {
		f = append(f, leaves)
	}
	return handshake.Accepted(append(f, handshake.Field{Name: "X-Live-Since", Value: n.started.Format(time.RFC1123Z)}))
}

// hosts returns at most so many hosts to name to who can use such addresses: those of the cache, then ultrapeers that are
// neighbours, then those that answered not long ago.
func (n *Node) hosts(most int, uses families) []netip.AddrPort {
	var found []netip.AddrPort
	seen := make(map[netip.AddrPort]bool)
	for _, list := range [][]netip.AddrPort{n.cfg.Known, addrsOf(n.seats.neighbours(Ultrapeer)), n.keeper.fresh()} {
		for _, a := range list {
			if len(found) < most && !seen[a] && uses.has(a) {
				seen[a] = true
				found = append(found, a)
			}
		}
	}
	return found
}
