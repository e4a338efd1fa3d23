package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"gnucensus/servent"
	"gnucensus/servent/library"
	"gnucensus/servent/transfer"
)

func (p *program) serventCommand() *cli.Command {
	return &cli.Command{
		Name:  "servent",
		Usage: "run a servent, and show its links",
		Description: strings.TrimSpace(`
It links itself to the hosts that are named, takes those who come, answers and relays queries, and shares folders, until
Ctrl-C. What passes is shown on a terminal as it stands, and elsewhere in a line every 10 s; as JSON, each event is a line.

A servent of the live network looks for ultrapeers by itself: it goes on to hosts that others name and to those that it
remembers, and asks caches when there are none. Links are encrypted where the other side can do it as gtk-gnutella does; the
TLS of LimeWire and its descendants, which is anonymous, is not among what Go knows: with them, links are in plaintext.

Files are sent by HTTP, at the same port; their hashes are remembered in your folder for caches. Where nobody can connect to the
servent it finds that out, and is called by PUSH.

Examples:
  gnucensus servent --listen 198.51.100.7:6346 --listen [2001:db8::7]:6346 --share ~/music
  gnucensus servent --listen 127.80.0.1:6346 --share ~/music
  gnucensus servent --listen 127.80.0.2:6346 --role leaf --connect 127.80.0.1:6346
  gnucensus servent --connect servent.example.org:6346 --role auto --format json`),
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "listen", DefaultText: "port 6346 of the address that --connect is reached from",
				Usage: "listen at `ADDRESS:PORT`, TCP and UDP, which is what others are told; a second one may be of IPv6"},
			&cli.StringFlag{Name: "role", Value: string(servent.Auto),
				Usage: "be in the `ROLE` of an ultrapeer, of a leaf, or auto: what is needed"},
			&cli.StringSliceFlag{Name: "connect", Usage: "link the servent to `HOST:PORT`; may be repeated"},
			&cli.StringSliceFlag{Name: "cache", DefaultText: "without --connect, those of the live network",
				Usage: "ask the cache `C`, HOST:PORT or a URL, for hosts to link to; may be repeated"},
			&cli.StringSliceFlag{Name: "share", Usage: "share the files in `DIR` and below; may be repeated"},
			&cli.StringFlag{Name: "limit", DefaultText: "no limit", Usage: "send files at `RATE` bytes a second at most, such as 500K"},
		},
		Action: p.servent,
	}
}

// What a servent has room for, and looks for.
const (
	ultrapeerSlots = 32
	leafSlots      = 50
	leafLinks      = 3
	ultrapeerLinks = 20 // that a servent of the live network looks for
)

// manners are those of a servent that strangers reach. They let somebody try a few things, who is not at once a nuisance.
func manners() servent.Manners {
	m := servent.Strict
	m.Handshakes = 10
	return m
}

// port is the usual one of Gnutella.
const port = 6346

// serventSettings are what the flags say.
type serventSettings struct {
	Listen  netip.AddrPort
	Listen6 netip.AddrPort // beside one of IPv4; the zero AddrPort: none
	Role    servent.Role
	Connect []netip.AddrPort
	Caches  caches
	Share   []string
	Limit   int // bytes a second of uploads; 0: none
}

func readServent(c *cli.Context) (s serventSettings, err error) {
	s = serventSettings{Role: servent.Role(c.String("role")), Share: c.StringSlice("share")}
	switch s.Role {
	case servent.Ultrapeer, servent.Leaf, servent.Auto:
	default:
		return s, usage("Roles: ultrapeer, leaf, auto.", "--role: %q is none", s.Role)
	}
	if s.Connect, err = readHosts(c.Context, "connect", c.StringSlice("connect")); err != nil {
		return s, err
	}
	if s.Caches, err = readCaches(c.StringSlice("cache")); err != nil {
		return s, err
	}
	if s.Limit, err = readRate("limit", c.String("limit")); err != nil {
		return s, err
	}
	s.Listen, s.Listen6, err = readListen(c.Context, c.StringSlice("listen"), s.Connect)
	return s, err
}

