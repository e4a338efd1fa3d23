package conformance

import (
	"cmp"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
)

// The roles that a tester plays. A leaf lets in ultrapeers alone, an ultrapeer lets in both while it has slots.
const (
	leaf      = "leaf"
	ultrapeer = "ultrapeer"
)

// A visit is how a handshake differs from the usual one.
type visit struct {
	role    string                                            // in which we come; empty: that of the entry
	more    handshake.Fields                                  // of the hello, in place of usual ones with the same name
	without string                                            // usual field that is left out
	spell   func(head []byte) [][]byte                        // how our heads are spelt, and cut for sending; nil: as usual
	ack     func(answer handshake.Fields) handshake.Reply     // nil: plain 200
	secure  func(context.Context, net.Conn) (net.Conn, error) // wraps the fresh connection; nil: not at all
}

// usual is the hello that every servent of today may accept: gtk-gnutella wants a link that can be deflated, LimeWire a
// degree, a TTL and requeries as they are here. There is no Listen-IP, since nobody can connect to a tester.
func (t *Target) usual(role string) handshake.Fields {
	return handshake.Fields{
		{Name: "User-Agent", Value: t.cfg.Agent},
		{Name: "Remote-IP", Value: t.cfg.Addr.Addr().String()},
		{Name: "X-Ultrapeer", Value: map[string]string{leaf: "False", ultrapeer: "True"}[role]},
		{Name: "X-Query-Routing", Value: "0.1"},
		{Name: "X-Ultrapeer-Query-Routing", Value: "0.1"},
		{Name: "X-Dynamic-Querying", Value: "0.1"},
		{Name: "X-Degree", Value: "32"},
		{Name: "X-Max-TTL", Value: "3"},
		{Name: "X-Requeries", Value: "false"},
		{Name: "Accept-Encoding", Value: "deflate"},
		{Name: "GGEP", Value: "0.5"},
		{Name: "Vendor-Message", Value: "0.2"},
		{Name: "Bye-Packet", Value: "0.1"},
	}
}

// hello is what we say in a visit.
func (t *Target) hello(v visit) handshake.Fields {
	return append(slices.DeleteFunc(t.usual(v.role), func(f handshake.Field) bool {
		return strings.EqualFold(f.Name, v.without) || v.more.Has(f.Name)
	}), v.more...)
}

// An entry is what the first handshakes of a run told.
type entry struct {
	role    string             // in which the target lets us in; empty: in none
	answer  handshake.Fields   // to that hello
	local   netip.Addr         // ours, on that connection
	refusal *handshake.Refused // of the leaf, before we came as an ultrapeer; nil: leaves are let in
	trace   trace
}

// enter finds out in which role the target lets us in: as a leaf, or else as an ultrapeer. When it lets nobody in, the test
// is skipped, and the entry tells of the refusal.
func (t *Target) enter(ctx context.Context) (*entry, error) {
	if t.entry == nil {
		e, err := t.knock(ctx)
		if err != nil {
			return nil, err
		}
		t.entry = e
	}
	if e := t.entry; e.role == "" {
		return e, skip("it lets nobody in: %d %q", e.refusal.Code, e.refusal.Reason)
	}
	return t.entry, nil
}

// knock makes one handshake, or two. An error is of a handshake that came to no answer, or to one that says nothing.
func (t *Target) knock(ctx context.Context) (*entry, error) {
	e := new(entry)
	for _, role := range []string{leaf, ultrapeer} {
		s, err := t.shake(ctx, visit{role: role})
		var refused *handshake.Refused
		switch {
		case err == nil:
			e.role, e.answer, e.local = role, s.Theirs, endOf(s.Conn.LocalAddr()).Addr()
			s.close()
		case errors.As(err, &refused) && !tooOften(refused):
			e.refusal = cmp.Or(e.refusal, refused)
		default:
			return nil, err
		}
		e.trace = t.trace
		if e.role != "" {
			break
		}
	}
	return e, nil
}

