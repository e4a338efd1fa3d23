package gnutella

import (
	"context"
	"errors"
	"slices"
	"time"

	"gnucensus/probe"
	"gnucensus/servent/message"
)

// Bounds on the PONGs of one link.
const (
	maxPongs = 256 // a servent sends about ten from its cache, an ultrapeer one for each of its neighbours
	maxWaits = 4   // waits of Config.PingWait until the last PONG
)

// leaf links to a host as its leaf and sends two PINGs: one with TTL 1, which the host answers for itself, and one with
// TTL 2, the "crawler ping", which it answers for its neighbours or from its cache.
func (p *Prober) leaf(ctx context.Context, e probe.Endpoint) probe.Observation {
	r := newRecord(e, probe.Leaf)
	return p.pings(ctx, r, p.asLeaf)
}

// oldLeaf does the same with a servent that knows the 0.4 handshake alone.
func (p *Prober) oldLeaf(ctx context.Context, e probe.Endpoint) probe.Observation {
	r := newRecord(e, probe.Leaf)
	r.note(fieldHandshake, "0.4")
	return p.pings(ctx, r, p.asOldLeaf)
}

func (p *Prober) pings(ctx context.Context, r *record, link linker) probe.Observation {
	err := link(ctx, r.Endpoint, func(s *session) error {
		r.headers(s.theirs)
		if err := r.ping(ctx, s, 1, p.cfg.PingWait); err != nil {
			return err
		}
		return r.ping(ctx, s, 2, p.cfg.PingWait)
	})
	switch {
	case r.Files != nil && (err == nil || ctx.Err() == nil):
		return r.end(probe.Answered, "")
	case err != nil:
		return r.fail(ctx, err)
	}
	return r.end(probe.Unsupported, "no PONG of its own")
}

// ping sends a PING and takes in PONGs: with TTL 1 until the host's own comes, with TTL 2 until none has come for a wait.
func (r *record) ping(ctx context.Context, s *session, ttl uint8, wait time.Duration) error {
	guid := message.NewGUID()
	if err := s.Send(message.Message{GUID: guid, TTL: ttl, Body: &message.Ping{}}); err != nil {
		return err
	}
	all, cancel := context.WithTimeout(ctx, maxWaits*wait)
	defer cancel()
	for range maxPongs {
		m, err := s.nextPong(all, wait)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return nil
		}
		if err != nil {
			return err
		}
		if r.take(m, guid); ttl == 1 && r.Files != nil {
			return nil
		}
	}
	return nil
}

// nextPong returns the next PONG within wait, and passes over other messages.
func (s *session) nextPong(ctx context.Context, wait time.Duration) (message.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		m, err := s.next(ctx)
		if err != nil {
			return m, err
		}
		if m.Body.Type() == message.TypePong {
			return m, nil
		}
	}
}

// take keeps a PONG. It is the host's own when it answers our PING and has not travelled, or bears the host's address; all
// others are about hosts that it has heard of. gtk-gnutella passes such PONGs on unasked, too.
func (r *record) take(m message.Message, guid message.GUID) {
	pong, ok := m.Body.(*message.Pong)
	switch {
	case !ok:
	case r.Files == nil && (m.GUID == guid && m.Hops == 0 || slices.Contains(pong.Addrs(), r.Addr)):
		r.ownPong(pong)
	default:
		r.name(probe.Ponged, pong.Addrs()...)
	}
}
