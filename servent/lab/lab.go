// Package lab is a Gnutella network inside this process, for tests, benchmarks and demonstrations: ultrapeers and leaves on
// addresses of 127.0.0.0/8, linked over TCP by their own handshake and answering as servents do. It is built from a [Plan]
// and its seed, so what a census of it must find is known in advance: the truth, a [Host] each.
//
// Each host is a [servent.Node] that listens on its own address and dials from it. Hosts that behave badly are good nodes
// behind bad sockets: a slow one's hesitate, a firewalled one's backlog is full, so that the kernel drops whoever knocks.
package lab

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"golang.org/x/sync/errgroup"

	"gnucensus/servent"
	"gnucensus/servent/library"
)

// A Net is one lab.
type Net struct {
	plan    Plan
	configs []servent.Config
	truth   []Host
	nodes   []*servent.Node // of the hosts that run; nil for dead ones
	leave   chan struct{}
	left    sync.Once
}

// New builds the network of a plan. It starts nothing.
func New(p Plan) (*Net, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("plan lab: %w", err)
	}
	p = p.withDefaults()
	configs, truth := build(p)
	return &Net{plan: p, configs: configs, truth: truth, leave: make(chan struct{})}, nil
}

// Seeds returns the addresses of a few ultrapeers that answer, from which a walk reaches all others.
func (n *Net) Seeds() []netip.AddrPort { return seedsOf(n.truth) }

// Truth returns what a perfect census finds once all links stand: every host, by address.
func (n *Net) Truth() []Host { return n.truth }

// Library returns what the host at an address shares: names and sizes, for there is no content. It is nil for hosts that share
// nothing, the dead ones among them.
func (n *Net) Library(at netip.AddrPort) *library.Library {
	for i := range n.configs {
		if n.configs[i].Addr == at {
			return n.configs[i].Library
		}
	}
	return nil
}

// Leave makes the leaving hosts leave, those that have not left yet.
func (n *Net) Leave() { n.left.Do(func() { close(n.leave) }) }

// Run runs the network until ctx ends, and calls ready, unless it is nil, once every planned link stands and whoever routes
// queries knows where to. It returns nil if ctx ended it; all that it started has ended then. A network runs once.
func (n *Net) Run(ctx context.Context, ready func()) error {
	if err := n.checkDescriptors(); err != nil {
		return fmt.Errorf("run lab: %w", err)
	}
	stations, err := n.open(ctx)
	defer func() {
		for _, s := range stations {
			s.close()
		}
	}()
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return fmt.Errorf("run lab: %w", err)
	}
	links := &census{wanted: n.linkEnds(), standing: make(chan struct{})}
	n.nodes = make([]*servent.Node, len(stations))
	for i, s := range stations {
		if s == nil {
			continue
		}
		if n.nodes[i], err = servent.New(n.config(i, s, links)); err != nil {
			return fmt.Errorf("run lab: %w", err)
		}
	}
	running, ctx := errgroup.WithContext(ctx)
	for i, s := range stations {
		if s != nil {
			running.Go(func() error { return n.runHost(ctx, n.nodes[i], s) })
		}
	}
	running.Go(func() error {
		if links.wait(ctx) && settle(ctx, n.nodes) && ready != nil {
			ready()
		}
		return nil
	})
	if err := running.Wait(); err != nil {
		return fmt.Errorf("run lab: %w", err)
	}
	return nil
}

// config returns the configuration of a host, with its sockets, and with its links counted.
func (n *Net) config(i int, s *station, links *census) servent.Config {
	c := n.configs[i]
	c.Net, c.Listen, c.Log = s, s.Listen, n.plan.Log
	c.OnLink = func(e servent.LinkEvent) { links.count(e, n.plan) }
	return c
}

// runHost runs one host until ctx ends or it leaves.
func (n *Net) runHost(ctx context.Context, node *servent.Node, s *station) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.behaviour == Leaving {
		var waiting sync.WaitGroup
		defer waiting.Wait()
		defer cancel()
		waiting.Go(func() {
			defer cancel()
			select {
			case <-n.leave:
			case <-s.leave:
			case <-ctx.Done():
			}
		})
	}
	return node.Run(ctx)
}

// open opens the sockets of all hosts that live, so that nobody dials before somebody listens.
func (n *Net) open(ctx context.Context) ([]*station, error) {
	stations := make([]*station, len(n.truth))
	for i, h := range n.truth {
		if h.Behaviour == Dead {
			continue
		}
		s, err := openStation(ctx, h, n.plan)
		if err != nil {
			return stations, err
		}
		stations[i] = s
	}
	return stations, nil
}

// linkEnds is the number of ends of all planned links.
func (n *Net) linkEnds() int {
	ends := 0
	for _, h := range n.truth {
		ends += len(h.Links)
	}
	return ends
}

// checkDescriptors checks that the process may open as many files as the network needs.
func (n *Net) checkDescriptors() error {
	need := n.linkEnds() + spareDescriptors
	for _, h := range n.truth {
		need += h.Behaviour.sockets()
	}
	limit, err := descriptorLimit()
	if err != nil {
		return err
	}
	if uint64(need) > limit {
		return fmt.Errorf("a lab of %d hosts and %d links needs %d file descriptors, the limit is %d: raise it (ulimit -n %d) "+
			"or plan fewer hosts", len(n.truth), n.linkEnds()/2, need, limit, need)
	}
	return nil
}

// spareDescriptors are for those who visit the network, and for the rest of the process.
const spareDescriptors = 512
