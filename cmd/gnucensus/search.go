package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"gnucensus/servent"
	"gnucensus/servent/message"
)

func (p *program) searchCommand() *cli.Command {
	return &cli.Command{
		Name:      "search",
		Usage:     "search the network, and print hits as they come",
		ArgsUsage: "WORDS…",
		Description: strings.TrimSpace(`
It becomes a leaf of the hosts that are named and asks through them, or asks them by UDP alone; a result has all the words in
its name. Hops are the links between its host and this one, a datagram counted as a link. As JSON, each result is a line, and
the summary is the last one.

Examples:
  gnucensus search --via 127.80.0.1:6346 free music
  gnucensus search --via 127.80.0.1:6346 --mode guess free music
  gnucensus search --via 127.80.0.1:6346 --via 127.80.0.2:6346 --wait 1m --format json linux iso`),
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "via", Usage: "ask through the ultrapeer `HOST:PORT`; may be repeated"},
			&cli.StringFlag{Name: "mode", Value: modeInBand,
				Usage: "have hits come `HOW`: in-band, back through the ultrapeers, oob, straight from their hosts by UDP, or guess: ultrapeers are asked by UDP, one a second"},
			&cli.DurationFlag{Name: "wait", Value: 30 * time.Second, Usage: "wait `TIME` for hits"},
		},
		Action: p.search,
	}
}

// The ways in which hits may come.
const (
	modeInBand = "in-band"
	modeOOB    = "oob"
	modeGuess  = "guess"
)

// searchSettings are what the command line says.
type searchSettings struct {
	Words string
	Via   []netip.AddrPort
	Mode  string
	Wait  time.Duration
}

func readSearch(c *cli.Context) (s searchSettings, err error) {
	s = searchSettings{Words: strings.Join(c.Args().Slice(), " "), Mode: c.String("mode"), Wait: c.Duration("wait")}
	switch {
	case strings.TrimSpace(s.Words) == "":
		return s, usage(helpHint(c), "search: WORDS to search for are missing")
	case len(s.Words) > maxQueryLen || printable(s.Words) != s.Words:
		return s, usage("", "search: a query is at most %d bytes of plain text", maxQueryLen)
	case !slices.Contains([]string{modeInBand, modeOOB, modeGuess}, s.Mode):
		return s, usage("Modes: in-band, oob, guess.", "--mode: %q is none", s.Mode)
	case s.Wait <= 0:
		return s, usage("30s are enough for most hits.", "--wait: %v is no time", s.Wait)
	}
	if s.Via, err = readHosts(c.Context, "via", c.StringSlice("via")); err != nil {
		return s, err
	}
	if len(s.Via) == 0 {
		return s, usage(hostHint, "search: --via HOST:PORT is missing")
	}
	return s, nil
}

// search runs a leaf as long as it takes to ask.
func (p *program) search(c *cli.Context) error {
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	s, err := readSearch(c)
	if err != nil {
		return err
	}
	home, err := openHome(c.Context, s.Via[0])
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	defer home.close()
	connect := s.Via
	if s.Mode == modeGuess {
		connect = nil // it needs no links
	}
	links := make(chan servent.LinkEvent, 4*len(s.Via))
	node, err := servent.New(servent.Config{
		Net: home, Listen: home.Listen, Addr: home.addr, Role: servent.Leaf, Agent: "gnucensus/" + version(), Vendor: vendor,
		Dialect: servent.GTKG, Deflate: true, Connect: connect, Log: p.log,
		OnLink: func(e servent.LinkEvent) {
			select {
			case links <- e:
			default: // there have been enough of them
			}
		},
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Context)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { node.Run(ctx) }) // it has its sockets already, so it runs until ctx ends
	if s.Mode != modeGuess && awaitLinks(ctx, links, len(s.Via)) == 0 {
		return advise(fmt.Errorf("search: none of the %d hosts made a link", len(s.Via)),
			"Look whether it is an ultrapeer with a free slot; --log-level debug tells more.")
	}
	return p.printHits(ctx, node, s, form)
}

// Waits for the links of a search.
const (
	firstLink = 15 * time.Second
	moreLinks = 2 * time.Second // after the first one
)

// awaitLinks waits for links that begin, and returns how many did.
func awaitLinks(ctx context.Context, links <-chan servent.LinkEvent, wanted int) (linked int) {
	ctx, cancel := context.WithTimeout(ctx, firstLink)
	defer cancel()
	for linked < wanted {
		select {
		case e := <-links:
			if !e.Began {
				continue
			}
			if linked++; linked == 1 {
				ctx, cancel = context.WithTimeout(ctx, moreLinks)
				defer cancel()
			}
		case <-ctx.Done():
			return linked
		}
	}
	return linked
}

// printHits searches, and prints what comes and then how much that was.
func (p *program) printHits(ctx context.Context, node *servent.Node, s searchSettings, form string) error {
	ctx, cancel := context.WithTimeout(ctx, s.Wait)
	defer cancel()
	out := newFindings(p.stdout, form)
	query := message.Query{Flags: message.QueryH, Words: s.Words}
	if s.Mode == modeOOB {
		query.Flags |= message.QueryOOB
	}
	hits := node.Search(ctx, query)
	if s.Mode == modeGuess {
		hits = node.Guess(ctx, query, s.Via)
	}
	for hit := range hits {
		if err := out.add(hit); err != nil {
			return err
		}
	}
	return out.end()
}

// A home is a node's sockets, open before it runs: so it has a port that nobody else has.
type home struct {
	*way
	addr netip.AddrPort
	tcp  net.Listener
	udp  net.PacketConn
}

// homeTries is how many ports are tried: one is free for TCP, and has to be for UDP too.
const homeTries = 10

// openHome opens sockets at the address from which a host is reached.
func openHome(ctx context.Context, host netip.AddrPort) (*home, error) {
	addr, err := towards(ctx, host)
	if err != nil {
		return nil, err
	}
	h := &home{way: from(addr)}
	for range homeTries {
		if h.tcp, err = new(net.ListenConfig).Listen(ctx, "tcp", netip.AddrPortFrom(addr, 0).String()); err != nil {
			return nil, err
		}
		h.addr = netip.AddrPortFrom(addr, h.tcp.Addr().(*net.TCPAddr).AddrPort().Port())
		if h.udp, err = new(net.ListenConfig).ListenPacket(ctx, "udp", h.addr.String()); err == nil {
			return h, nil
		}
		h.tcp.Close()
	}
	return nil, err
}

func (h *home) close() {
	h.tcp.Close()
	h.udp.Close()
}

// Listen returns the open listener.
func (h *home) Listen(context.Context, string, string) (net.Listener, error) { return h.tcp, nil }

// ListenPacket returns the open socket.
func (h *home) ListenPacket(context.Context, string, string) (net.PacketConn, error) {
	return h.udp, nil
}