// A target that has let us in may have no slot a moment later, because it has not noticed yet that we have gone: it is asked
// again so often.
const (
	joinTries = 3
	joinPause = 200 * time.Millisecond
)

// join opens a link, in the role in which the target lets us in unless the visit has one.
func (t *Target) join(ctx context.Context, v visit) (*session, error) {
	if v.role == "" {
		e, err := t.enter(ctx)
		if err != nil {
			return nil, err
		}
		v.role = e.role
	}
	s, err := t.shake(ctx, v)
	for try := 1; try < joinTries && isFull(err) && t.entry != nil && v.role == t.entry.role; try++ {
		time.Sleep(time.Duration(try) * joinPause)
		s, err = t.shake(ctx, v)
	}
	return s, err
}

// isFull tells whether a handshake ended because the target has no slot.
func isFull(err error) bool {
	var refused *handshake.Refused
	return errors.As(err, &refused) && !refused.Ours && refused.Code == 503
}

// joinAs opens a link in a role that the target may have no slot for.
func (t *Target) joinAs(ctx context.Context, role string) (*session, error) {
	s, err := t.join(ctx, visit{role: role})
	var refused *handshake.Refused
	if errors.As(err, &refused) {
		return nil, skip("it does not let us in as %s: %d %q", role, refused.Code, refused.Reason)
	}
	return s, err
}

// A session is an open link. Its reading side is a [link.Link]; what is written goes out at once, so that a test can send
// what no link would.
type session struct {
	*handshake.Session
	target *Target
	link   *link.Link
	out    io.Writer // the connection, or a deflated stream on it
}

// shake connects and makes the handshake of a visit.
func (t *Target) shake(ctx context.Context, v visit) (_ *session, err error) {
	c, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	ctx, cancel := t.patience(ctx)
	defer cancel()
	var conn net.Conn = c
	if v.secure != nil {
		if conn, err = v.secure(ctx, c); err != nil {
			return nil, err
		}
	}
	if v.spell != nil {
		conn = respelt{conn, v.spell}
	}
	ack := v.ack
	if ack == nil {
		ack = func(handshake.Fields) handshake.Reply { return handshake.Accepted(nil) }
	}
	s, err := handshake.DialFunc(ctx, conn, t.hello(v), ack)
	if err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	if r, ok := s.Conn.(respelt); ok {
		s.Conn = r.Conn
	}
	c.open = true
	return t.open(s), nil
}

// open makes a session ready for messages.
func (t *Target) open(s *handshake.Session) *session {
	opened := &session{Session: s, target: t, link: link.New(s, link.Config{}), out: s.Conn}
	if s.Deflate {
		opened.out = flushed{zlib.NewWriter(s.Conn)}
	}
	return opened
}

func (s *session) close() { s.link.Close() }

// A respelt connection spells heads in its own way, and cuts them for sending.
type respelt struct {
	net.Conn
	spell func(head []byte) [][]byte
}

// apart is the time between two parts of a head, so that they do not arrive as one.
const apart = 50 * time.Millisecond

func (r respelt) Write(head []byte) (int, error) {
	for i, part := range r.spell(head) {
		if i > 0 {
			time.Sleep(apart)
		}
		if _, err := r.Conn.Write(part); err != nil {
			return 0, err
		}
	}
	return len(head), nil
}

// A flushed stream lets nothing wait.
type flushed struct{ *zlib.Writer }

func (f flushed) Write(b []byte) (int, error) {
	if _, err := f.Writer.Write(b); err != nil {
		return 0, err
	}
	return len(b), f.Flush()
}

// write sends bytes.
func (s *session) write(ctx context.Context, b []byte) error {
	s.target.trace.sent = keep(s.target.trace.sent, b)
	return s.target.write(ctx, s.out, s.Conn, b)
}

