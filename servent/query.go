package servent

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"unicode/utf8"

	"gnucensus/servent/ggep"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
	"gnucensus/servent/qrp"
	"gnucensus/servent/urn"
)

// Reasons to part from a peer for its queries.
var (
	errTTL     = errors.New("queries with too large a TTL")
	errRepeats = errors.New("too many copies of its own queries")
)

// A behaviour is what counts against a peer.
type behaviour struct {
	queries   int
	repeats   int // copies of queries that had come from the peer before
	excessive int // queries, of the peer or its neighbours, with a TTL that is forbidden
}

// Limits of bad behaviour, as gtk-gnutella sets them.
const (
	nearHops        = 2 // that a query of the peer's own neighbourhood has at most
	mostExcessive   = 10
	fewRepeats      = 5
	repeatsPerMille = 15 // of its queries
)

// handleQuery answers a query from the library and, as an ultrapeer, relays it ("QUERY" in "Gnutella overlay messages"): to
// leaves that may have what it asks for, and to all other ultrapeers, or by dynamic querying for a leaf. Copies are dropped,
// but for one that may travel farther than those before: it goes on to ultrapeers. To leaves LimeWire sends queries whose TTL
// has come to 0.
func (n *Node) handleQuery(ctx context.Context, p *peer, m message.Message, q *message.Query) error {
	switch {
	case p.role == Leaf && outOfBand(q) && !wantsHitsAt(p.remote.Addr(), m, q):
		return nil // it would have them sent to somebody else
	case p.role == visitor || m.TTL == 0 && n.Role() != Leaf || m.GUID == message.GUID{} || !sensible(q):
		return nil
	case int(m.TTL)+int(m.Hops) > hardTTL:
		if m.Hops <= nearHops {
			p.behaved.excessive++
		}
		if p.behaved.excessive > mostExcessive {
			return errTTL
		}
		return nil
	}
	n.seen.queries.Add(1)
	p.behaved.queries++
	m.Hops++
	ttl := m.TTL // as it came
	m.TTL = uint8(max(0, min(int(m.TTL)-1, maxTTL-int(m.Hops))))
	news := n.routes.add(m.GUID, p.id, m.TTL)
	if news != fresh {
		p.duplicates.Add(1)
	}
	switch {
	case news == again:
		p.behaved.repeats++
		if b := p.behaved; b.repeats >= fewRepeats && 1000*b.repeats > repeatsPerMille*b.queries {
			return errRepeats
		}
		return nil
	case news == known || news == further && p.role == Leaf:
		return nil
	}
	results := 0
	if news == fresh {
		n.report(QuerySeen{From: p.end(), Path: InBand, Words: q.Text(), TTL: ttl, Hops: m.Hops - 1})
		results = n.answerQuery(p, m, q)
	}
	if n.Role() == Leaf {
		return nil
	}
	key := keyOf(q)
	if p.role == Leaf && n.cfg.Dialect.Dynamic {
		n.askForLeaf(ctx, p, m, q, key, results)
		return nil
	}
	out := &copies{message: m}
	if news == fresh {
		n.relayToLeaves(p, out, key)
	}
	n.relayToUltrapeers(p, out, key)
	return nil
}

// outOfBand tells whether a query asks anybody for hits out of band: LimeWire heeds SO alone.
func outOfBand(q *message.Query) bool { return q.Flags&message.QueryOOB != 0 || q.GGEP().Has("SO") }

// inBand returns a query that asks for the same, and for no hits out of band.
func inBand(q *message.Query) (*message.Query, error) {
	x := q.Extensions()
	x.GGEP = slices.DeleteFunc(x.GGEP, func(b ggep.Block) bool { return b.ID == "SO" })
	tail, err := x.Append(nil)
	return &message.Query{Flags: q.Flags &^ message.QueryOOB, Words: q.Words, Tail: tail}, err
}

// wantsHitsAt tells whether a query asks for hits out of band at an address, whatever the port.
func wantsHitsAt(addr netip.Addr, m message.Message, q *message.Query) bool {
	return slices.ContainsFunc(q.ReplyTo(m.GUID), func(to netip.AddrPort) bool { return to.Addr() == addr })
}

// sensible tells whether a query asks for something, in a form that servents of today write.
func sensible(q *message.Query) bool {
	asks := q.Words != "" || len(q.Extensions().URNs) > 0
	return q.Flags&message.QueryMark != 0 && asks && utf8.ValidString(q.Words)
}

// keyOf is what a query is routed by: its words, and the files that it names by SHA1.
func keyOf(q *message.Query) qrp.Key {
	var names []string
	for _, name := range q.Extensions().URNs {
		if u, err := urn.Parse(name); err == nil && u.SHA1 != nil {
			names = append(names, urn.URN{SHA1: u.SHA1}.String())
		}
	}
	return qrp.KeyOf(q.Text(), names...)
}

// relayToLeaves sends a query to the leaves that may have what it asks for, whatever its TTL, and returns how many those are.
func (n *Node) relayToLeaves(from *peer, q *copies, key qrp.Key) (asked int) {
	for _, p := range n.seats.linked() {
		if p.role == Leaf && p != from && p.takes(q.message.Hops) && p.mayMatch(key) {
			q.send(p, max(1, q.message.TTL))
			asked++
		}
	}
	return asked
}

// relayToUltrapeers sends a query to all other ultrapeers; where it would end, only to those that may have what it asks for.
func (n *Node) relayToUltrapeers(from *peer, q *copies, key qrp.Key) {
	if q.message.TTL == 0 {
		return
	}
	for _, p := range n.seats.linked() {
		ttl := min(q.message.TTL, p.can.maxTTL)
		if p.role == Ultrapeer && p != from && p.takes(q.message.Hops) && (ttl > 1 || p.mayMatch(key)) {
			q.send(p, ttl)
		}
	}
}

// Copies are a query on its way to many, encoded once for each TTL.
type copies struct {
	message message.Message
	packets [maxTTL + 1]link.Packet
	made    [maxTTL + 1]bool
}

// send sends a copy with a TTL, maxTTL at most.
func (c *copies) send(p *peer, ttl uint8) {
	if !c.made[ttl] {
		m := c.message
		m.TTL = ttl
		packet, err := link.Pack(m)
		if err != nil {
			return // a query that was read can be written
		}
		c.packets[ttl], c.made[ttl] = packet, true
	}
	p.link.SendPacket(c.packets[ttl])
}
