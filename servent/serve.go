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
		if p.role == Leaf && p.table.Load() != nil {
			n.routing.change(func() {})
		}
		n.promote()
		n.keeper.stir()
		n.tell(p, false)
	}()
	p.can, p.since = readAbilities(s.Theirs), time.Now()
	n.hearOutside(p, s.Theirs.Get("Remote-IP"))
	p.link = link.New(s, link.Config{Queue: sendQueue, Flow: p.controlFlow})
	linking, cancel := context.WithCancel(context.WithoutCancel(ctx)) // so that the end of ctx leaves time for a BYE
	var writing sync.WaitGroup
	defer writing.Wait()
	defer cancel()
	writing.Go(func() { p.link.Run(linking) }) // its error is the one that Receive returns
	defer p.asking.Wait()
	ctx, p.part = context.WithCancelCause(ctx)
	defer p.part(nil)
	n.seats.join(p)
	n.tell(p, true)
	if n.cfg.Role == Auto && p.as != n.Role() { // it changed during the handshake
		p.part(errRole)
	}
	if p.role != visitor {
		n.introduce(p)
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
		n.cfg.OnLink(LinkEvent{Addr: p.addr, Role: p.role, Agent: p.agent, Began: began})
	}
}

// read handles messages until the link or ctx ends; the error says why.
func (n *Node) read(ctx context.Context, p *peer) error {
	if p.role == visitor {
		visiting, cancel := context.WithTimeout(ctx, visitTime)
		defer cancel()
		ctx = visiting
	}
	for quiet := 0; ; {
		heard, err := n.readFor(ctx, p, aliveAfter)
		switch {
		case err != nil:
			return err
		case heard:
			quiet = 0
		case quiet == aliveTries:
			return errQuiet
		default:
			quiet++
			p.ask()
		}
	}
}

// readFor handles messages for a time, and tells whether there were any. One that cannot be read is passed over.
func (n *Node) readFor(ctx context.Context, p *peer, d time.Duration) (heard bool, err error) {
	period, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for {
		m, err := p.link.Receive(period)
		var unreadable *link.PayloadError
		switch {
		case err == nil:
			err = n.handle(ctx, p, m)
		case errors.As(err, &unreadable):
			n.log.Debug("message dropped", "peer", p, "err", err)
			err = nil
		case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
			return heard, nil
		}
		if err != nil {
			return heard, err
		}
		heard = true
	}
}

// handle handles one message. An error ends the link: a leaf relays nothing, but small clients answer PINGs with what they know of
// others, which does no harm.
func (n *Node) handle(ctx context.Context, p *peer, m message.Message) error {
	if p.role == Leaf && m.Hops > 0 && m.Body.Type() != message.TypePong {
		return fmt.Errorf("%w: %s with %d hops", errRelays, m.Body.Type(), m.Hops)
	}
	switch body := m.Body.(type) {
	case *message.Ping:
		n.handlePing(p, m)
	case *message.Pong:
		n.handlePong(p, m, body)
		n.keeper.hearPong(body)
	case *message.Query:
		return n.handleQuery(ctx, p, m, body)
	case *message.QueryHit:
		n.handleHit(p, m, body)
	case *message.Push:
		n.handlePush(p, m, body)
	case *message.Reset, *message.Patch:
		return n.handleTable(p, body)
	case *message.Vendor:
		n.handleVendor(p, m, body)
	case *message.Bye:
		code, text := body.Reason()
		return fmt.Errorf("%w: %d %q", errBye, code, text)
	}
	return nil
}

// farewells are what a BYE says of the ends of links ("BYE" in "Gnutella overlay messages").
var farewells = []struct {
	err    error
	code   uint16
	reason string
}{
	{message.ErrTooLong, 400, "Message too large"},
	{errRepeats, 401, "Too many duplicates"},
	{errTTL, 403, "TTL too high"},
	{errRole, 203, "Role changed"},
	{errQuiet, 406, "No reply to alive pings"},
	{errTable, 413, "Query routing table error"},
	{errRelays, 414, "Leaf node relayed"},
	{link.ErrBomb, 501, "Deflate bomb"},
	{link.ErrCorrupt, 501, "Corrupt deflate stream"},
	{context.Canceled, 200, "Servent shutdown"},
}

// farewellFor returns what a BYE says of the end of a link; the code is 0 when there is nobody to say it to.
func farewellFor(err error) (code uint16, reason string) {
	for _, f := range farewells {
		if errors.Is(err, f.err) {
			return f.code, f.reason
		}
	}
	return 0, ""
}
