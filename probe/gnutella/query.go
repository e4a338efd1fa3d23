package gnutella

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"time"

	"gnucensus/probe"
	"gnucensus/servent/message"
)

// Bounds on a query.
const (
	maxTTL  = 4      // with which we send one, whatever the peer would take
	maxHits = 16_384 // that are kept of one
)

// Ask links to an ultrapeer as its leaf and asks the queries through it, one after another; each waits Config.QueryWait for
// its hits, and late ones are nobody's. It returns one Observation of method query for each query that was sent. It is
// answered when the link has held until the wait was over, even if no hit came; if the link broke or ctx ended, its outcome
// says so, it has the hits until then, and the queries after it were not sent. When the host could not be linked to, the one
// Observation is of method leaf and tells why. No word may hold a NUL.
func (p *Prober) Ask(ctx context.Context, e probe.Endpoint, queries []string) []probe.Observation {
	var answers []probe.Observation
	leaf := newRecord(e, probe.Leaf)
	err := p.asLeaf(ctx, e, func(s *session) error {
		leaf.headers(s.theirs)
		for _, words := range queries {
			o, err := p.query(ctx, s, e, words)
			answers = append(answers, o)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && len(answers) == 0 {
		return []probe.Observation{leaf.fail(ctx, err)}
	}
	return answers
}

// query asks one query on a link. Its error is that of the link, and means that no other query can be asked.
func (p *Prober) query(ctx context.Context, s *session, e probe.Endpoint, words string) (probe.Observation, error) {
	r := newRecord(e, probe.Query)
	r.Query = words
	r.Agent = cut(s.theirs.Get("User-Agent"), maxText)
	r.features(s.theirs)
	ttl := s.queryTTL()
	r.note(fieldTTL, strconv.Itoa(int(ttl)))

	guid := message.NewGUID()
	query := message.Message{GUID: guid, TTL: ttl, Body: &message.Query{Flags: message.QueryMark, Words: words}}
	if err := s.Send(query); err != nil {
		return r.fail(ctx, err), err
	}
	sent := time.Now()
	waiting, cancel := context.WithTimeout(ctx, p.cfg.QueryWait)
	defer cancel()
	for {
		m, err := s.next(waiting)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return r.end(probe.Answered, ""), nil
		}
		if err != nil {
			return r.fail(ctx, err), err
		}
		if hit, ok := m.Body.(*message.QueryHit); ok && m.GUID == guid && len(r.Hits) < maxHits {
			r.Hits = append(r.Hits, newHit(hit, m.Hops, time.Since(sent)))
		}
	}
}

// queryTTL is the TTL that the host accepts for a query, and maxTTL at most.
func (s *session) queryTTL() uint8 {
	ttl, err := strconv.ParseUint(s.theirs.Get("X-Max-TTL"), 10, 8)
	if err != nil || ttl < 1 || ttl > maxTTL {
		return maxTTL
	}
	return uint8(ttl)
}

// newHit makes a hit of a QUERY HIT that came with hops in its header, which do not count the link to us.
func newHit(h *message.QueryHit, hops uint8, delay time.Duration) probe.Hit {
	hit := probe.Hit{
		Responder: probe.Endpoint{Network: probe.Gnutella, Addr: h.Addr},
		Servent:   h.Servent,
		Delay:     delay,
		Hops:      min(hops, 254) + 1,
		Results:   len(h.Results),
	}
	qhd, ok := h.QHD()
	if !ok {
		return hit
	}
	hit.Vendor = qhd.Vendor.String()
	hit.Firewalled = qhd.Flags().Push
	if v6, ok := qhd.GGEP().IPv6(); ok && v6.IsValid() && h.Addr.Addr() == noIPv4 {
		hit.Responder.Addr = netip.AddrPortFrom(v6, h.Addr.Port())
	}
	return hit
}

// noIPv4 is what hosts without IPv4 write in the place of their address ("Key 6" of GGEP).
var noIPv4 = netip.AddrFrom4([4]byte{127, 0, 0, 0})