// send sends messages, all at once.
func (s *session) send(ctx context.Context, messages ...message.Message) error {
	var b []byte
	for _, m := range messages {
		var err error
		if b, err = message.Append(b, m); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	return s.write(ctx, b)
}

// receive returns the next message. Messages that cannot be read are the target's fault when they are its own, and passed
// over when it relayed them.
func (s *session) receive(ctx context.Context) (message.Message, error) {
	for {
		m, err := s.link.Receive(ctx)
		var unreadable *link.PayloadError
		switch {
		case err == nil:
			s.keep(message.Append(nil, m)) // what was parsed encodes back to the same bytes
		case errors.As(err, &unreadable):
			s.keep(unreadable.Header.Append(nil), nil)
			if unreadable.Header.Hops > 0 {
				continue
			}
		}
		return m, err
	}
}

// keep keeps a message that came for the trace.
func (s *session) keep(b []byte, err error) {
	if err == nil {
		s.target.trace.received = keep(s.target.trace.received, b)
	}
}

// A filter tells whether a message is one that is waited for.
type filter func(message.Message) bool

// next returns the next message for which wanted holds; what names it in an error.
func (s *session) next(ctx context.Context, what string, wanted filter) (message.Message, error) {
	ctx, cancel := s.target.patience(ctx)
	defer cancel()
	for {
		m, err := s.receive(ctx)
		if err != nil {
			return m, s.without(what, err)
		}
		if bye, ok := m.Body.(*message.Bye); ok {
			return m, fmt.Errorf("no %s: %w", what, byeError(bye))
		}
		if wanted(m) {
			return m, nil
		}
	}
}

// without is the error of waiting for something that did not come.
func (s *session) without(what string, err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no %s within %v", what, s.target.cfg.Patience)
	case hungUp(err):
		return fmt.Errorf("no %s: %w", what, errClosed)
	}
	return fmt.Errorf("no %s: %w", what, err)
}

// errClosed: the target closed the link.
var errClosed = errors.New("it closed the link")

// byeError is the end of a link by BYE.
func byeError(bye *message.Bye) error {
	code, reason := bye.Reason()
	return fmt.Errorf("%w by BYE %d %q", errClosed, code, reason)
}

// settle sends a PING and returns what comes until its PONG and a while after it.
func (s *session) settle(ctx context.Context) (came []message.Message, err error) {
	ping := newPing(1)
	if err := s.send(ctx, ping); err != nil {
		return nil, err
	}
	_, err = s.next(ctx, "PONG", func(m message.Message) bool {
		if isPong(m, ping.GUID) {
			return true
		}
		came = append(came, m)
		return false
	})
	if err != nil {
		return came, err
	}
	ctx, cancel := s.target.quiet(ctx)
	defer cancel()
	for {
		m, err := s.receive(ctx)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return came, nil
		case err != nil:
			return came, s.without("message", err)
		}
		came = append(came, m)
	}
}

// stands fails unless the link stands, after what the target should have put up with.
func (s *session) stands(ctx context.Context) error {
	ping := newPing(1)
	if err := s.send(ctx, ping); err != nil {
		return err
	}
	_, err := s.next(ctx, "PONG afterwards", func(m message.Message) bool { return isPong(m, ping.GUID) })
	return err
}

// dropped waits for the target to close the link, and returns the BYE that it said, nil when it said none.
func (s *session) dropped(ctx context.Context) (bye *message.Bye, err error) {
	ctx, cancel := s.target.patience(ctx)
	defer cancel()
	for {
		m, err := s.receive(ctx)
		switch {
		case hungUp(err):
			return bye, nil
		case errors.Is(err, context.DeadlineExceeded):
			return bye, errors.New("it keeps the link")
		case err != nil && !errors.As(err, new(*link.PayloadError)):
			return bye, err
		}
		if last, ok := m.Body.(*message.Bye); ok {
			bye = last
		}
	}
}

func newPing(ttl uint8) message.Message {
	return message.Message{GUID: message.NewGUID(), TTL: ttl, Body: &message.Ping{}}
}

func isPong(m message.Message, id message.GUID) bool {
	_, ok := m.Body.(*message.Pong)
	return ok && m.GUID == id
}
