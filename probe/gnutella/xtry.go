package gnutella

import (
	"context"
	"errors"

	"gnucensus/probe"
	"gnucensus/servent/handshake"
)

// xTry makes the handshake of a leaf for the sake of the hosts that a refusal names ("Handshake refusals"), and hangs up after
// it. A servent that would let us in is told that we do not stay.
func (p *Prober) xTry(ctx context.Context, e probe.Endpoint) probe.Observation {
	r := newRecord(e, probe.XTryHarvest)
	conn, err := p.dial(ctx, e)
	if err != nil {
		return r.fail(ctx, err)
	}
	defer conn.Close()
	shaking, cancel := context.WithTimeout(ctx, p.cfg.Handshake)
	defer cancel()
	_, err = handshake.DialFunc(shaking, conn, p.leafOffer(conn), func(handshake.Fields) handshake.Reply {
		return handshake.Reply{Code: 503, Reason: "Only asking for hosts"}
	})
	var refused *handshake.Refused
	if errors.As(err, &refused) && refused.Ours {
		r.headers(refused.Theirs)
		return r.end(r.worth(probe.Unsupported), "let us in")
	}
	o := r.fail(ctx, err)
	if o.Outcome == probe.Refused {
		o.Outcome = r.worth(probe.Refused)
	}
	return o
}

// worth is the outcome of a conversation for the sake of names: answered when there are some.
func (r *record) worth(otherwise probe.Outcome) probe.Outcome {
	if len(r.Peers) > 0 {
		return probe.Answered
	}
	return otherwise
}
