package servent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
)

// Reasons to part from a peer.
var (
	errQuiet  = errors.New("no answer to PINGs")
	errRelays = errors.New("leaf relays")
	errBye    = errors.New("peer said BYE")
)

// serve handles the messages of a link until it ends. It gives back the peer's seat.
func (n *Node) serve(ctx context.Context, p *peer, s *handshake.Session) {
	defer func() {
		n.seats.leave(p)
		n.promote()
		n.tell(p, false)
	}()
	p.link, p.since = link.New(s, link.Config{Queue: sendQueue}), time.Now()
	linking, cancel := context.WithCancel(context.WithoutCancel(ctx)) // so that the end of ctx leaves time for a BYE
	var writing sync.WaitGroup
	defer writing.Wait()
	defer cancel()
	writing.Go(func() { p.link.Run(linking) }) // its error is the one that Receive returns
	ctx, p.part = context.WithCancelCause(ctx)
	defer p.part(nil)
	n.seats.join(p)
	n.tell(p, true)
	if n.cfg.Role == Auto && p.as != n.Role() { // it changed during the handshake
		p.part(errRole)
	}
	if p.role != visitor {
		p.ask()
	}
	err := n.read(ctx, p)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	n.log.Debug("link ends", "peer", p, "err", err)
	if code, reason := farewellFor(err); code != 0 {
		parting, cancel := context.WithTimeout(linking, farewell)
		defer cancel()
		p.link.Bye(parting, code, reason) // a peer that cannot be told goes all the same
	}
	p.link.Close()
}

func (n *Node) tell(p *peer, began bool) {
	if n.cfg.OnLink != nil {
		n.cfg.OnLink(LinkEvent{Addr: p.addr, Role: p.role, Began: began})
	}
}

// read handles messages until the link or ctx ends; the error says why. A message that cannot be read is passed over.
func (n *Node) read(ctx context.Context, p *peer) error {
	if p.role == visitor {
		visiting, cancel := context.WithTimeout(ctx, visitTime)
		defer cancel()
		ctx = visiting
	}
	for quiet := 0; ; {
		m, err := receive(ctx, p.link, aliveAfter)
		var unreadable *link.PayloadError
		switch {
		case err == nil:
			quiet = 0
			if err := n.handle(p, m); err != nil {
				return err
			}
		case errors.As(err, &unreadable):
			n.log.Debug("message dropped", "peer", p, "err", err)
		case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
			if quiet++; quiet > aliveTries {
				return errQuiet
			}
			p.ask()
		default:
			return err
		}
	}
}

// receive waits for a message no longer than wait.
func receive(ctx context.Context, l *link.Link, wait time.Duration) (message.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return l.Receive(ctx)
}

// handle handles one message. An error ends the link.
func (n *Node) handle(p *peer, m message.Message) error {
	if p.role == Leaf && m.Hops > 0 {
		return fmt.Errorf("%w: %s with %d hops", errRelays, m.Body.Type(), m.Hops)
	}
	switch body := m.Body.(type) {
	case *message.Ping:
		n.handlePing(p, m)
	case *message.Pong:
		if m.Hops == 0 {
			p.answered(m.GUID, body)
		}
	case *message.Query:
		n.handleQuery(p, m, body)
	case *message.QueryHit:
		n.handleHit(p, m)
	case *message.Bye:
		code, text := body.Reason()
		return fmt.Errorf("%w: %d %q", errBye, code, text)
	}
	return nil
}

// farewellFor returns what a BYE says of the end of a link; the code is 0 when there is nobody to say it to.
func farewellFor(err error) (code uint16, reason string) {
	switch {
	case errors.Is(err, errQuiet):
		return 406, "No reply to alive pings"
	case errors.Is(err, errRelays):
		return 414, "Leaf node relayed"
	case errors.Is(err, errRole):
		return 203, "Role changed"
	case errors.Is(err, context.Canceled):
		return 200, "Servent shutdown"
	}
	return 0, ""
}
