package servent

import (
	"slices"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// answerQuery sends the hits of the own library and returns how many results they have. The message has been counted as one
// hop further than it came.
func (n *Node) answerQuery(p *peer, m message.Message, q *message.Query) (results int) {
	most := resultsPerQuery
	if wanted := int(q.Flags & message.QueryMaxHits); wanted > 0 {
		most = min(most, wanted)
	}
	found := n.cfg.Library.Answer(q, most, n.addr().Addr())
	switch {
	case len(found) == 0 || !n.reachedBy(q) || q.Flags&message.QueryOOB != 0 && !n.routes.answer(m.GUID):
		return 0
	case n.promise(m, q, found):
		return len(found)
	}
	for part := range slices.Chunk(found, resultsPerHit) {
		p.send(message.Message{GUID: m.GUID, TTL: m.Hops + hitExtraTTL, Body: n.hit(part)})
		n.seen.hits.Add(1)
	}
	n.report(HitsSent{To: p.end(), Path: InBand, Results: len(found)})
	return len(found)
}

// reachedBy tells whether who asks a query could fetch from the node: of two hosts behind firewalls neither can connect, and some
// have IPv6 alone.
func (n *Node) reachedBy(q *message.Query) bool {
	alone, _ := q.GGEP().I6()
	return (q.Flags&message.QueryFirewalled == 0 || !n.walled()) && (!alone || n.six().IsValid())
}

// hit makes a QUERY HIT of results, with extensions in its trailer.
func (n *Node) hit(found []message.Result, blocks ...ggep.Block) *message.QueryHit {
	walled, busy := n.walled(), n.server != nil && n.server.Busy()
	flags := message.HitFlags{Push: &walled, Busy: &busy}
	if walled {
		blocks = append(blocks, n.proxyBlocks()...)
	}
	if n.server != nil {
		blocks = append(blocks, ggep.BH())
	}
	if six := n.six(); six.IsValid() {
		blocks = append(blocks, ggep.IPv6(six.Addr()))
	}
	var private []byte
	if len(blocks) > 0 {
		if tail, err := ggep.Append(nil, blocks...); err == nil {
			flags.GGEP, private = true, tail
		}
	}
	return &message.QueryHit{
		Addr: n.addr(), Speed: 1000, Results: found, Servent: n.cfg.GUID,
		Tail: message.QHD{Vendor: n.cfg.Vendor.Code, Open: flags.Open(), Private: private}.Append(nil),
	}
}

// handleHit sends a QUERY HIT back on the way that its query came, and remembers the way to its servent. A hit without a route
// is dropped, and so is one in our own name.
func (n *Node) handleHit(p *peer, m message.Message, hit *message.QueryHit) {
	from, found := n.routes.back(m.GUID)
	if !found || m.Hops == 255 || hit.Servent == n.cfg.GUID {
		n.seen.stray.Add(1)
		return
	}
	if hit.Servent != (message.GUID{}) {
		n.routes.learn(hit.Servent, p.id, func(id linkID) bool { return n.seats.find(id) != nil })
	}
	n.askings.count(m, hit)
	if from == guessed {
		n.returnToGuesser(m, hit)
		return
	}
	to := n.seats.find(from)
	if n.Role() == Leaf || to == nil || to == p {
		return
	}
	if s, found := n.substitutes.find(m.GUID); found {
		m.GUID = s.id
	}
	m.TTL = min(m.TTL, maxTTL+hitExtraTTL)
	m.Hops++
	if m.TTL > 0 {
		m.TTL--
	}
	if to.role == Leaf {
		m.TTL = max(1, m.TTL)
	}
	if m.TTL > 0 {
		to.send(m)
	}
}
