package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gnucensus/servent"
	"gnucensus/servent/library"
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
	mesh    library.Mesh
	parts   transfer.Partials // of the file, which the node serves while it is fetched
	stop    context.CancelFunc
	running sync.WaitGroup
}

// openCaller opens a caller for ultrapeers to ask and places to reach; uploads is how it serves what it has of the file.
func (p *program) openCaller(
	ctx context.Context, via []netip.AddrPort, places []transfer.Place, uploads transfer.Config,
) (*caller, error) {
	c := &caller{program: p, via: via, walled: make(map[message.GUID][]netip.AddrPort), stop: func() {}}
	near := slices.Clone(via)
	for _, place := range places {
		if place.Walled {
			near = append(near, place.Proxies...)
		}
	}
	if len(near) == 0 {
		return c, nil
	}
	uploads.Mesh, uploads.Partials = &c.mesh, &c.parts
	var err error
	if c.home, err = openHome(ctx, near[0]); err != nil {
		return nil, err
	}
	c.links = make(chan servent.LinkEvent, linksHeard)
	c.node, err = servent.New(servent.Config{
		Net: c.home, Listen: c.home.Listen, Addr: c.home.addr, Role: servent.Leaf, Agent: agent(), Vendor: vendor,
		Dialect: servent.Modern, Deflate: true, Connect: via, Log: p.log,
		Uploads: &uploads,
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

// own is where the node serves what has been fetched, the zero AddrPort as long as nobody is known to reach it.
func (c *caller) own() netip.AddrPort {
	if c.node == nil || !c.node.Reached() {
		return netip.AddrPort{}
	}
	return c.node.Addr()
}

// source returns a place as the caller dials it: who is behind a firewall has no address, but push proxies.
func (c *caller) source(place transfer.Place) transfer.Source {
	source := place.Source
	if place.Walled {
		source.Addr = netip.AddrPort{} // nobody can connect to it
		c.walled[source.Servent] = place.Proxies
	}
	return source
}

// connectWait is how long a connection to a host may take.
const connectWait = 10 * time.Second

// dial connects to a host, or has it connect to the node: not every host knows that it is behind a firewall.
func (c *caller) dial(ctx context.Context, s transfer.Source) (net.Conn, error) {
	var refused error
	if s.Addr.IsValid() {
		d := net.Dialer{Timeout: connectWait}
		conn, err := d.DialContext(ctx, "tcp", s.Addr.String())
		if err == nil || ctx.Err() != nil || c.node == nil || s.Servent == (message.GUID{}) {
			return conn, err
		}
		refused = err
	}
	conn, err := c.node.Call(ctx, servent.Callee{Servent: s.Servent, Index: s.Index, Proxies: c.walled[s.Servent]})
	if err != nil {
		return nil, errors.Join(refused, err)
	}
	return conn, nil
}

// browse browses the host of a place.
func (c *caller) browse(ctx context.Context, host transfer.Place, take func(transfer.Found) error) (software string, err error) {
	conn, err := c.dial(ctx, c.source(host))
	if err != nil {
		return "", err // it names the operation and the host
	}
	defer conn.Close()
	at := host.Addr
	if !at.IsValid() {
		at = conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	}
	return transfer.Browse(ctx, conn, at, agent(), take)
}

// errNotListed says that a host has no file of that number.
var errNotListed = errors.New("the host lists no file of that number")

// errListed ends a browse when the file is found.
var errListed = errors.New("found")

// numbered browses a host for the file of a number.
func (c *caller) numbered(ctx context.Context, host netip.AddrPort, index uint32) (m transfer.Magnet, err error) {
	_, err = c.browse(ctx, transfer.Place{Source: transfer.Source{Addr: host}}, func(f transfer.Found) error {
		if f.Index != index {
			return nil
		}
		f.Addr = host // which is known to be reached
		m = transfer.Magnet{URN: f.URN, Name: f.Name, Size: f.Size, Places: []transfer.Place{{Source: f.Source}}}
		return errListed
	})
	switch {
	case errors.Is(err, errListed):
		return m, nil
	case err == nil:
		err = errNotListed
	}
	err = fmt.Errorf("get %v/%d: %w", host, index, err)
	if lost := new(net.OpError); errors.As(err, &lost) {
		return m, err // a link leads to the same host
	}
	return m, advise(err, "A link to the file, as browse and search print it, needs no browsing.")
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
	linked := awaitLinks(ctx, c.links, len(c.via), firstLink)
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case len(linked) == 0 && len(m.Places) == 0:
		return 0, advise(errors.New("get: no host of --via made a link"),
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
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case len(m.Places) == 0:
		return 0, advise(fmt.Errorf("get: nobody found has %s", m.URN), "Others may be found through other ultrapeers.")
	}
	fmt.Fprintf(c.program.talk, "found %s\n", many(found, "host"))
	return size, nil
}

// queryFor asks for a file by its hash, and by its name for those that route by words.
func queryFor(m transfer.Magnet) (q message.Query, err error) {
	q.Flags, q.Words = message.QueryH, `\`
	q.Tail, err = message.Extensions{URNs: []string{urn.URN{SHA1: m.URN.SHA1}.String()}}.Append(nil)
	return q, err
}
