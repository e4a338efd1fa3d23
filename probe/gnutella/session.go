package gnutella

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"gnucensus/probe"
	"gnucensus/servent/handshake"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
)

// A session is a link to a host that has taken us as its leaf.
type session struct {
	*link.Link
	local  netip.AddrPort // our end
	theirs handshake.Fields
	heard  int // messages
}

// maxMessages bounds what one session listens to.
const maxMessages = 1 << 16

var errFlood = fmt.Errorf("more than %d messages", maxMessages)

// byeWait is how long a peer has to close after our BYE.
const byeWait = time.Second

// A linker links to a host and lets use have the link. The error of use comes back as it is.
type linker func(ctx context.Context, e probe.Endpoint, use func(*session) error) error

// asLeaf links to a host as its leaf. A refusal is a [*handshake.Refused].
func (p *Prober) asLeaf(ctx context.Context, e probe.Endpoint, use func(*session) error) error {
	return p.link(ctx, e, func(ctx context.Context, c net.Conn) (*handshake.Session, error) {
		return handshake.Dial(ctx, c, p.leafOffer(c))
	}, use)
}

// asOldLeaf links to a host by the handshake of 0.4, which knows neither leaves nor refusals.
func (p *Prober) asOldLeaf(ctx context.Context, e probe.Endpoint, use func(*session) error) error {
	return p.link(ctx, e, handshake.DialOld, use)
}

func (p *Prober) link(ctx context.Context, e probe.Endpoint,
	shake func(context.Context, net.Conn) (*handshake.Session, error), use func(*session) error) error {
	conn, err := p.dial(ctx, e)
	if err != nil {
		return err
	}
	defer conn.Close()
	shaking, cancel := context.WithTimeout(ctx, p.cfg.Handshake)
	defer cancel()
	shaken, err := shake(shaking, conn)
	if err != nil {
		return err
	}

	s := &session{Link: link.New(shaken, link.Config{}), theirs: shaken.Theirs}
	if local, err := netip.ParseAddrPort(conn.LocalAddr().String()); err == nil {
		s.local = local
	}
	var writer sync.WaitGroup
	writer.Go(func() { s.Run(ctx) }) // its error comes out of Receive and Send as well
	defer writer.Wait()
	defer s.Close()

	if s.theirs.Has("Vendor-Message") {
		if err := s.Send(messagesSupported()); err != nil {
			return err
		}
	}
	if err := use(s); err != nil {
		return err
	}
	leaving, cancel := context.WithTimeout(ctx, byeWait)
	defer cancel()
	s.Bye(leaving, handshake.OK, "census done") // a courtesy: what was asked for is there
	return nil
}

// messagesSupported is the list of vendor messages that we read on a link: none. Servents want to be told ("Messages
// Supported").
func messagesSupported() message.Message {
	return message.Message{TTL: 1, Body: &message.Vendor{Body: []byte{0, 0}}}
}

// A byeError says that the host has said goodbye. It counts as closed.
type byeError struct{ message.Bye }

func (e *byeError) Error() string {
	code, reason := e.Reason()
	return fmt.Sprintf("bye %d %s", code, reason)
}

func (e *byeError) Unwrap() error { return io.EOF }

// next returns the next message that the host sends, and answers its PINGs meanwhile. Payloads that cannot be read are
// passed over.
func (s *session) next(ctx context.Context) (message.Message, error) {
	for ; s.heard < maxMessages; s.heard++ {
		m, err := s.Receive(ctx)
		if errors.As(err, new(*link.PayloadError)) {
			continue
		}
		if err != nil {
			return m, err
		}
		switch body := m.Body.(type) {
		case *message.Ping:
			if err := s.Send(s.pong(m)); err != nil {
				return m, err
			}
		case *message.Bye:
			return m, &byeError{*body}
		default:
			s.heard++
			return m, nil
		}
	}
	return message.Message{}, errFlood
}

// pong answers a PING: we are here, share nothing, and nobody can connect to us, which port 0 says.
func (s *session) pong(ping message.Message) message.Message {
	return message.Message{GUID: ping.GUID, TTL: max(ping.Hops, 1), Body: &message.Pong{
		Addr: netip.AddrPortFrom(s.local.Addr().Unmap(), 0),
	}}
}
