package main

import (
	"context"
	"errors"
	"fmt"
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
It becomes a leaf of ultrapeers and asks through them, or asks them by UDP alone; a result has all the words in its name.
Which ultrapeers those are --via says. Without it they are looked for: among the hosts of a file, such as a lab prints them,
or as a servent finds them, which remembers hosts and asks caches. Hops are the links between the host of a result and this
one, a datagram counted as a link. As JSON, each result is a line, and the summary is the last one.

Examples:
  gnucensus search free music
  gnucensus search --via 127.80.0.1:6346 --mode guess free music
  gnucensus search --via 127.80.0.1:6346 --via 127.80.0.2:6346 --wait 1m --format json linux iso
  gnucensus lab >seeds.txt & gnucensus search --seeds seeds.txt linux`),
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "via", Usage: "ask through the ultrapeer `HOST:PORT`; may be repeated"},
			&cli.StringFlag{Name: "seeds", Usage: "look for ultrapeers among the hosts of `FILE`, one HOST:PORT a line; - is standard input"},
			&cli.StringSliceFlag{Name: "cache", DefaultText: "without --via and --seeds, those of the live network",
				Usage: "ask the cache `C`, HOST:PORT or a URL, for ultrapeers; may be repeated"},
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
	Words  string
	Via    []netip.AddrPort
	Seeds  string // file
	Caches caches
	Mode   string
	Wait   time.Duration
}

func readSearch(c *cli.Context) (s searchSettings, err error) {
	s = searchSettings{
		Words: strings.Join(c.Args().Slice(), " "), Seeds: c.String("seeds"), Mode: c.String("mode"), Wait: c.Duration("wait"),
	}
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
	if s.Caches, err = readCaches(c.StringSlice("cache")); err != nil {
		return s, err
	}
	ways := 0
	for _, given := range []bool{len(s.Via) > 0, s.Seeds != "", !s.Caches.empty()} {
		if given {
			ways++
		}
	}
	if ways > 1 {
		return s, usage("Name ultrapeers, a file of hosts, or caches.", "search: --via, --seeds and --cache exclude each other")
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
	seeds, err := p.searchSeeds(c.Context, s.Seeds)
	if err != nil {
		return err
	}
	near, err := s.near(c.Context, seeds)
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	home, err := openHome(c.Context, near)
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	defer home.close()
	hosts := slices.Concat(s.Via, seeds)
	byUDP := s.Mode == modeGuess && len(hosts) > 0 // and no links
	links := make(chan servent.LinkEvent, linksHeard)
	cfg := servent.Config{
		Net: home, Listen: home.Listen, Addr: home.addr, Role: servent.Leaf, Agent: agent(), Vendor: vendor,
		Dialect: servent.Modern, Deflate: true, Log: p.log,
		OnLink: func(e servent.LinkEvent) {
			select {
			case links <- e:
			default: // there have been enough of them
			}
		},
	}
	if !byUDP {
		cfg.Connect = s.Via
		if cfg.Bootstrap, err = s.bootstrap(isLive(home.addr.Addr()), seeds); err != nil {
			return err
		}
	}
	node, err := servent.New(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Context)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { node.Run(ctx) }) // it has its sockets already, so it runs until ctx ends
	if !byUDP {
		if hosts, err = p.findUltrapeers(ctx, s, links); err != nil {
			return err
		}
	}
	return p.printHits(ctx, node, s, hosts, form)
}

// searchSeeds reads the hosts of a file, if one is named.
func (p *program) searchSeeds(ctx context.Context, file string) (hosts []netip.AddrPort, err error) {
	named, err := readSeeds(p.stdin, nil, file)
	if err != nil {
		return nil, err
	}
	seeds, err := named.find(ctx, func(ctx context.Context, name string) ([]netip.AddrPort, error) {
		addr, err := lookUp(ctx, name)
		return []netip.AddrPort{addr}, err
	})
	for _, seed := range seeds {
		hosts = append(hosts, seed.Addr)
	}
	return hosts, err
}

// faraway is an address for documentation, which no host has: it is reached from where the live network is.
var faraway = netip.MustParseAddrPort("198.51.100.1:6346")

// near returns a host that is reached from the address by which others are to know the searcher.
func (s searchSettings) near(ctx context.Context, seeds []netip.AddrPort) (netip.AddrPort, error) {
	if hosts := slices.Concat(s.Via, seeds); len(hosts) > 0 {
		return hosts[0], nil
	}
	if machines := s.Caches.machines(); len(machines) > 0 {
		return lookUp(ctx, machines[0])
	}
	return faraway, nil
}

// bootstrap is how the searcher finds ultrapeers, where it is not told which.
func (s searchSettings) bootstrap(live bool, seeds []netip.AddrPort) (servent.Bootstrap, error) {
	from := s.Caches
	switch {
	case len(s.Via) > 0:
		return servent.Bootstrap{}, nil
	case len(seeds) > 0:
		return servent.Bootstrap{Links: leafLinks, Seeds: seeds}, nil
	case from.empty():
		from = knownCaches()
	}
	return seeking(leafLinks, live, from)
}

// Waits for the links of a search.
const (
	firstLink  = 15 * time.Second // to a host that is named …
	foundLink  = time.Minute      // … and to one that must be found
	moreLinks  = 2 * time.Second  // after the first one
	linksHeard = 64
)

// findUltrapeers waits for links, and returns the ultrapeers at their other ends.
func (p *program) findUltrapeers(ctx context.Context, s searchSettings, links <-chan servent.LinkEvent) ([]netip.AddrPort, error) {
	wanted, wait := len(s.Via), firstLink
	if wanted == 0 {
		wanted, wait = leafLinks, foundLink
		fmt.Fprintln(p.talk, "looks for ultrapeers")
	}
	found := awaitLinks(ctx, links, wanted, wait)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case len(found) == 0 && len(s.Via) == 0:
		return nil, advise(fmt.Errorf("search: no ultrapeer made a link within %v", wait),
			"--via asks through one that you know; --log-level debug tells more.")
	case len(found) == 0:
		return nil, advise(errors.New("search: no host of --via made a link"),
			"Look whether it is an ultrapeer with a free slot; --log-level debug tells more.")
	case len(s.Via) == 0:
		fmt.Fprintf(p.talk, "asks through %s\n", many(len(found), "ultrapeer"))
	}
	return found, nil
}

// awaitLinks waits for links that begin, and returns whom they lead to.
func awaitLinks(ctx context.Context, links <-chan servent.LinkEvent, wanted int, first time.Duration) (linked []netip.AddrPort) {
	ctx, cancel := context.WithTimeout(ctx, first)
	defer cancel()
	for len(linked) < wanted {
		select {
		case e := <-links:
			if !e.Began {
				continue
			}
			if linked = append(linked, e.Addr); len(linked) == 1 {
				ctx, cancel = context.WithTimeout(ctx, moreLinks)
				defer cancel()
			}
		case <-ctx.Done():
			return linked
		}
	}
	return linked
}

// printHits searches, by UDP among these hosts, and prints what comes and then how much that was.
func (p *program) printHits(ctx context.Context, node *servent.Node, s searchSettings, hosts []netip.AddrPort, form string) error {
	asking, cancel := context.WithTimeout(ctx, s.Wait)
	defer cancel()
	out := newFindings(p.stdout, form)
	query := message.Query{Flags: message.QueryH, Words: s.Words}
	if s.Mode == modeOOB {
		query.Flags |= message.QueryOOB
	}
	hits := node.Search(asking, query)
	if s.Mode == modeGuess {
		hits = node.Guess(asking, query, hosts)
	}
	for hit := range hits {
		if err := out.add(hit); err != nil {
			return err
		}
	}
	if err := out.end(); err != nil {
		return err
	}
	return ctx.Err()
}
