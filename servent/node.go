package servent

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
	"gnucensus/servent/transfer"
)

// A Node is one servent.
type Node struct {
	cfg         Config
	started     time.Time
	seats       *seats
	routes      *routes
	routing     *routing
	askings     askings
	seen        tallies
	guard       *guard
	keeper      *keeper // nil: it dials Config.Connect alone
	pinger      pinger
	offers      offers
	substitutes substitutes
	secret      secret
	guessers    guessers
	guesses     *quota // queries by UDP that are answered
	outside     outside
	wall        wall
	errands     errands
	pushes      *quota // connections to downloaders
	knocks      *quota // and to neighbours that want to know whether they can be reached
	calls       calls
	services    map[string]service
	server      *transfer.Server // of files; nil: none
	tls         *handshake.TLS   // nil: plaintext alone
	leaf        atomic.Bool      // the role now
	reached     atomic.Bool      // somebody has connected to it
	log         *slog.Logger
}

// New returns a node of the configuration. It starts nothing.
func New(cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure node: %w", err)
	}
	cfg = cfg.withDefaults()
	n := &Node{
		cfg: cfg, seats: newSeats(cfg.Slots), routes: newRoutes(), routing: newRouting(cfg.Library),
		guard: newGuard(cfg.Manners), offers: newOffers(), guesses: newQuota(cfg.Manners.Guesses, time.Minute),
		secret: newSecret(), log: cfg.Log.With("node", cfg.Addr),
		wall: wall{wake: make(chan struct{}, 1)}, errands: newErrands(),
		pushes: newQuota(pushesPerHost, pushTime), knocks: newQuota(knockTries, knockEvery),
	}
	n.server = n.newServer()
	n.services = n.newServices()
	n.leaf.Store(cfg.Role == Leaf || cfg.Role == Auto && cfg.Firewalled)
	if cfg.TLS {
		var err error
		if n.tls, err = handshake.NewTLS(); err != nil {
			return nil, fmt.Errorf("configure node: %w", err)
		}
	}
	var err error
	if n.keeper, err = newKeeper(n); err != nil {
		return nil, fmt.Errorf("configure node: %w", err)
	}
	return n, nil
}

// listen opens the node's sockets and serves them. What it returns closes those that are open.
func (n *Node) listen(ctx context.Context, running *sync.WaitGroup) (hangUp func(), err error) {
	var open []io.Closer
	hangUp = func() {
		for _, c := range open {
			c.Close()
		}
	}
	datagrams := func(network, at string, to families) error {
		u, err := n.cfg.Net.ListenPacket(ctx, network, at)
		if err != nil {
			return err
		}
		open = append(open, u)
		n.pinger.use(u, to)
		running.Go(func() { n.answerDatagrams(ctx, u) })
		return nil
	}
	if n.cfg.Firewalled {
		if n.keeper == nil {
			return hangUp, nil
		}
		return hangUp, datagrams("udp", ":0", families{four: true, six: true}) // to ask caches from
	}
	for _, at := range []netip.AddrPort{n.cfg.Addr, n.cfg.Addr6} {
		if !at.IsValid() {
			continue
		}
		family, to := "4", families{four: true}
		if at.Addr().Is6() {
			family, to = "6", families{six: true}
		}
		if err := datagrams("udp"+family, at.String(), to); err != nil {
			return hangUp, err
		}
		l, err := n.cfg.Listen(ctx, "tcp"+family, at.String()) // the last: who finds it open finds all open
		if err != nil {
			return hangUp, err
		}
		open = append(open, l)
		running.Go(func() { n.accept(ctx, l) })
	}
	return hangUp, nil
}

// Addr returns the address of the node as it tells others: where it listens or, where a router stands between, where they see
// it.
func (n *Node) Addr() netip.AddrPort { return n.addr() }

// GUID returns the GUID of the servent, by which PUSHes find it.
func (n *Node) GUID() message.GUID { return n.cfg.GUID }

// Run listens, dials and answers until ctx ends, then says goodbye to its neighbours. It returns nil then, and an error when
// it cannot listen. A node runs once.
func (n *Node) Run(ctx context.Context) error {
	n.started = time.Now()
	var running sync.WaitGroup
	defer running.Wait()
	hangUp, err := n.listen(ctx, &running)
	defer hangUp()
	if err != nil {
		return fmt.Errorf("run node: %w", err)
	}
	if n.cfg.OnListen != nil {
		n.cfg.OnListen()
	}
	for _, to := range n.cfg.Connect {
		running.Go(func() { n.keep(ctx, to) })
	}
	running.Go(func() { n.keepTable(ctx) })
	running.Go(func() { n.discover(ctx) })
	running.Go(func() { n.post(ctx) })
	running.Go(func() { n.errands.run(ctx) })
	running.Go(func() { n.testWall(ctx) })
	if n.keeper != nil {
		running.Go(func() { n.keeper.run(ctx) })
	}
	<-ctx.Done()
	return nil
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
