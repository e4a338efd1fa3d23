package gnutella

import (
	"context"

	"gnucensus/probe"
	"gnucensus/servent/message"
)

// A question is what a method asks by a datagram, and what it makes of the answer.
type question struct {
	method probe.Method
	body   message.Body
	about  func(r *record) // notes what is special about it; nil: nothing
	read   func(r *record, a reply) probe.Observation
}

// record begins the record of the question to a host.
func (q *question) record(e probe.Endpoint) *record {
	r := newRecord(e, q.method)
	if q.about != nil {
		q.about(r)
	}
	return r
}

func (q *question) converse(p *Prober, ctx context.Context, e probe.Endpoint) probe.Observation {
	r := q.record(e)
	a, err := p.udp.ask(ctx, e.Addr, q.body, p.cfg.UDP)
	if err != nil {
		return r.fail(ctx, err)
	}
	return q.read(r, a)
}

// datagram appends the message of the question under a GUID.
func (q *question) datagram(b []byte, guid message.GUID) ([]byte, error) {
	return message.Append(b, message.Message{GUID: guid, TTL: 1, Body: q.body})
}
