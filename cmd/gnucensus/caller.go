package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gnucensus/servent"
	"gnucensus/servent/message"
	"gnucensus/servent/transfer"
	"gnucensus/servent/urn"
)

// A caller reaches the hosts of a file. It runs a node where ultrapeers are to be asked, or hosts are behind firewalls.
type caller struct {
	program *program
	node    *servent.Node // nil: there is no need of one
	home    *home
	links   chan servent.LinkEvent
	via     []netip.AddrPort
	walled  map[message.GUID][]netip.AddrPort // push proxies of the hosts that must be called
	stop    context.CancelFunc
	running sync.WaitGroup
}

// openCaller opens a caller for what the command line says.
func (p *program) openCaller(ctx context.Context, s getSettings) (*caller, error) {
	c := &caller{program: p, via: s.Via, walled: make(map[message.GUID][]netip.AddrPort), stop: func() {}}
	near := slices.Clone(s.Via)
	for _, place := range s.File.Places {
		if place.Walled {
			near = append(near, place.Proxies...)
		}
	}
	if len(near) == 0 {
		return c, nil
	}
	var err error
	if c.home, err = openHome(ctx, near[0]); err != nil {
		return nil, err
	}
	c.links = make(chan servent.LinkEvent, linksHeard)
	c.node, err = servent.New(servent.Config{
		Net: c.home, Listen: c.home.Listen, Addr: c.home.addr, Role: servent.Leaf, Agent: agent(), Vendor: vendor,
		Dialect: servent.GTKG, Deflate: true, Connect: s.Via, Log: p.log,
		OnLink: func(e servent.LinkEvent) {
			select {
			case c.links <- e:
			default: // there have been enough of them
			}
		},
	})
	if err != nil {
		c.home.close()
		return nil, err
	}
	ctx, c.stop = context.WithCancel(ctx)
	c.running.Go(func() { c.node.Run(ctx) }) // it has its sockets already, so it runs until ctx ends
	return c, nil
}

func (c *caller) close() {
	c.stop()
	c.running.Wait()
	if c.home != nil {
		c.home.close()
	}
}

// dial connects to a host, or has it connect to the node.
func (c *caller) dial(ctx context.Context, s transfer.Source) (net.Conn, error) {
	if s.Addr.IsValid() {
		d := net.Dialer{Timeout: connectWait}
		return d.DialContext(ctx, "tcp", s.Addr.String())
	}
	return c.node.Call(ctx, servent.Callee{Servent: s.Servent, Index: s.Index, Proxies: c.walled[s.Servent]})
}

// Waits of a search for hosts that have a file.
const (
	hostsWait = 20 * time.Second // for the first
	hostsMore = 2 * time.Second  // after each, for another one
	hostsMost = 64
)

// search adds the hosts that ultrapeers find to those of a file, and returns the size that the first of them tells.
func (c *caller) search(ctx context.Context, m *transfer.Magnet) (size uint64, err error) {
	fmt.Fprintln(c.program.talk, "looks for hosts that have it")
	if linked := awaitLinks(ctx, c.links, len(c.via), firstLink); len(linked) == 0 && len(m.Places) == 0 {
		return 0, advise(fmt.Errorf("get: none of the %d hosts of --via made a link", len(c.via)),
			"Look whether it is an ultrapeer with a free slot; --log-level debug tells more.")
	}
	query, err := queryFor(*m)
	if err != nil {
		return 0, err
	}
	searching, cancel := context.WithCancel(ctx)
	defer cancel()
	enough := time.AfterFunc(hostsWait, cancel)
	defer enough.Stop()
	found := 0
	for hit := range c.node.Search(searching, query) {
		for _, f := range transfer.List(hit.QueryHit) {
			if f.URN.SHA1 == nil || *f.URN.SHA1 != *m.URN.SHA1 || found == hostsMost {
				continue
			}
			m.Places = append(m.Places, f.Place)
			if found++; size == 0 {
				size = *f.Size
			}
			if m.Name == "" {
				m.Name = f.Name
			}
			enough.Reset(hostsMore)
		}
	}
	if len(m.Places) == 0 && ctx.Err() == nil {
		return 0, advise(fmt.Errorf("get: nobody found has %s", m.URN), "Others may be found through other ultrapeers.")
	}
	fmt.Fprintf(c.program.talk, "found %s\n", many(found, "host"))
	return size, ctx.Err()
}

// queryFor asks for a file by its hash, and by its name for those that route by words.
func queryFor(m transfer.Magnet) (q message.Query, err error) {
	q.Flags, q.Words = message.QueryH, `\`
	q.Tail, err = message.Extensions{URNs: []string{urn.URN{SHA1: m.URN.SHA1}.String()}}.Append(nil)
	return q, err
}