// readListen returns where a servent listens: as told, or at the address that its hosts are reached from. The second address is
// one of IPv6 beside one of IPv4.
func readListen(ctx context.Context, told []string, hosts []netip.AddrPort) (listen, six netip.AddrPort, err error) {
	const hint = "Others are told it, so it is one at which they reach this machine, such as 127.80.0.1:6346."
	if len(told) == 0 && len(hosts) > 0 {
		addr, err := towards(ctx, hosts[0])
		return netip.AddrPortFrom(addr, port), six, err
	}
	var four []netip.AddrPort
	for _, text := range told {
		at, err := netip.ParseAddrPort(text)
		switch {
		case err != nil || at.Addr().IsUnspecified() || at.Port() == 0:
			return listen, six, usage(hint, "--listen: %q is not the address of an interface, with a port", text)
		case at.Addr().Unmap().Is4():
			four = append(four, netip.AddrPortFrom(at.Addr().Unmap(), at.Port()))
		case six.IsValid():
			return listen, six, usage(hint, "--listen: %v and %v are both of IPv6", six, at)
		default:
			six = at
		}
	}
	switch {
	case len(four) > 1:
		return listen, six, usage(hint, "--listen: %v and %v are both of IPv4", four[0], four[1])
	case len(four) == 1:
		return four[0], six, nil
	case six.IsValid():
		return six, netip.AddrPort{}, nil
	}
	return listen, six, usage(hint, "servent: --listen ADDRESS:PORT is missing")
}

// config is how the node is set up.
func (s serventSettings) config() servent.Config {
	slots := servent.Slots{Ultrapeers: ultrapeerSlots, Leaves: leafSlots}
	if s.Role == servent.Leaf {
		slots = servent.Slots{Ultrapeers: leafLinks}
	}
	var demanded servent.Manners // on this machine alone, nothing: it may be tested there
	if s.live() {
		demanded = manners()
	}
	return servent.Config{
		Net: from(s.Listen.Addr(), s.Listen6.Addr()), Addr: s.Listen, Addr6: s.Listen6, Role: s.Role, Agent: agent(), Vendor: vendor,
		Dialect: servent.Modern, Slots: slots, Manners: demanded, Deflate: true, TLS: true, Connect: s.Connect,
		Substitute: true,
	}
}

// live tells whether the servent is one of the live network, and not of this machine.
func (s serventSettings) live() bool { return isLive(s.Listen.Addr()) }

func isLive(addr netip.Addr) bool { return !addr.IsLoopback() }

// bootstrap is how the node finds hosts by itself. On this machine alone it does so when a cache is named.
func (s serventSettings) bootstrap() (b servent.Bootstrap, err error) {
	if !s.live() && s.Caches.empty() {
		return b, nil
	}
	from := s.Caches
	if from.empty() && len(s.Connect) == 0 {
		from = knownCaches()
	}
	return seeking(ultrapeerLinks, s.live(), from)
}

// seeking is how a node finds hosts for so many links: those that it remembers, where they are of the live network, and those
// of caches.
func seeking(links int, live bool, from caches) (b servent.Bootstrap, err error) {
	b = servent.Bootstrap{Links: links, UDPCaches: from.UDP, WebCaches: from.Web}
	b.Hosts, b.Calendar, err = memory()
	if !live {
		b.Hosts = nil
	}
	return b, err
}

// servent runs a node until a signal ends it, which is how it should end.
func (p *program) servent(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	s, err := readServent(c)
	if err != nil {
		return err
	}
	mesh := new(library.Mesh)
	shared, err := p.openShared(c.Context, s.Share, mesh)
	if err != nil {
		return err
	}
	defer shared.Close()
	cfg := s.config()
	cfg.Uploads = &transfer.Config{Mesh: mesh, Rate: s.Limit}
	if cfg.Bootstrap, err = s.bootstrap(); err != nil {
		return err
	}
	cfg.Library, cfg.Log = shared, p.log
	var events *events // nil: nobody wants them
	if form == "json" {
		events = newEvents(p.stdout)
		cfg.OnLink, cfg.OnEvent = events.link, events.saw
	}
	listening := make(chan struct{})
	cfg.OnListen = func() { close(listening) }
	node, err := servent.New(cfg)
	if err != nil {
		return usage(helpHint(c), "servent: %w", err)
	}
	return p.runNode(c.Context, &standing{node: node, shared: shared, began: time.Now()}, listening, events)
}

// runNode runs a node until ctx ends, and meanwhile looks after what it shares and, as soon as it listens, shows both.
func (p *program) runNode(ctx context.Context, s *standing, listening <-chan struct{}, events *events) error {
	beside, end := context.WithCancel(context.WithoutCancel(ctx)) // of the node: it has something to say until its last link ends
	var running sync.WaitGroup
	running.Go(func() { s.shared.Run(beside) })
	running.Go(func() {
		select {
		case <-listening:
			fmt.Fprintf(p.talk, "servent at %v shares %s; Ctrl-C ends it\n", s.node.Addr(), many(int(s.shared.Files()), "file"))
			p.showNode(beside, s, events)
		case <-beside.Done():
		}
	})
	err := s.node.Run(ctx)
	end()
	running.Wait()
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		return advise(err, "Give an address of this machine, and a port that is free, by --listen.")
	}
	return err
}
