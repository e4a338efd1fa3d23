package servent

import (
	"slices"
	"sync"
	"sync/atomic"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// substitutesKept is how many queries of leaves the node asks in its own name, and up to twice as many.
const substitutesKept = 1024

// securedOOB is the version of hits out of band that the node asks for.
const securedOOB = 3

// A substitute is a query of a leaf that the node asks in its own name: its hits come to the node by UDP, and go on to the leaf
// over the link ("out-of-band proxying").
type substitute struct {
	leaf   linkID
	id     message.GUID // of the leaf's query
	claims claims
	enough atomic.Bool // results have come
}

// Substitutes are those of a node, by the GUID of its own query.
type substitutes struct {
	mu   sync.Mutex
	byID generations[*substitute]
}

func (s *substitutes) put(id message.GUID, of *substitute) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID.most = substitutesKept
	s.byID.put(id, of)
}

func (s *substitutes) find(id message.GUID) (of *substitute, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID.find(id)
}

// maySubstitute tells whether the node may ask a leaf's query in its own name: hits come to it by UDP, the leaf does not fetch
// them itself, which a guided one can, and does not object.
func (n *Node) maySubstitute(leaf *peer, q *message.Query) bool {
	if !n.cfg.Substitute || n.walledUDP() || !n.cfg.Addr.Addr().Is4() || q.GGEP().NP() {
		return false
	}
	if veto := leaf.veto.Load(); veto != nil && veto.Vetoes(securedOOB) {
		return false
	}
	fetches := q.Flags&message.QueryOOB != 0 && q.Flags&message.QueryFirewalled == 0
	return !fetches || q.Flags&message.QueryGuided == 0
}

// substitute returns what the node asks for a leaf: the query of the leaf, or one of its own that stands for it. The GUIDs of
// both differ in the address alone, so that others see that they are copies.
func (n *Node) substitute(leaf *peer, m message.Message, q *message.Query) (asked message.Message, own *substitute) {
	if !n.maySubstitute(leaf, q) {
		return m, nil
	}
	theirs := *q
	x := q.Extensions()
	x.GGEP = slices.DeleteFunc(x.GGEP, func(b ggep.Block) bool { return b.ID == "6" }) // the address of the leaf
	if !x.GGEP.Has("SO") {
		x.GGEP = append(x.GGEP, ggep.SO(nil))
	}
	tail, err := x.Append(nil)
	if err != nil {
		return m, nil
	}
	theirs.Flags |= message.QueryOOB
	theirs.Tail = tail
	asked = m
	asked.GUID, asked.Body = m.GUID.ReplyingTo(n.addr()), &theirs
	if _, err := message.Append(nil, asked); err != nil || n.routes.add(asked.GUID, leaf.id, m.TTL) != fresh {
		return m, nil // it would be too long, or is asked already
	}
	own = &substitute{leaf: leaf.id, id: m.GUID, claims: claims{most: leafClaimsKept}}
	n.substitutes.put(asked.GUID, own)
	return asked, own
}

// passOn sends a hit that came by UDP to the leaf whose query it answers.
func (n *Node) passOn(s *substitute, m message.Message, hit *message.QueryHit) {
	n.askings.count(m, hit)
	if to := n.seats.find(s.leaf); to != nil {
		to.send(message.Message{GUID: s.id, TTL: 1, Hops: m.Hops + 1, Body: hit})
	}
}

// veto tells an ultrapeer not to ask this leaf's queries in its own name, where the leaf can fetch hits itself: their way is
// then the one that was asked for.
func (n *Node) veto(p *peer) {
	if p.as == Leaf && p.role == Ultrapeer && !n.walledUDP() && n.cfg.Addr.Addr().Is4() {
		p.tell(message.GUID{}, &message.OOBProxyVeto{All: true})
	}
}
