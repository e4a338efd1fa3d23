package servent

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"sync"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// How many responders a query fetches hits from: an own one, and one of the many that are asked for leaves.
const (
	claimsKept     = 4096
	leafClaimsKept = 256
)

// A claim is what a query fetches from one responder.
type claim struct {
	left  int    // results that are still to come
	token []byte // that its hits bear; nil: they need none
}

// Claims are what a query fetches out of band, by responder.
type claims struct {
	most int

	mu sync.Mutex
	by map[netip.AddrPort]claim
}

// make keeps a claim, unless it was met before or there are too many.
func (s *claims) make(from netip.AddrPort, c claim) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, found := s.by[from]; found {
		return before.left == c.left
	}
	if s.by == nil {
		s.by = make(map[netip.AddrPort]claim)
	}
	if len(s.by) >= s.most {
		return false
	}
	s.by[from] = c
	return true
}

// meet tells whether a hit by UDP is one that was fetched: from its responder, with the token where there is one, and no more
// than was promised.
func (s *claims) meet(from netip.AddrPort, hit *message.QueryHit) bool {
	trailer, _ := hit.QHD()
	token, _ := trailer.GGEP().SO()
	s.mu.Lock()
	defer s.mu.Unlock()
	c, found := s.by[from]
	if !found || len(hit.Results) > c.left || c.token != nil && !hmac.Equal(token, c.token) {
		return false
	}
	c.left -= len(hit.Results)
	s.by[from] = c
	return true
}

// claim fetches the hits that a responder tells of, once for each query, and again when nothing has come. Those of a query that
// has enough are not wanted, which is said so that the responder does not repeat itself.
func (n *Node) claim(id message.GUID, number *message.OOBReplyNumber, from netip.AddrPort) {
	claims, enough := n.claimsOf(id)
	if claims == nil || number.Hits == 0 || !n.mayReach(from) {
		return
	}
	c := claim{left: int(number.Hits)}
	ack := message.OOBReplyAck{Version: 2, Wanted: number.Hits}
	if number.Version >= 3 {
		c.token = n.secret.token(id[:], from)
		tail, err := ggep.Append(nil, ggep.SO(c.token))
		if err != nil {
			return
		}
		ack.Version, ack.Tail = 3, tail
	}
	if enough {
		ack.Wanted = 0
	} else if !claims.make(from, c) {
		return
	}
	n.sendDatagram(from, message.Message{GUID: id, TTL: 1, Body: ack.Vendor()})
}

// claimsOf returns the claims of a query whose hits the node fetches, and whether it has enough of them; nil of any other.
func (n *Node) claimsOf(id message.GUID) (c *claims, enough bool) {
	if s, found := n.substitutes.find(id); found {
		return &s.claims, s.enough.Load()
	}
	if a := n.askings.find(id); a != nil && a.hit != nil && a.message.Body.(*message.Query).Flags&message.QueryOOB != 0 {
		return &a.claims, false
	}
	return nil, false
}

// takeDatagramHit takes a hit that came by UDP. One that nobody asked for is dropped.
func (n *Node) takeDatagramHit(m message.Message, hit *message.QueryHit, from netip.AddrPort) {
	a := n.askings.find(m.GUID)
	path := OutOfBand
	s, substitute := n.substitutes.find(m.GUID)
	switch {
	case substitute && s.claims.meet(from, hit):
		n.passOn(s, m, hit)
		return
	case !substitute && a != nil && a.guess != nil && a.guess.asked(from):
		path = Guess
	case substitute || a == nil || a.hit == nil || !a.claims.meet(from, hit):
		n.seen.stray.Add(1)
		return
	}
	a.take(Hit{QueryHit: hit, Responder: n.responder(path, hit, from), Path: path, Hops: int(m.Hops) + 1})
}

// responder returns who answered by UDP: who sent the datagram, but an ultrapeer sends the hits of its leaves too, which say
// whose they are.
func (n *Node) responder(path Path, hit *message.QueryHit, from netip.AddrPort) netip.AddrPort {
	if path == Guess {
		return hit.Addr
	}
	return from
}

// A secret makes tokens that only the node itself can make.
type secret [32]byte

func newSecret() (s secret) {
	rand.Read(s[:]) // it never fails
	return s
}

// token returns four bytes that stand for something and the address it belongs to.
func (s *secret) token(what []byte, at netip.AddrPort) []byte {
	mac := hmac.New(sha256.New, s[:])
	mac.Write(what)
	b, _ := at.MarshalBinary() // it never fails
	mac.Write(b)
	return mac.Sum(nil)[:leastToken]
}
