package handshake

import (
	"context"
	"fmt"
	"net"

	"gnucensus/servent/internal/interrupt"
)

// What the two sides of the 0.4 handshake say, one line and an empty one each.
const (
	oldHello  = "GNUTELLA CONNECT/0.4"
	oldAnswer = "GNUTELLA OK"
)

// DialOld makes the 0.4 handshake as initiator on c, a fresh connection. The session tells nothing of the other side.
func DialOld(ctx context.Context, c net.Conn) (*Session, error) {
	stop := interrupt.Until(ctx, c.SetDeadline)
	defer stop()
	p := &peer{ctx: ctx, conn: c, limits: diallerLimits}
	if err := p.say(oldHello); err != nil {
		return nil, fmt.Errorf("write hello: %w", err)
	}
	if _, err := p.read(oldAnswer, wholeLine(oldAnswer)); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return &Session{Conn: c, Buffered: p.rest(), Code: OK, Reason: "OK"}, nil
}

// AcceptOld makes the 0.4 handshake as acceptor on c, a fresh connection, when decide lets it. There is no way to refuse but
// to close, which the caller does: the error is then a [*Refused] of ours, without a code.
func AcceptOld(ctx context.Context, c net.Conn, decide func() bool) (*Session, error) {
	stop := interrupt.Until(ctx, c.SetDeadline)
	defer stop()
	p := &peer{ctx: ctx, conn: c, limits: acceptorLimits}
	if _, err := p.read(oldHello, wholeLine(oldHello)); err != nil {
		return nil, fmt.Errorf("read hello: %w", err)
	}
	if !decide() {
		return nil, &Refused{Ours: true, Reason: "0.4 handshake"}
	}
	if err := p.say(oldAnswer); err != nil {
		return nil, fmt.Errorf("write answer: %w", err)
	}
	return &Session{Conn: c, Buffered: p.rest(), Code: OK, Reason: "OK"}, nil
}

// say writes a line of 0.4 and the empty one.
func (p *peer) say(line string) error {
	_, err := p.conn.Write([]byte(line + "\n\n"))
	return interrupt.Err(p.ctx, err)
}

// wholeLine checks that a first line is want.
func wholeLine(want string) func(string) error {
	return func(line string) error {
		if line != want {
			return fmt.Errorf("first line %q: %w", line[:min(len(line), 32)], ErrMalformed)
		}
		return nil
	}
}
