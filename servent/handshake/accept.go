package handshake

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"gnucensus/servent/internal/interrupt"
)

// Accept makes the handshake as acceptor on c, a fresh connection: it reads the hello, sends the reply that decide chooses
// for it, and after a reply 200 reads the ack. A reply or an ack with another code is a [*Refused]; whose it was, its field
// Ours tells. A crawler's hello (one that has a field "Crawler") is answered by decide like any other; once its session is
// there the caller closes c.
//
// A hello older than 0.6 is [ErrVersion]; nothing was sent, and the caller closes c.
func Accept(ctx context.Context, c net.Conn, decide func(hello Fields) Reply) (*Session, error) {
	stop := interrupt.Until(ctx, c.SetDeadline)
	defer stop()
	p := &peer{ctx: ctx, conn: c, limits: acceptorLimits}
	hello, err := p.read(helloPrefix, checkVersion)
	if err != nil {
		return nil, fmt.Errorf("read hello: %w", err)
	}
	reply := decide(hello.fields)
	if err := p.writeReply(reply); err != nil {
		return nil, fmt.Errorf("write answer: %w", err)
	}
	if reply.Code != OK {
		return nil, &Refused{Code: reply.Code, Reason: reply.Reason, Theirs: hello.fields, Ours: true}
	}
	ack, err := p.readReply()
	if err != nil {
		return nil, fmt.Errorf("read ack: %w", err)
	}
	if ack.Code != OK {
		return nil, &Refused{Code: ack.Code, Reason: ack.Reason, Theirs: ack.Fields}
	}
	return &Session{
		Conn: c, Buffered: p.rest(), Ours: reply.Fields, Theirs: hello.fields, Ack: ack.Fields,
		Code: reply.Code, Reason: reply.Reason,
		Inflate: deflated(ack.Fields), Deflate: deflated(reply.Fields),
		Upgrade: upgrades(reply.Fields) && upgrades(ack.Fields),
	}, nil
}

// checkVersion checks the first line of a hello, which may name any version from 0.6 on.
func checkVersion(line string) error {
	text := strings.Trim(strings.TrimPrefix(line, helloPrefix), blanks)
	majorText, minorText, _ := strings.Cut(text, ".")
	major, err1 := strconv.ParseUint(majorText, 10, 8)
	minor, err2 := strconv.ParseUint(minorText, 10, 8)
	if err1 != nil || err2 != nil {
		return fmt.Errorf("version %q: %w", text[:min(len(text), 32)], ErrMalformed)
	}
	if major == 0 && minor < 6 {
		return fmt.Errorf("version %d.%d: %w", major, minor, ErrVersion)
	}
	return nil
}
