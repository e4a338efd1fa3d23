package main

import (
	"bytes"
	"errors"
	"fmt"
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

Examples:
  gnucensus lab --ultrapeers 100 --leaves 900 --random-seed 7 --truth t.csv
  gnucensus lab --dead 0.2 --firewalled 0.1`),
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "ultrapeers", Value: 100, Usage: "`N` ultrapeers"},
			&cli.IntFlag{Name: "leaves", Value: 900, Usage: "`N` leaves"},
			&cli.IntFlag{Name: "degree", Value: 8, Usage: "`N` links to other ultrapeers that an ultrapeer has on average"},
			&cli.IntFlag{Name: "parents", Value: 3, Usage: "`N` ultrapeers that a leaf is linked to"},
			share("dead", "are gone and still remembered"),
			share("firewalled", "never accept a connection (of the leaves)"),
			share("slow", "answer late"),
			share("full", "have no slot left (of the ultrapeers)"),
			share("unaware", "do not know what a crawler is"),
			share("leaving", "leave in mid-crawl"),
			&cli.Uint64Flag{Name: "random-seed", Value: 1, Usage: "draw everything that is left to chance from `N`"},
			&cli.StringFlag{Name: "base", Value: "127.1.0.1", Usage: "give the first host `ADDRESS`, and the others those after it"},
			&cli.StringFlag{Name: "truth", Usage: "write hosts, roles, files, KiB and links to `FILE`, as CSV"},
		},
		Action: p.lab,
	}
}

// leaveAfter is how many strangers a leaving host of the command's labs talks to before it goes.
const leaveAfter = 1

// lab runs a lab until a signal ends it, which is how it should end.
func (p *program) lab(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	plan, err := readPlan(c)
	if err != nil {
		return err
	}
	plan.Log = p.log
	network, err := lab.New(plan)
	if err != nil {
		return usage(helpHint(c), "lab: %w", err)
	}
	if file := c.String("truth"); file != "" {
		if err := writeTruth(network, file); err != nil {
			return err
		}
	}
	begun := time.Now()
	err = network.Run(c.Context, func() {
		hosts, took := plan.Ultrapeers+plan.Leaves, time.Since(begun)
		fmt.Fprintf(p.talk, "%d hosts are up after %.1f s; Ctrl-C ends them\n", hosts, took.Seconds())
		if err := p.printSeeds(network.Seeds(), form); err != nil {
			p.log.Error("seeds not printed", "err", err)
		}
	})
	if errors.Is(err, syscall.EADDRINUSE) {
		return advise(err, "Another lab seems to run there: end it, or give this one other addresses by --base.")
	}
	return err
}

func readPlan(c *cli.Context) (lab.Plan, error) {
	base, err := netip.ParseAddr(c.String("base"))
	if err != nil {
		return lab.Plan{}, usage("It is the address of the first host, in 127.0.0.0/8.",
			"--base: %q is no address", c.String("base"))
	}
	for _, name := range []string{"degree", "parents"} {
		if c.Int(name) < 1 {
			return lab.Plan{}, usage("", "--%s: %d is less than 1", name, c.Int(name))
		}
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
		Seed:       c.Uint64("random-seed"),
	}, nil
}

func writeTruth(network *lab.Net, file string) error {
	var b bytes.Buffer
	if err := network.WriteTruth(&b); err != nil {
		return err
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
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
