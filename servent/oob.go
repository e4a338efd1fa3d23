package servent

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// Limits of hits out of band ("Out-of-band results" in "Gnutella vendor messages"). Whoever sends a query chooses the address
// in its GUID, so what is sent there before somebody has answered from it is little, and stops where nobody does.
const (
	offerLife    = 80 * time.Second  // for which hits wait to be fetched
	offersKept   = 256               // at once
	mostDebt     = 25                // offers to one IP address that were not fetched, in a time of …
	debtTime     = 60 * time.Second  // … so long
	debtBan      = 600 * time.Second // of who has more
	debtorsKept  = 4096
	lowestPort   = 1024 // below it are services that have nothing to do with this
	datagramHit  = 900  // bytes of results after which a hit out of band takes no more
	claimsKept   = 4096 // responders from which one query fetches
	leastToken   = 4    // bytes
	longestToken = 16
)

// An offer is hits that were told of and wait to be fetched.
type offer struct {
	to      netip.AddrPort
	results []message.Result
	until   time.Time
}

// Offers are those of a node.
type offers struct {
	mu    sync.Mutex
	byID  map[message.GUID]offer
	debts map[netip.Addr]*debt
}

// A debt is how many offers an address has not fetched lately.
type debt struct {
	level  float64 // at the time below; it sinks with time
	at     time.Time
	banned time.Time // until
}

// make keeps an offer, unless there are too many, or too many that its address did not fetch.
func (s *offers) make(id message.GUID, o offer, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID, s.debts = make(map[message.GUID]offer), make(map[netip.Addr]*debt)
	}
	if len(s.byID) >= offersKept {
		for id, o := range s.byID {
			if now.After(o.until) {
				delete(s.byID, id)
			}
		}
	}
	if len(s.byID) >= offersKept || !s.lend(o.to.Addr(), now) {
		return false
	}
	s.byID[id] = o
	return true
}

// lend adds to the debt of an address, if it is not too large.
func (s *offers) lend(to netip.Addr, now time.Time) bool {
	d := s.debts[to]
	if d == nil {
		if len(s.debts) >= debtorsKept {
			s.forgive(now)
		}
		if len(s.debts) >= debtorsKept {
			return false
		}
		d = &debt{}
		s.debts[to] = d
	}
	if now.Before(d.banned) {
		return false
	}
	d.level, d.at = 1+d.now(now), now
	if d.level > mostDebt {
		d.banned = now.Add(debtBan)
		return false
	}
	return true
}

// now returns the level as time has lowered it.
func (d *debt) now(now time.Time) float64 {
	return max(0, d.level-mostDebt*now.Sub(d.at).Seconds()/debtTime.Seconds())
}

// forgive forgets those who owe nothing any more.
func (s *offers) forgive(now time.Time) {
	for to, d := range s.debts {
		if d.now(now) == 0 && now.After(d.banned) {
			delete(s.debts, to)
		}
	}
}

// take returns the results that somebody fetches who was told of them, and ends the offer.
func (s *offers) take(id message.GUID, from netip.AddrPort, now time.Time) []message.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, found := s.byID[id]
	if !found || o.to != from || now.After(o.until) {
		return nil
	}
	delete(s.byID, id)
	if d := s.debts[from.Addr()]; d != nil {
		d.level = max(0, d.level-1)
	}
	return o.results
}

// promise tells the searcher by UDP that there are results, if the query asks for that and the node may. Neighbours get theirs
// over the link, which is as good. It tells whether it did.
func (n *Node) promise(m message.Message, q *message.Query, results []message.Result) bool {
	to := m.GUID.ReplyTo()
	if n.cfg.Firewalled || !n.cfg.Dialect.Dynamic || m.Hops < nearHops || !n.mayAnswer(to) {
		return false
	}
	_, secure := q.GGEP().Get("SO")
	wanted := q.Flags&message.QueryOOB != 0 || secure && n.cfg.Dialect.SecureOOB
	if !wanted || q.Flags&message.QueryFirewalled != 0 {
		return false
	}
	now := time.Now()
	if !n.offers.make(m.GUID, offer{to: to, results: results, until: now.Add(offerLife)}, now) {
		return false
	}
	number := message.OOBReplyNumber{Version: 2, Hits: uint8(min(len(results), 255)), Flags: message.OOBUnsolicited}
	if secure {
		number.Version = 3
	}
	n.sendDatagram(to, message.Message{GUID: m.GUID, TTL: 1, Body: number.Vendor()})
	return true
}

