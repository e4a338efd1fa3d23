package servent

import (
	"context"
	"math/rand/v2"
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
	offerAgain   = 20 * time.Second  // after it, what was not fetched is told of again: three times
	offersKept   = 256               // at once
	mostDebt     = 25                // offers to one IP address that were not fetched, in a time of …
	debtTime     = 60 * time.Second  // … so long
	debtBan      = 600 * time.Second // of who has more
	debtorsKept  = 4096
	hitsQueued   = 50  // for one offer
	hitJitter    = 2   // times Config.HitWait: what is added to it by chance, at most
	datagramHit  = 900 // bytes of results after which a hit out of band takes no more
	leastToken   = 4   // bytes
	longestToken = 16
)

// An offer is hits that were told of and wait to be fetched, or to be sent one after another.
type offer struct {
	to      netip.AddrPort
	number  message.Message // tells of them
	results []message.Result
	until   time.Time // they may be fetched
	fetched bool
	hits    []message.Message // that were fetched, and not yet sent
	due     time.Time         // the number is sent again, or the next hit is sent
}

// Offers are those of a node.
type offers struct {
	wake chan struct{} // holds a token when something became due

	mu    sync.Mutex
	byID  map[message.GUID]*offer
	debts map[netip.Addr]*debt
}

func newOffers() offers {
	return offers{wake: make(chan struct{}, 1), byID: make(map[message.GUID]*offer), debts: make(map[netip.Addr]*debt)}
}

// A debt is how many offers an address has not fetched lately.
type debt struct {
	level  float64 // at the time below; it sinks with time
	at     time.Time
	banned time.Time // until
	served time.Time // no hit is sent to it before
}

// make keeps an offer, unless there are too many, or too many that its address did not fetch.
func (s *offers) make(o offer, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byID) >= offersKept {
		for id, o := range s.byID {
			if o.over(now) {
				delete(s.byID, id)
			}
		}
	}
	if len(s.byID) >= offersKept || !s.lend(o.to.Addr(), now) {
		return false
	}
	o.due, o.until = now, now.Add(offerLife)
	s.byID[o.number.GUID] = &o
	s.stir()
	return true
}

// over tells whether nothing can come of an offer any more.
func (o *offer) over(now time.Time) bool {
	return o.fetched && len(o.hits) == 0 || !o.fetched && !now.Before(o.until)
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
		if d.now(now) == 0 && now.After(d.banned) && now.After(d.served) {
			delete(s.debts, to)
		}
	}
}

// take has the results that somebody fetches, who was told of them, packed into hits that are sent one after another.
func (s *offers) take(id message.GUID, from netip.AddrPort, now time.Time, pack func([]message.Result) []message.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, found := s.byID[id]
	if !found || o.to != from || o.fetched || now.After(o.until) {
		return
	}
	if d := s.debts[from.Addr()]; d != nil {
		d.level = max(0, d.level-1)
	}
	o.fetched, o.hits, o.due = true, pack(o.results), now
	o.hits = o.hits[:min(len(o.hits), hitsQueued)]
	s.stir()
}

// stir has what became due sent.
func (s *offers) stir() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// A parcel is a datagram on its way.
type parcel struct {
	to      netip.AddrPort
	message message.Message
}

// ready returns what is to be sent now, and when there will be more. Between two hits to one address there is the pause.
func (s *offers) ready(now time.Time, pause func() time.Duration) (out []parcel, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next = now.Add(offerAgain)
	for id, o := range s.byID {
		if o.over(now) {
			delete(s.byID, id)
			continue
		}
		switch {
		case now.Before(o.due):
		case o.fetched:
			d := s.debts[o.to.Addr()]
			if d == nil {
				d = &debt{} // it was forgiven, and there are no more of them than offers
				s.debts[o.to.Addr()] = d
			}
			if !now.Before(d.served) {
				out = append(out, parcel{o.to, o.hits[0]})
				o.hits = o.hits[1:]
				d.served = now.Add(pause())
			}
			o.due = d.served
		default:
			out = append(out, parcel{o.to, o.number})
			o.due = now.Add(offerAgain)
		}
		if o.due.Before(next) {
			next = o.due
		}
	}
	return out, next
}

// post sends what becomes due of offers until ctx ends.
func (n *Node) post(ctx context.Context) {
	pause := func() time.Duration {
		return n.cfg.HitWait + time.Duration(rand.Int64N(int64(hitJitter*n.cfg.HitWait)+1))
	}
	for {
		out, next := n.offers.ready(time.Now(), pause)
		for _, p := range out {
			n.sendDatagram(p.to, p.message)
		}
		more := time.NewTimer(time.Until(next))
		select {
		case <-more.C:
		case <-n.offers.wake:
		case <-ctx.Done():
		}
		more.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// promise tells the searcher by UDP that there are results, if the query asks for that and the node may. Neighbours get theirs
// over the link, which is as good. It tells whether it did.
func (n *Node) promise(m message.Message, q *message.Query, results []message.Result) bool {
	if n.cfg.Firewalled || !n.cfg.Dialect.Dynamic || m.Hops < nearHops {
		return false
	}
	all := q.ReplyTo(m.GUID)
	at := slices.IndexFunc(all, n.mayReach)
	if at < 0 {
		return false
	}
	_, secure := q.GGEP().Get("SO")
	wanted := q.Flags&message.QueryOOB != 0 || secure && n.cfg.Dialect.SecureOOB
	if !wanted || q.Flags&message.QueryFirewalled != 0 {
		return false
	}
	number := message.OOBReplyNumber{Version: 2, Hits: uint8(min(len(results), 255))}
	if secure {
		number.Version = 3
	}
	if !n.walledUDP() {
		number.Flags = message.OOBUnsolicited
	}
	told := message.Message{GUID: m.GUID, TTL: 1, Body: number.Vendor()}
	return n.offers.make(offer{to: all[at], number: told, results: results}, time.Now())
}

// deliver begins to send the hits that somebody fetches; deflated, where the request says that it inflates them.
func (n *Node) deliver(request message.Message, ack *message.OOBReplyAck, from netip.AddrPort) {
	token, secure := ack.GGEP().SO()
	if secure && (len(token) < leastToken || len(token) > longestToken) {
		return
	}
	var blocks []ggep.Block
	if secure {
		blocks = append(blocks, ggep.SO(token))
	}
	n.offers.take(request.GUID, from, time.Now(), func(results []message.Result) []message.Message {
		if ack.Wanted < 255 {
			results = results[:min(len(results), int(ack.Wanted))]
		}
		return n.datagramHits(request.GUID, from, OutOfBand, results, request.TTL&message.TTLInflates != 0, blocks...)
	})
}

// datagramHits packs results of the library into hits for datagrams that no network divides.
func (n *Node) datagramHits(
	id message.GUID, to netip.AddrPort, path Path, results []message.Result, deflate bool, blocks ...ggep.Block,
) (hits []message.Message) {
	if len(results) > 0 {
		n.report(HitsSent{To: to, Path: path, Results: len(results)})
	}
	for len(results) > 0 {
		part, size := 0, 0
		for part < min(len(results), resultsPerHit) && size < datagramHit {
			size += len(results[part].Name) + len(results[part].Tail) + 10
			part++
		}
		hit := message.Message{GUID: id, TTL: 1, Body: n.hit(results[:part], blocks...)}
		if deflate {
			hit = message.Deflate(hit)
		}
		hits = append(hits, hit)
		n.seen.hits.Add(1)
		results = results[part:]
	}
	return hits
}
