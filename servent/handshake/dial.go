package handshake

import (
	"context"
	"fmt"
	"net"

	"gnucensus/servent/internal/interrupt"
)

// Dial makes the handshake as initiator on c, a fresh connection: it sends offer and acknowledges an answer 200 by nothing
// more than "200 OK", so it does not deflate its own stream. Any other answer is a [*Refused].
func Dial(ctx context.Context, c net.Conn, offer Fields) (*Session, error) {
	return DialFunc(ctx, c, offer, func(Fields) Reply { return Accepted(nil) })
}

// DialFunc is [Dial] with an ack that decide chooses after reading the fields of an answer 200. It may add fields, such as
// "Content-Encoding: deflate" or the role that was agreed on; with another code than 200 it refuses, which is a [*Refused]
// too.
func DialFunc(ctx context.Context, c net.Conn, offer Fields, decide func(answer Fields) Reply) (*Session, error) {
	stop := interrupt.Until(ctx, c.SetDeadline)
	defer stop()
	p := &peer{ctx: ctx, conn: c, limits: diallerLimits}
	answer, err := p.ask(offer)
	if err != nil {
		return nil, err
	}
	if answer.Code != OK {
		return nil, &Refused{Code: answer.Code, Reason: answer.Reason, Theirs: answer.Fields}
	}
	ack := decide(answer.Fields)
	if err := p.writeReply(ack); err != nil {
		return nil, fmt.Errorf("write ack: %w", err)
	}
	if ack.Code != OK {
		return nil, &Refused{Code: ack.Code, Reason: ack.Reason, Theirs: answer.Fields, Ours: true}
	}
	return &Session{
		Conn: c, Buffered: p.rest(), Ours: offer, Theirs: answer.Fields, Ack: ack.Fields,
		Code: answer.Code, Reason: answer.Reason,
		Inflate: deflated(answer.Fields), Deflate: deflated(ack.Fields),
		Upgrade: upgrades(answer.Fields) && upgrades(ack.Fields),
	}, nil
}

// Crawl makes the handshake of a crawler, whose offer holds "Crawler: 0.1" ("TCP crawler handshake"), and returns the
// answer whatever its code: servents list their neighbours with 200, with 593, or propose others with 503. An answer 200 is
// acknowledged, since some servents wait for that before they close; no link comes of it. The caller closes c.
func Crawl(ctx context.Context, c net.Conn, offer Fields) (code int, reason string, theirs Fields, err error) {
	stop := interrupt.Until(ctx, c.SetDeadline)
	defer stop()
	p := &peer{ctx: ctx, conn: c, limits: diallerLimits}
	answer, err := p.ask(offer)
	if err != nil {
		return 0, "", nil, err
	}
	if answer.Code == OK {
		p.writeReply(Accepted(nil)) // a courtesy: if it cannot be sent, the answer is complete all the same
	}
	return answer.Code, answer.Reason, answer.Fields, nil
}

// ask makes the first two steps as initiator.
func (p *peer) ask(offer Fields) (answer Reply, err error) {
	if err := p.write(head{line: helloPrefix + version, fields: offer}); err != nil {
		return Reply{}, fmt.Errorf("write hello: %w", err)
	}
	if answer, err = p.readReply(); err != nil {
		return Reply{}, fmt.Errorf("read answer: %w", err)
	}
	return answer, nil
}