// mayAnswer tells whether a datagram may be sent to an address that somebody else named: it is not the node's own, and lies in
// no network that the node is not in itself.
func (n *Node) mayAnswer(to netip.AddrPort) bool {
	ip, own := to.Addr(), n.cfg.Addr.Addr()
	return ip.Is4() && to.Port() >= lowestPort && !slices.Contains(n.own(), to) &&
		!ip.IsUnspecified() && !ip.IsMulticast() && !ip.IsLinkLocalUnicast() && ip.As4()[0] < 240 &&
		ip.IsLoopback() == own.IsLoopback() && (!ip.IsPrivate() || own.IsPrivate())
}

// deliver sends the hits that somebody fetches.
func (n *Node) deliver(id message.GUID, ack *message.OOBReplyAck, from netip.AddrPort) {
	token, secure := ack.GGEP().SO()
	if secure && (len(token) < leastToken || len(token) > longestToken) {
		return
	}
	results := n.offers.take(id, from, time.Now())
	if ack.Wanted < 255 {
		results = results[:min(len(results), int(ack.Wanted))]
	}
	var blocks []ggep.Block
	if secure {
		blocks = append(blocks, ggep.SO(token))
	}
	n.sendHits(id, from, OutOfBand, results, blocks...)
}

// sendHits sends hits by UDP, in datagrams that no network divides.
func (n *Node) sendHits(
	id message.GUID, to netip.AddrPort, path Path, results []message.Result, blocks ...ggep.Block,
) {
	if len(results) > 0 {
		n.report(HitsSent{To: to, Path: path, Results: len(results)})
	}
	for len(results) > 0 {
		part, size := 0, 0
		for part < min(len(results), resultsPerHit) && size < datagramHit {
			size += len(results[part].Name) + len(results[part].Tail) + 10
			part++
		}
		n.sendDatagram(to, message.Message{GUID: id, TTL: 1, Body: n.hit(results[:part], blocks...)})
		n.seen.hits.Add(1)
		results = results[part:]
	}
}

// A claim is what an own query fetches from one responder.
type claim struct {
	left  int // results that are still to come
	token []byte
}

// claim fetches the hits that a responder tells of, once for each query, and again when nothing has come.
func (n *Node) claim(id message.GUID, number *message.OOBReplyNumber, from netip.AddrPort) {
	a := n.askings.find(id)
	if a == nil || a.message.Body.(*message.Query).Flags&message.QueryOOB == 0 || number.Hits == 0 || !n.mayAnswer(from) {
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
	if a.claim(from, c) {
		n.sendDatagram(from, message.Message{GUID: id, TTL: 1, Body: ack.Vendor()})
	}
}

// claim keeps a claim, unless it was met before or there are too many.
func (a *asking) claim(from netip.AddrPort, c claim) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if before, found := a.claims[from]; found {
		return before.left == c.left
	}
	if a.claims == nil {
		a.claims = make(map[netip.AddrPort]claim)
	}
	if len(a.claims) >= claimsKept {
		return false
	}
	a.claims[from] = c
	return true
}

// meet tells whether a hit by UDP is one that was fetched: from its responder, with the token where there is one, and no more
// than was promised.
func (a *asking) meet(from netip.AddrPort, hit *message.QueryHit) bool {
	trailer, _ := hit.QHD()
	token, _ := trailer.GGEP().SO()
	a.mu.Lock()
	defer a.mu.Unlock()
	c, found := a.claims[from]
	if !found || len(hit.Results) > c.left || c.token != nil && !hmac.Equal(token, c.token) {
		return false
	}
	c.left -= len(hit.Results)
	a.claims[from] = c
	return true
}

// takeDatagramHit takes a hit that came by UDP. One that nobody asked for is dropped.
func (n *Node) takeDatagramHit(m message.Message, hit *message.QueryHit, from netip.AddrPort) {
	a := n.askings.find(m.GUID)
	path := OutOfBand
	switch {
	case a != nil && a.guess != nil && a.guess.asked(from):
		path = Guess
	case a == nil || a.hit == nil || !a.meet(from, hit):
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
