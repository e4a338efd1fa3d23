package servent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	"gnucensus/servent/handshake"
	"gnucensus/servent/internal/ahead"
)

// A service has what somebody wants who connected: it reads the connection from its first byte on, and returns when it is done
// with it. The node closes the connection then. The end of ctx is the node's end.
type service func(ctx context.Context, c net.Conn)

// newServices returns those that the node has beside links, by the first word of a connection.
func (n *Node) newServices() map[string]service {
	services := make(map[string]service)
	if !n.cfg.Firewalled {
		services[wordGIV] = n.takeGIV
	}
	if n.server != nil {
		services[wordGET], services[wordHEAD] = n.serveFiles, n.serveFiles
	}
	return services
}

// accept takes those who come, a bounded number of them until it is clear what becomes of them.
func (n *Node) accept(ctx context.Context, l net.Listener) {
	var running sync.WaitGroup
	defer running.Wait()
	shaking := make(chan struct{}, handshakes)
	for {
		select {
		case shaking <- struct{}{}:
		case <-ctx.Done():
			return
		}
		conn, err := l.Accept()
		if err != nil {
			<-shaking
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			n.log.Warn("cannot accept", "err", err)
			if !pause(ctx, acceptAgain) { // out of descriptors, most likely: the connection stays in the kernel's queue
				return
			}
			continue
		}
		running.Go(func() {
			defer conn.Close()
			serve, err := n.welcome(ctx, conn)
			<-shaking
			switch {
			case err != nil:
				remote := addrPort(conn.RemoteAddr())
				n.log.Debug("no link", "remote", remote, "err", err)
				n.reportRefusal(remote, err)
			case serve != nil:
				serve(ctx)
			}
		})
	}
}

// What somebody who connects may begin with ("Sockets and first line" in "Transfer between servents").
const (
	wordGnutella = "GNUTELLA "
	wordOld      = "GNUTELLA CONNECT/0.4"
	wordTLS      = "\x16\x03"
	wordKnock    = "\n\n"         // somebody tests whether the node can be connected to …
	wordBack     = "CONNECT BACK" // … in the words of LimeWire
	wordGIV      = "GIV "
	wordGET      = "GET "
	wordHEAD     = "HEAD "
)

// Reasons to close without a word.
var (
	errWord   = errors.New("first line of no known protocol")
	errBanned = errors.New("banned")
)

// welcome finds out what somebody who came wants, and makes the handshake when it is a link. What it returns goes on with it,
// unless it is nil.
func (n *Node) welcome(ctx context.Context, conn net.Conn) (serve func(context.Context), err error) {
	remote := addrPort(conn.RemoteAddr()).Addr()
	n.came(remote) // whatever it wants
	if n.guard.banned(remote) {
		return nil, errBanned
	}
	shaking, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	c, word, err := recognise(shaking, conn, n.words()...)
	if err == nil && word == wordTLS {
		var secure net.Conn
		if secure, err = n.tls.Server(shaking, c); err == nil {
			c, word, err = recognise(shaking, secure, n.words()...)
		}
	}
	if err != nil {
		return nil, err
	}
	switch {
	case word == wordGnutella, word == wordOld:
		return n.shake(shaking, c, word)
	case word == wordTLS:
		return nil, fmt.Errorf("TLS within TLS: %w", errWord)
	case word == wordKnock, word == wordBack:
		return nil, nil
	}
	return func(ctx context.Context) { n.services[word](ctx, c) }, nil
}

// words are the first words that the node knows.
func (n *Node) words() []string {
	words := []string{wordGnutella, wordKnock, wordBack}
	if n.cfg.Old {
		words = append(words, wordOld)
	}
	if n.tls != nil {
		words = append(words, wordTLS)
	}
	for word := range n.services {
		words = append(words, word)
	}
	return words
}

// recognise reads the first word of a connection: the longest of the words that fits.
func recognise(ctx context.Context, conn net.Conn, words ...string) (c *ahead.Conn, word string, err error) {
	longest := 0
	for _, w := range words {
		longest = max(longest, len(w))
	}
	c = ahead.New(conn, nil)
	err = c.Until(ctx, longest, func(read []byte) bool {
		mayBeMore := false
		for _, w := range words {
			switch {
			case len(w) > len(word) && strings.HasPrefix(string(read), w):
				word = w
			case len(w) > len(read) && strings.HasPrefix(w, string(read)):
				mayBeMore = true
			}
		}
		return !mayBeMore
	})
	if err == nil && word == "" {
		err = errWord
	}
	if err != nil {
		err = fmt.Errorf("read first line: %w", err)
	}
	return c, word, err
}

// shake makes the handshake with somebody who came.
func (n *Node) shake(ctx context.Context, c net.Conn, word string) (serve func(context.Context), err error) {
	remote := addrPort(c.RemoteAddr())
	var p *peer
	var s *handshake.Session
	if word == wordOld {
		s, err = handshake.AcceptOld(ctx, c, func() bool {
			p = n.greetOld(remote)
			return p != nil
		})
	} else {
		s, err = handshake.Accept(ctx, c, func(hello handshake.Fields) (reply handshake.Reply) {
			reply, p = n.greet(hello, remote)
			return reply
		})
	}
	if err == nil && p != nil {
		err = n.settle(ctx, p, s)
	}
	if err != nil && p != nil {
		n.seats.leave(p)
	}
	if err != nil || p == nil {
		return nil, err
	}
	n.reached.Store(true)
	return func(ctx context.Context) { n.serve(ctx, p, s) }, nil
}

// settle ends the handshake with a newcomer that has a seat: one that came as an ultrapeer may stay one or become a leaf, whatever
// it was told, and comes to another seat then; and the link goes over to TLS where that was agreed on.
func (n *Node) settle(ctx context.Context, p *peer, s *handshake.Session) error {
	became := Ultrapeer
	if ultrapeer, known := s.Ack.Bool("X-Ultrapeer"); known && !ultrapeer {
		became = Leaf
	}
	if (p.guided || p.role == Ultrapeer) && n.seats.move(p, became) != seated {
		return fmt.Errorf("no slot for who came as an ultrapeer and became a %s", became)
	}
	if s.Upgrade {
		return s.Secure(ctx, n.tls.Server)
	}
	return nil
}

// greetOld gives a seat to a newcomer of whom the 0.4 handshake tells nothing. Everybody was a relay then.
func (n *Node) greetOld(remote netip.AddrPort) *peer {
	p := &peer{remote: remote, role: Ultrapeer, as: n.Role()}
	if n.guard.shake(remote.Addr()) > 0 || n.seats.take(p) != seated {
		return nil
	}
	return p
}
