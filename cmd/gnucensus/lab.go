package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"gnucensus/servent/lab"
)

func (p *program) labCommand() *cli.Command {
	share := func(name, usage string) cli.Flag {
		return &cli.Float64Flag{Name: name, Usage: "`SHARE` of the hosts, 0 to 1, that " + usage}
	}
	return &cli.Command{
		Name:  "lab",
		Usage: "run a network of servents on this machine, to try a crawl on",
		Description: strings.TrimSpace(`
Each host has an address of its own in 127.0.0.0/8. When all links stand, the addresses to begin a crawl with are printed,
one a line; the network then runs until Ctrl-C. Two labs with the same flags are the same network.

With --crowd, up to 5 million light hosts take the place of servents. They answer crawlers and PINGs, and nothing else. The
dead ones are at the port after --port, the silent ones at the port after that.

Examples:
  gnucensus lab --ultrapeers 100 --leaves 900 --random-seed 7 --truth t.csv
  gnucensus lab --dead 0.2 --firewalled 0.1
  gnucensus lab --crowd 1000000 --dead 0.1 --silent 0.1 --truth t.csv`),
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "crowd", Usage: "run `N` light hosts instead of servents"},
			&cli.IntFlag{Name: "ultrapeers", Value: 100, DefaultText: "100; of a crowd so many that each has 30 leaves",
				Usage: "`N` ultrapeers"},
			&cli.IntFlag{Name: "leaves", Value: 900, Usage: "`N` leaves (not of a crowd)"},
			&cli.IntFlag{Name: "degree", Value: 8, DefaultText: "8, of a crowd 30",
				Usage: "`N` links to other ultrapeers that an ultrapeer has on average"},
			&cli.IntFlag{Name: "parents", Value: 3, Usage: "`N` ultrapeers that a leaf is linked to"},
			share("dead", "are gone and still remembered"),
			share("firewalled", "never accept a connection (of the leaves; not of a crowd)"),
			share("slow", "answer late (not of a crowd)"),
			share("full", "have no slot left (of the ultrapeers; not of a crowd)"),
			share("unaware", "do not know what a crawler is (not of a crowd)"),
			share("leaving", "leave in mid-crawl, once a stranger was answered (not of a crowd)"),
			share("silent", "neither accept a connection nor answer a datagram (of a crowd only)"),
			share("trimming", "have more leaves than an answer holds (of the ultrapeers of a crowd only)"),
			share("lying", "list hosts that they invent (of the ultrapeers of a crowd only)"),
			&cli.Uint64Flag{Name: "random-seed", Value: 1, Usage: "draw everything that is left to chance from `N`"},
			&cli.StringFlag{Name: "base", Value: "127.1.0.1", Usage: "give the first host `ADDRESS`, and the others those after it"},
			&cli.IntFlag{Name: "port", Value: 6346, Usage: "have all hosts listen at port `N`"},
			&cli.StringFlag{Name: "truth", Usage: "write hosts, roles, files, KiB and links to `FILE`, as CSV"},
		},
		Action: p.lab,
	}
}

// leaveAfter is how many connections and datagrams of strangers a leaving host of the command's labs takes before it goes.
const leaveAfter = 1

// A labNetwork is a network to try a crawl on: a lab of servents, or a crowd.
type labNetwork interface {
	Run(ctx context.Context, ready func()) error
	Seeds() []netip.AddrPort
	WriteTruth(w io.Writer) error
}

// lab runs a lab until a signal ends it, which is how it should end.
func (p *program) lab(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	begun := time.Now()
	network, hosts, err := p.newLab(c)
	if err != nil {
		return err
	}
	if file := c.String("truth"); file != "" {
		if err := writeTruth(network, file); err != nil {
			return err
		}
	}
	running, end := context.WithCancel(c.Context)
	defer end()
	var printed error // of the seeds, without which nobody finds the network
	err = network.Run(running, func() {
		fmt.Fprintf(p.talk, "%s up after %.1f s; Ctrl-C ends the lab\n", many(hosts, "host"), time.Since(begun).Seconds())
		if printed = p.printSeeds(network.Seeds(), form); printed != nil {
			end()
		}
	})
	if errors.Is(err, syscall.EADDRINUSE) {
		return advise(err, "Another lab seems to run there: end it, or give this one another --base or --port.")
	}
	if crowd, ok := network.(*lab.Crowd); ok {
		t := crowd.Tally()
		fmt.Fprintf(p.talk, "answered %s, %s and %s; %s\n", many(t.Handshakes, "handshake"), many(t.Pings, "PING"),
			many(t.CrawlPings, "UDP crawler ping"), many(t.Strays, "stray"))
	}
	return errors.Join(printed, err)
}

