package servent

import "gnucensus/servent/message"

// handlePush sends a PUSH on to the neighbour over which hits of its servent came, and to a leaf only those for the leaf
// itself ("PUSH" in "Gnutella overlay messages").
func (n *Node) handlePush(p *peer, m message.Message, push *message.Push) {
	over, found := n.routes.to(push.Servent)
	if n.Role() == Leaf || !found || m.TTL <= 1 || int(m.TTL)+int(m.Hops) > hardTTL || !n.routes.pass(m.GUID) {
		n.seen.stray.Add(1)
		return
	}
	to := n.seats.find(over)
	if to == nil || to == p {
		return
	}
	m.TTL--
	m.Hops++
	to.send(m)
}
