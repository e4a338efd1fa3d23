package servent

import (
	"context"
	"net/netip"
	"time"

	"gnucensus/servent/message"
)

// Pongs are what a neighbour said last of others ("Pong caching"): so PINGs are answered from memory, and not sent on.
type pongs struct {
	ring []heardPong // at most pongsKept
	next int         // place of the one that comes next
}

// A heardPong is one that tells of a host so many links behind the neighbour that sent it.
type heardPong struct {
	pong message.Pong   // bare
	of   netip.AddrPort // whom it tells of
	hops uint8
	when time.Time
}

// add keeps a pong, in the place of the oldest.
func (c *pongs) add(p heardPong) {
	if len(c.ring) < pongsKept {
		c.ring = append(c.ring, p)
		return
	}
	c.ring[c.next] = p
	c.next = (c.next + 1) % len(c.ring)
}

// neighbourPongs returns what the ultrapeers beside the node say of themselves, but for one that asks.
func (n *Node) neighbourPongs(asker *peer) (found []heardPong) {
	for _, p := range n.seats.neighbours(Ultrapeer) {
		p.mu.Lock()
		if p != asker && p.pong != nil {
			found = append(found, heardPong{pong: p.pong.Bare(), of: p.addr})
		}
		p.mu.Unlock()
	}
	return found
}

// cachedPongs returns some PONGs, each of another host: of the neighbours, and of hosts at each distance of which they spoke,
// in turn. Nobody gets back what it said, and leaves get none of leaves.
func (n *Node) cachedPongs(asker *peer, neighbours []heardPong) (found []heardPong) {
	distances := [maxTTL + 1][]heardPong{neighbours}
	oldest := time.Now().Add(-pongLife)
	for _, p := range n.seats.linked() {
		if p == asker {
			continue
		}
		p.mu.Lock()
		for _, h := range p.heard.ring {
			if h.when.After(oldest) && (asker.role != Leaf || h.pong.Ultrapeer()) {
				d := min(int(h.hops), maxTTL)
				distances[d] = append(distances[d], h)
			}
		}
		p.mu.Unlock()
	}
	named := map[netip.AddrPort]bool{asker.addr: true}
	for left := true; left; {
		left = false
		for d, list := range distances {
			if len(list) == 0 {
				continue
			}
			left = true
			distances[d] = list[1:]
			if h := list[0]; !named[h.of] {
				named[h.of] = true
				found = append(found, h)
			}
			if len(found) == pongsPerPing {
				return found
			}
		}
	}
	return found
}

// discover asks the ultrapeers beside the node for hosts, again and again until ctx ends, so that what the node has heard of is
// never old.
func (n *Node) discover(ctx context.Context) {
	for pause(ctx, discoverAfter) {
		if n.Role() == Leaf || !n.cfg.Dialect.Dynamic {
			continue
		}
		ping := message.Message{GUID: message.NewGUID(), TTL: maxTTL, Body: &message.Ping{}}
		for _, p := range n.seats.neighbours(Ultrapeer) {
			if p.can.pongs {
				p.send(ping)
			}
		}
	}
}