// newLab makes the network that the flags ask for, and tells how many hosts it has.
func (p *program) newLab(c *cli.Context) (network labNetwork, hosts int, err error) {
	if c.IsSet("crowd") {
		plan, err := readCrowdPlan(c)
		if err != nil {
			return nil, 0, err
		}
		plan.Log = p.log
		if network, err = lab.NewCrowd(plan); err != nil {
			return nil, 0, usage(helpHint(c), "lab: %w", err)
		}
		return network, plan.Hosts, nil
	}
	plan, err := readPlan(c)
	if err != nil {
		return nil, 0, err
	}
	plan.Log = p.log
	if network, err = lab.New(plan); err != nil {
		return nil, 0, usage(helpHint(c), "lab: %w", err)
	}
	return network, plan.Ultrapeers + plan.Leaves, nil
}

// Flags of lab that make sense for one kind of network only.
var (
	serventFlags = []string{"leaves", "firewalled", "slow", "full", "unaware", "leaving"}
	crowdFlags   = []string{"silent", "trimming", "lying"}
)

func readPlan(c *cli.Context) (lab.Plan, error) {
	for _, name := range crowdFlags {
		if c.IsSet(name) {
			return lab.Plan{}, usage("", "--%s goes with --crowd", name)
		}
	}
	base, port, err := readPlace(c)
	if err != nil {
		return lab.Plan{}, err
	}
	return lab.Plan{
		Ultrapeers: c.Int("ultrapeers"),
		Leaves:     c.Int("leaves"),
		Degree:     c.Int("degree"),
		Parents:    c.Int("parents"),
		Dead:       c.Float64("dead"),
		Firewalled: c.Float64("firewalled"),
		Slow:       c.Float64("slow"),
		Full:       c.Float64("full"),
		Unaware:    c.Float64("unaware"),
		Leaving:    c.Float64("leaving"),
		LeaveAfter: leaveAfter,
		Base:       base,
		Port:       port,
		Seed:       c.Uint64("random-seed"),
	}, nil
}

// readCrowdPlan reads the plan of a crowd. Of what is not given, the plan knows better.
func readCrowdPlan(c *cli.Context) (lab.CrowdPlan, error) {
	for _, name := range serventFlags {
		if c.IsSet(name) {
			return lab.CrowdPlan{}, usage("", "--%s does not go with --crowd", name)
		}
	}
	base, port, err := readPlace(c)
	if err != nil {
		return lab.CrowdPlan{}, err
	}
	plan := lab.CrowdPlan{
		Hosts:    c.Int("crowd"),
		Parents:  c.Int("parents"),
		Dead:     c.Float64("dead"),
		Silent:   c.Float64("silent"),
		Trimming: c.Float64("trimming"),
		Lying:    c.Float64("lying"),
		Base:     base,
		Port:     port,
		Seed:     c.Uint64("random-seed"),
	}
	if c.IsSet("ultrapeers") {
		plan.Ultrapeers = c.Int("ultrapeers")
	}
	if c.IsSet("degree") {
		plan.Degree = c.Int("degree")
	}
	return plan, nil
}

// readPlace reads where the hosts are to be, and checks what both kinds of network have in common.
func readPlace(c *cli.Context) (base netip.Addr, port uint16, err error) {
	if base, err = netip.ParseAddr(c.String("base")); err != nil {
		return base, 0, usage("It is the address of the first host, in 127.0.0.0/8.", "--base: %q is no address", c.String("base"))
	}
	for _, name := range []string{"degree", "parents"} {
		if c.Int(name) < 1 {
			return base, 0, usage("", "--%s: %d is less than 1", name, c.Int(name))
		}
	}
	n := c.Int("port")
	if n < 1 || n > math.MaxUint16 {
		return base, 0, usage("", "--port: %d is no port", n)
	}
	return base, uint16(n), nil
}

func writeTruth(network labNetwork, file string) error {
	f, err := os.Create(file)
	if err == nil {
		out := bufio.NewWriter(f)
		err = errors.Join(network.WriteTruth(out), out.Flush(), f.Close())
	}
	if err != nil {
		return advise(fmt.Errorf("write truth: %w", err), "Give --truth a file that can be written.")
	}
	return nil
}

// printSeeds prints all at once: who waits for the first line gets the rest with it.
func (p *program) printSeeds(seeds []netip.AddrPort, form string) error {
	if form == "json" {
		return writeJSON(p.stdout, seeds)
	}
	var b bytes.Buffer
	for _, s := range seeds {
		fmt.Fprintln(&b, s)
	}
	_, err := p.stdout.Write(b.Bytes())
	return err
}
