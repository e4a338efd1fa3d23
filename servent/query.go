package servent

import (
	"math"
	"slices"
	"unicode/utf8"

	"gnucensus/servent/library"
	"gnucensus/servent/message"
)

// handleQuery answers a query from the library and, as an ultrapeer, relays it to all others ("QUERY" in "Gnutella overlay
// messages"). Copies are dropped, but for one that may travel farther than those before: it goes on to ultrapeers.
func (n *Node) handleQuery(p *peer, m message.Message, q *message.Query) {
	if p.role == visitor || q.Flags&message.QueryMark == 0 || q.Words == "" || !utf8.ValidString(q.Words) ||
		m.TTL == 0 || int(m.TTL)+int(m.Hops) > hardTTL {
		return
	}
	m.Hops++
	m.TTL = uint8(max(0, min(int(m.TTL)-1, maxTTL-int(m.Hops))))
	news := n.routes.add(m.GUID, p, m.TTL)
	if news == fresh {
		n.answerQuery(p, m, q)
	}
	if news == known || n.Role() == Leaf {
		return
	}
	for _, other := range n.seats.linked() {
		switch {
		case other == p:
		case other.role == Leaf && news == fresh:
			last := m
			last.TTL = max(1, last.TTL)
			other.send(last)
		case other.role == Ultrapeer && m.TTL > 0:
			other.send(m)
		}
	}
}

// answerQuery sends the hits of the own library. The message has been counted as one hop further than it came.
func (n *Node) answerQuery(p *peer, m message.Message, q *message.Query) {
	most := resultsPerQuery
	if wanted := int(q.Flags & message.QueryMaxHits); wanted > 0 {
		most = min(most, wanted)
	}
	found := n.cfg.Library.Match(q.Words, most)
	for part := range slices.Chunk(found, resultsPerHit) {
		p.send(message.Message{GUID: m.GUID, TTL: m.Hops + hitExtraTTL, Body: n.hit(part)})
	}
}

// hit makes a QUERY HIT of files found.
func (n *Node) hit(found []library.Match) *message.QueryHit {
	hit := &message.QueryHit{Addr: n.cfg.Addr, Speed: 1000, Servent: n.cfg.GUID}
	for _, f := range found {
		size := uint32(min(f.Size, math.MaxUint32))
		hit.Results = append(hit.Results, message.Result{Index: f.Index, Size: size, Name: f.Name})
	}
	yes, no := true, false
	flags := message.HitFlags{Push: &no, Busy: &no}
	if n.cfg.Firewalled {
		flags.Push = &yes
	}
	hit.Tail = message.QHD{Vendor: n.cfg.Vendor.Code, Open: flags.Open()}.Append(nil)
	return hit
}

// handleHit sends a QUERY HIT back on the way that its query came.
func (n *Node) handleHit(p *peer, m message.Message) {
	to := n.routes.find(m.GUID)
	if n.Role() == Leaf || to == nil || to == p || m.TTL == 0 || m.Hops == 255 {
		return
	}
	m.TTL--
	m.Hops++
	if to.role == Leaf {
		m.TTL = max(1, m.TTL)
	}
	if m.TTL > 0 {
		to.send(m)
	}
}
