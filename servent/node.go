package servent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// A Node is one servent.
type Node struct {
	cfg     Config
	started time.Time
	seats   *seats
	routes  routes
	log     *slog.Logger
}

// New returns a node of the configuration. It starts nothing.
func New(cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure node: %w", err)
	}
	if cfg.Net == nil {
		cfg.Net = &Internet{}
	}
	if cfg.Listen == nil {
		cfg.Listen = new(net.ListenConfig).Listen
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.GUID == (message.GUID{}) {
		cfg.GUID = message.NewGUID()
	}
	return &Node{cfg: cfg, seats: newSeats(cfg.Slots), log: cfg.Log.With("node", cfg.Addr)}, nil
}

// Run listens, dials and answers until ctx ends, then says goodbye to its neighbours. It returns nil then, and an error when
// it cannot listen. A node runs once.
func (n *Node) Run(ctx context.Context) error {
	n.started = time.Now()
	var running sync.WaitGroup
	defer running.Wait()
	if !n.cfg.Firewalled {
		l, err := n.cfg.Listen(ctx, "tcp4", n.cfg.Addr.String())
		if err != nil {
			return fmt.Errorf("run node: %w", err)
		}
		defer l.Close()
		u, err := n.cfg.Net.ListenPacket(ctx, "udp4", n.cfg.Addr.String())
		if err != nil {
			return fmt.Errorf("run node: %w", err)
		}
		defer u.Close()
		running.Go(func() { n.accept(ctx, l) })
		running.Go(func() { n.answerDatagrams(ctx, u) })
	}
	for _, to := range n.cfg.Connect {
		running.Go(func() { n.keep(ctx, to) })
	}
	<-ctx.Done()
	return nil
}

// accept takes those who come, a bounded number of them in their handshake.
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
			p, s := n.welcome(ctx, conn)
			<-shaking
			if p != nil {
				n.serve(ctx, p, s)
			}
		})
	}
}

// welcome makes the handshake with somebody who came. The peer is nil when no link comes of it.
func (n *Node) welcome(ctx context.Context, conn net.Conn) (*peer, *handshake.Session) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	remote := addrPort(conn.RemoteAddr())
	var p *peer
	s, err := handshake.Accept(ctx, conn, func(hello handshake.Fields) (reply handshake.Reply) {
		reply, p = n.greet(hello, remote)
		return reply
	})
	if err != nil {
		n.log.Debug("no link", "remote", remote, "err", err)
		if p != nil {
			n.seats.leave(p)
		}
		return nil, nil
	}
	return p, s
}

// keep links the node to a host, and does so again whenever the link is lost.
func (n *Node) keep(ctx context.Context, to netip.AddrPort) {
	wait := redialFirst
	for {
		stood, err := n.dial(ctx, to)
		if stood {
			wait = redialFirst
		}
		if err != nil {
			n.log.Debug("no link", "addr", to, "err", err)
		}
		if !pause(ctx, wait) {
			return
		}
		wait = min(2*wait, redialLast)
	}
}

// dial links the node to a host and serves the link until it ends. It tells whether there was one.
func (n *Node) dial(ctx context.Context, to netip.AddrPort) (stood bool, err error) {
	p := &peer{remote: to, addr: to, role: Ultrapeer}
	if n.seats.force(p) == twice {
		return false, nil // the host was faster
	}
	shaking, cancel := context.WithTimeout(ctx, dialTimeout+handshakeTimeout)
	defer cancel()
	s, err := n.offer(shaking, p)
	if err != nil {
		n.seats.leave(p)
		return false, err
	}
	cancel()
	defer s.Conn.Close()
	n.serve(ctx, p, s)
	return true, nil
}

// offer connects to a host and makes the handshake.
func (n *Node) offer(ctx context.Context, p *peer) (*handshake.Session, error) {
	connecting, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := n.cfg.Net.DialContext(connecting, "tcp4", p.addr.String())
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	s, err := handshake.DialFunc(ctx, conn, n.hello(p.addr), func(answer handshake.Fields) handshake.Reply {
		p.agent = answer.Get("User-Agent")
		if ultrapeer, known := answer.Bool("X-Ultrapeer"); known && !ultrapeer {
			return handshake.Reply{Code: 403, Reason: "Looking for an ultrapeer"}
		}
		return handshake.Accepted(nil)
	})
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	return s, nil
}

// pause waits, and tells whether ctx lives on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// addrPort returns the address of a TCP or UDP connection's end, the zero AddrPort for other ends.
func addrPort(a net.Addr) netip.AddrPort {
	end, ok := a.(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(end.AddrPort().Addr().Unmap(), end.AddrPort().Port())
}
