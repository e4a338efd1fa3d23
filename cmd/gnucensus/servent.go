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
)

func (p *program) serventCommand() *cli.Command {
	return &cli.Command{
		Name:  "servent",
		Usage: "run a servent, and show its links",
		Description: strings.TrimSpace(`
It links itself to the hosts that are named, takes those who come, answers and relays queries, and shares folders, until
Ctrl-C. What passes is shown on a terminal as it stands, and elsewhere in a line every 10 s; as JSON, each event is a line.

Examples:
  gnucensus servent --listen 127.80.0.1:6346 --share ~/music
  gnucensus servent --listen 127.80.0.2:6346 --role leaf --connect 127.80.0.1:6346
  gnucensus servent --connect servent.example.org:6346 --role auto --format json`),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", DefaultText: "port 6346 of the address that --connect is reached from",
				Usage: "listen at `ADDRESS:PORT`, TCP and UDP, which is what others are told"},
			&cli.StringFlag{Name: "role", Value: string(servent.Auto), Usage: "be an ultrapeer, a leaf, or auto: what is needed"},
			&cli.StringSliceFlag{Name: "connect", Usage: "link the servent to `HOST:PORT`; may be repeated"},
			&cli.StringSliceFlag{Name: "share", Usage: "share the files in `DIR` and below; may be repeated"},
		},
		Action: p.servent,
	}
}

// What a servent has room for.
const (
	ultrapeerSlots = 32
	leafSlots      = 50
	leafLinks      = 3
)

// manners let somebody try a few things, who is not at once a nuisance.
var manners = servent.Manners{CrawlEvery: servent.Strict.CrawlEvery, Handshakes: 10}

// port is the usual one of Gnutella.
const port = 6346

// serventSettings are what the flags say.
type serventSettings struct {
	Listen  netip.AddrPort
	Role    servent.Role
	Connect []netip.AddrPort
	Share   []string
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
	s.Listen, err = readListen(c.Context, c.String("listen"), s.Connect)
	return s, err
}

// readListen returns where a servent listens: as told, or at the address that its hosts are reached from.
func readListen(ctx context.Context, told string, hosts []netip.AddrPort) (netip.AddrPort, error) {
	const hint = "Others are told it, so it is one at which they reach this machine, such as 127.80.0.1:6346."
	switch {
	case told != "":
		listen, err := netip.ParseAddrPort(told)
		if err != nil || !listen.Addr().Is4() || listen.Addr().IsUnspecified() || listen.Port() == 0 {
			return listen, usage(hint, "--listen: %q is not the IPv4 address of an interface, with a port", told)
		}
		return listen, nil
	case len(hosts) == 0:
		return netip.AddrPort{}, usage(hint, "servent: --listen ADDRESS:PORT is missing")
	}
	addr, err := towards(ctx, hosts[0])
	return netip.AddrPortFrom(addr, port), err
}

// config is how the node is set up.
func (s serventSettings) config() servent.Config {
	way := from(s.Listen.Addr())
	slots := servent.Slots{Ultrapeers: ultrapeerSlots, Leaves: leafSlots}
	if s.Role == servent.Leaf {
		slots = servent.Slots{Ultrapeers: leafLinks}
	}
	return servent.Config{
		Net: &way, Addr: s.Listen, Role: s.Role, Agent: "gnucensus/" + version(), Vendor: vendor, Dialect: servent.GTKG,
		Slots: slots, Manners: manners, Deflate: true, Connect: s.Connect,
	}
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
	shared, err := library.Open(library.Config{Folders: s.Share, Log: p.log})
	if err != nil {
		return usage("It is a folder that can be read.", "--share: %w", err)
	}
	defer shared.Close()
	if err := shared.Scan(c.Context); err != nil {
		return err
	}
	events := &events{w: p.stdout, silent: form != "json"}
	cfg := s.config()
	cfg.Library, cfg.Log, cfg.OnLink = shared, p.log, events.link
	node, err := servent.New(cfg)
	if err != nil {
		return usage(helpHint(c), "servent: %w", err)
	}
	return p.runNode(c.Context, node, shared, events)
}

// runNode runs a node, looks after what it shares, and shows both.
func (p *program) runNode(ctx context.Context, node *servent.Node, shared *library.Library, events *events) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { shared.Run(ctx) })
	stand := &standing{node: node, shared: shared, began: time.Now()}
	fmt.Fprintf(p.talk, "servent at %v shares %d files; Ctrl-C ends it\n", node.Addr(), shared.Files())
	running.Go(func() { p.showNode(ctx, stand, events) })
	err := node.Run(ctx)
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		return advise(err, "Give an address of this machine, and a port that is free, by --listen.")
	}
	return err
}
