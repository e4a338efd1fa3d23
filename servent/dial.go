package servent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"gnucensus/servent/handshake"
)

// Limits of how often one host is dialled, as gtk-gnutella has them: who makes a third handshake within a minute is banned.
const (
	shakesSpan  = 61 * time.Second // in which there are no more than two
	bannedAgain = 310 * time.Second
)

// errUnreached: no connection was made, so the host has not noticed anything.
var errUnreached = errors.New("connect")

// keep links the node to a host, and does so again whenever the link is lost.
func (n *Node) keep(ctx context.Context, to netip.AddrPort) {
	wait := redialFirst
	var shook [2]time.Time // the last two handshakes, in their order
	for {
		began := time.Now()
		stood, err := n.dial(ctx, to)
		if err != nil {
			n.log.Debug("no link", "addr", to, "err", err)
		}
		shakes := 0
		switch {
		case stood:
			wait, shakes = redialFirst, 1
		case err != nil && wordless(err):
			shakes = len(n.ways())
		case err != nil && !errors.Is(err, errUnreached):
			shakes = 1
		}
		for range shakes {
			shook = [2]time.Time{shook[1], began}
		}
		if !pause(ctx, max(wait, time.Until(shook[0].Add(shakesSpan)), banOf(err))) {
			return
		}
		wait = min(2*wait, redialLast)
	}
}

// banOf is for how long a host is left alone that said that it bans the node.
func banOf(err error) time.Duration {
	if refused := new(handshake.Refused); errors.As(err, &refused) && refused.Code == 429 {
		return bannedAgain
	}
	return 0
}

// dial links the node to a host and serves the link until it ends. It tells whether there was one.
func (n *Node) dial(ctx context.Context, to netip.AddrPort) (stood bool, err error) {
	p := &peer{remote: to, addr: to, role: Ultrapeer}
	if n.seats.force(p) == twice {
		return false, nil // the host was faster
	}
	s, err := n.meet(ctx, p)
	if err != nil {
		return false, err
	}
	defer s.Conn.Close()
	n.serve(ctx, p, s)
	return true, nil
}

// meet connects to a host that has a seat, and makes the handshake. It gives the seat back when no link comes of it.
func (n *Node) meet(ctx context.Context, p *peer) (*handshake.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout+handshakeTimeout)
	defer cancel()
	s, err := n.reach(ctx, p)
	if err != nil {
		n.seats.leave(p)
		n.reportRefusal(p.addr, err)
		return nil, err
	}
	return s, nil
}

// A way is one manner of opening a link on a fresh connection.
type way func(ctx context.Context, conn net.Conn, p *peer) (*handshake.Session, error)

// ways are those that the node may take: in plaintext, within TLS, as gtk-gnutella does, and by the 0.4 handshake.
func (n *Node) ways() []way {
	ways := []way{n.offer}
	if n.tls != nil {
		ways = append(ways, n.offerTLS)
	}
	if n.cfg.Old {
		ways = append(ways, n.offerOld)
	}
	return ways
}

// reach connects to a host and makes the handshake. A host that closes without a word is tried in one way after another.
func (n *Node) reach(ctx context.Context, p *peer) (s *handshake.Session, err error) {
	for _, try := range n.ways() {
		if s, err = n.tryWay(ctx, p, try); err == nil || !wordless(err) {
			break
		}
	}
	return s, err
}

func (n *Node) tryWay(ctx context.Context, p *peer, try way) (*handshake.Session, error) {
	connecting, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := n.cfg.Net.DialContext(connecting, "tcp", p.addr.String())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreached, err)
	}
	s, err := try(ctx, conn, p)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	return s, nil
}

// wordless tells whether a host closed the connection instead of answering.
func wordless(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// offer makes the 0.6 handshake, in plaintext unless the host takes up the offer of TLS.
func (n *Node) offer(ctx context.Context, conn net.Conn, p *peer) (*handshake.Session, error) {
	s, err := n.open(ctx, conn, p, n.tls != nil)
	switch {
	case err != nil:
		return nil, err
	case s.Upgrade:
		return s, s.Secure(ctx, n.tls.Client)
	case n.tls != nil && s.Theirs.Lists("X-Features", "tls/1.0"):
		n.log.Info("link in plaintext: the host's TLS is not offered by upgrade", "peer", p)
	}
	return s, nil
}

// offerTLS makes the 0.6 handshake within TLS.
func (n *Node) offerTLS(ctx context.Context, conn net.Conn, p *peer) (*handshake.Session, error) {
	secure, err := n.tls.Client(ctx, conn)
	if err != nil {
		return nil, err
	}
	return n.open(ctx, secure, p, false)
}

// offerOld makes the 0.4 handshake.
func (n *Node) offerOld(ctx context.Context, conn net.Conn, p *peer) (*handshake.Session, error) {
	p.as = n.Role()
	return handshake.DialOld(ctx, conn)
}

// open makes the three steps of the 0.6 handshake.
func (n *Node) open(ctx context.Context, conn net.Conn, p *peer, upgrade bool) (*handshake.Session, error) {
	told := n.Role()
	return handshake.DialFunc(ctx, conn, n.hello(p.addr, told, upgrade), func(answer handshake.Fields) handshake.Reply {
		return n.acknowledge(answer, p, told)
	})
}

// acknowledge is what the node says to a host that accepts it.
func (n *Node) acknowledge(answer handshake.Fields, p *peer, told Role) handshake.Reply {
	p.agent = answer.Get("User-Agent")
	if ultrapeer, known := answer.Bool("X-Ultrapeer"); known && !ultrapeer {
		return handshake.Reply{Code: 403, Reason: "Looking for an ultrapeer"}
	}
	as, err := n.follow(answer, told)
	if err != nil {
		return handshake.Reply{Code: 403, Reason: "Role changed"}
	}
	p.as = as
	var f handshake.Fields
	if as != told {
		f = append(f, handshake.Field{Name: "X-Ultrapeer", Value: capital(as == Ultrapeer)})
	}
	if n.cfg.Deflate && answer.Lists("Accept-Encoding", "deflate") {
		f = append(f, handshake.Field{Name: "Content-Encoding", Value: "deflate"})
	}
	if n.tls != nil && answer.Lists("Upgrade", handshake.UpgradeOffer.Value) && answer.Lists("Connection", "Upgrade") {
		f = append(f, handshake.UpgradeFields...)
	}
	return handshake.Accepted(f)
}
