package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gnucensus/crawler/pace"
	"gnucensus/probe"
	"gnucensus/storage"
	"gnucensus/storage/spool"
)

func (p *program) crawlCommand() *cli.Command {
	return &cli.Command{
		Name:  "crawl",
		Usage: "walk the network from seeds, ask queries, and keep a snapshot",
		Description: strings.TrimSpace(`
Each host that is heard of is visited once, those that more hosts name first, and of equals ultrapeers. When nobody is left to
visit, the queries are asked through a few ultrapeers that answered. Ctrl-C saves and tells how to resume. The summary counts
what the snapshot holds; its seconds, and the hosts per second that were visited, are of this run alone.

A live walk without seeds begins with ultrapeers of an earlier snapshot, or else asks the caches of the network: UDP host caches
first, web caches when those do not name enough hosts, and none more often than it likes.

Examples:
  gnucensus crawl --scope lab --seed 127.1.0.1:6346
  gnucensus crawl --contact you@example.org --exclude opted-out.txt
  gnucensus crawl --cache uhc.example.org:3558 --contact you@example.org
  gnucensus crawl --seeds hosts.txt --contact you@example.org --max-hosts 500 --format json`),
		Flags:  crawlFlags(),
		Action: p.crawl,
	}
}

// crawlFlags are the flags of crawl. Those without a default value have one that depends on the scope.
func crawlFlags() []cli.Flag {
	text := func(name, usage string) *cli.StringFlag { return &cli.StringFlag{Name: name, Usage: usage} }
	rate := func(name, standard, usage string) cli.Flag {
		return &cli.Float64Flag{Name: name, DefaultText: standard, Usage: usage}
	}
	rates := func(name, live, usage string) cli.Flag {
		f := text(name, usage)
		f.DefaultText = "live " + live + ", lab 0,0,0,0"
		return f
	}
	scope := text("scope", "visit addresses of `S` only: live (public ones) or lab (127.0.0.0/8)")
	scope.Value = "live"
	queries := text("queries", "ask the queries in `FILE`, one a line; - is standard input")
	queries.DefaultText = "a list of 8"
	methods := text("methods", "visit by the methods in `LIST`, separated by commas: "+joined(networks[probe.Gnutella].methods))
	methods.DefaultText = "all"
	vantage := text("vantage", "call the place that we measure from `NAME`")
	vantage.DefaultText = "the name of this machine"
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "seed", Usage: "begin with the host at `HOST:PORT`, by name or address; may be repeated"},
		text("seeds", "begin with the hosts in `FILE`, one HOST:PORT a line; - is standard input"),
		&cli.StringSliceFlag{Name: "cache", Usage: "begin with hosts that the cache `C` names, HOST:PORT or a URL; may be repeated"},
		scope,
		text("contact", "tell every host that `WHO` (e-mail or page) can be asked about this crawl; needed when live"),
		text("exclude", "send nothing to the addresses and prefixes in `FILE`, one a line; read again when it changes"),
		rate("rate", "live 20, lab 0", "begin at most `N` visits a second; 0, in scope lab only, is no limit"),
		rate("rate-per-host", "live 0.2 and 1, lab 0", "open a host at most `N` connections a second, and send it as many datagrams"),
		rate("rate-per-prefix", "live 0.5 and 2, lab 0",
			"open a /24 (IPv6: /64) at most `N` connections a second, and send it as many datagrams"),
		rates("opens", "20,4,0.5,0.2", "attempt at most `R` connections a second: to all, to a /16, to a /24, to a host"),
		rates("datagrams", "100,10,2,1", "send at most `R` datagrams a second, likewise; of IPv6, to a /48, to a /64"),
		rates("bytes", "65536,16384,4096,2048", "send at most `R` bytes a second, likewise"),
		&cli.IntFlag{Name: "connections", DefaultText: "live 200, lab 0",
			Usage: "have at most `N` connections at a time; 0, in scope lab only, is no limit"},
		&cli.IntFlag{Name: "strangers", DefaultText: "live 32, lab 0",
			Usage: "try at most `N` addresses of a /24 (IPv6: /64) that nothing comes from"},
		&cli.IntFlag{Name: "one-word", Value: 512,
			Usage: "visit at most `N` hosts that one and the same host alone names; 0: no limit"},
		&cli.IntFlag{Name: "workers", DefaultText: "live 200, lab 1000", Usage: "visit at most `N` hosts at a time"},
		&cli.IntFlag{Name: "max-hosts", Usage: "stop after `N` visits; 0: no limit"},
		&cli.DurationFlag{Name: "duration", Usage: "begin no visit after `TIME`, such as 90m; 0: no limit"},
		&cli.DurationFlag{Name: "revisit", DefaultText: "live 10m, lab 0s",
			Usage: "visit hosts that did not answer in time again, at the end and `TIME` after; 0: do not"},
		&cli.Uint64Flag{Name: "random-seed",
			Usage: "draw by lots of seed `N` whom to visit first, of hosts that as many name; 0: in the order of hearing"},
		methods,
		queries,
		&cli.IntFlag{Name: "query-via", Value: 5, Usage: "ask each query through `N` ultrapeers; 0: ask none"},
		&cli.DurationFlag{Name: "query-wait", DefaultText: "live 30s, lab 1s", Usage: "wait `TIME` for the hits of a query"},
		&cli.DurationFlag{Name: "database-patience", Value: 5 * time.Minute,
			Usage: "wait `TIME` for a database that was lost, and keep on disk what is seen meanwhile; 0: end"},
		vantage,
		metricsFlag(),
	}
}

func metricsFlag() cli.Flag {
	return &cli.StringFlag{
		Name:  "metrics",
		Usage: "tell Prometheus at `ADDRESS:PORT` how the crawl goes (/metrics), and others whether (/healthz)",
	}
}

// crawl begins a snapshot and walks it.
func (p *program) crawl(c *cli.Context) error {
	outliveReader()
	if _, err := arguments(c); err != nil {
		return err
	}
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	named, err := readSeeds(p.stdin, c.StringSlice("seed"), c.String("seeds"))
	if err != nil {
		return err
	}
	from, err := readCaches(c.StringSlice("cache"))
	if err != nil {
		return err
	}
	s, err := readSettings(c)
	if err != nil {
		return err
	}
	if named.empty() && from.empty() && s.Scope != pace.Live.String() {
		return usage(seedsHint, "crawl: no seeds: a walk needs at least one host to begin with")
	}
	census, err := p.newCensus(probe.Gnutella, s)
	if err != nil {
		return err
	}
	if err := census.watch(c.String("metrics")); err != nil {
		return err
	}
	defer census.close()
	seeds, err := census.find(c.Context, named)
	if err == nil {
		err = census.check(seeds, from)
	}
	if err != nil {
		return err
	}
	return p.use(c, func(db *database) error {
		if len(seeds) == 0 || !from.empty() {
			found, err := p.findSeeds(c.Context, census, db.DB, from)
			if err != nil {
				return err
			}
			seeds = append(seeds, found...)
		}
		configuration, err := json.Marshal(s)
		if err != nil {
			return fmt.Errorf("keep configuration: %w", err)
		}
		snapshot, err := db.Begin(c.Context, storage.Meta{
			Network:       string(probe.Gnutella),
			Vantage:       s.Vantage,
			Version:       version(),
			Configuration: configuration,
		})
		if err != nil {
			return err
		}
		if err := snapshot.Hear(c.Context, seeds); err != nil {
			snapshot.Close()
			return err
		}
		return p.take(c.Context, census, db, snapshot, seeds, form)
	})
}

// find looks up the seeds that have names. Of their addresses those that may be visited are taken.
func (c *census) find(ctx context.Context, named seeds) ([]probe.Endpoint, error) {
	door, err := c.pacer.Door(named.names...)
	if err != nil {
		return nil, err
	}
	found, err := named.find(ctx, door.Resolve)
	if scope := new(pace.ScopeError); errors.As(err, &scope) {
		return nil, usage(refusalHint, "crawl: %w", err)
	}
	return found, err
}

// check refuses to begin a snapshot with seeds of which none may be visited, where no cache names others. It tells of some that
// may not: the walk only hears of those.
func (c *census) check(seeds []probe.Endpoint, from caches) error {
	var refused []error
	for _, e := range seeds {
		if err := c.pacer.Permit(e.Addr); err != nil {
			refused = append(refused, err)
		}
	}
	switch {
	case len(refused) == 0:
		return nil
	case len(refused) == len(seeds) && from.empty():
		return usage(refusalHint+"\n"+seedsHint, "crawl: none of the seeds may be visited: %w", refused[0])
	}
	fmt.Fprintf(c.talk, "%d of %d seeds may not be visited: %v\n", len(refused), len(seeds), refused[0])
	return nil
}

// countTime bounds the counting of what a snapshot holds, which takes seconds for a million hosts.
const countTime = 5 * time.Minute

// take runs a census on a snapshot, which it closes, and prints what the snapshot then holds.
func (p *program) take(ctx context.Context, c *census, db *database, snapshot *storage.Snapshot,
	seeds []probe.Endpoint, form string) (err error) {
	id := snapshot.ID()
	c.db, c.snapshot = db.DB, snapshot
	c.log = p.log.With("snapshot", id)
	path, err := db.spoolOf(ctx, id)
	if err != nil {
		snapshot.Close()
		return err
	}
	c.sink = spool.New(spool.Config{
		Path: path, Patience: c.Patience, Stop: ctx.Done(), Log: c.log,
		Again: func(ctx context.Context) (*storage.Snapshot, error) { return db.again(ctx, id) },
	}, snapshot)
	defer func() { err = errors.Join(err, c.sink.Close()) }()
	begins := "begins"
	if len(snapshot.Visited()) > 0 {
		begins = "goes on"
	}
	fmt.Fprintf(p.talk, "snapshot %d %s; Ctrl-C saves it\n", id, begins)
	if err := c.run(ctx, seeds); err != nil {
		return err
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), countTime)
	defer cancel()
	coverage, err := db.Coverage(last, id)
	if err != nil {
		return err
	}
	if err := c.summary(coverage).print(p.stdout, form); err != nil {
		return err
	}
	return c.verdict(coverage)
}

// summary is what a crawl prints when it ends. It counts what all runs of the snapshot saw; the time is that of this run, and
// the rate is of the hosts that this run visited: those with an outcome about the host, which excluded ones and those passed
// over have not.
func (c *census) summary(coverage storage.Coverage) facts {
	took := c.took.Seconds()
	summary := append(facts{{"snapshot", c.snapshot.ID()}, {"state", c.state}}, covered(coverage)...)
	return append(summary, fact{"took_seconds", took}, fact{"hosts_per_second", float64(c.visited) / took})
}

func covered(c storage.Coverage) facts {
	return facts{
		{"heard", c.Heard}, {"visited", c.Visited}, {"reached", c.Reached}, {"ultrapeers", c.Ultrapeers}, {"leaves", c.Leaves},
		{"edges", c.Edges}, {"rumours", c.Rumours}, {"queries", c.Queries}, {"hits", c.Hits},
	}
}

// verdict is the error of a crawl that did not come to its end, or that met nobody.
func (c *census) verdict(coverage storage.Coverage) error {
	id := c.snapshot.ID()
	resume := fmt.Sprintf("To go on: gnucensus snapshot resume %d", id)
	switch {
	case c.stopped:
		return &hinted{err: fmt.Errorf("stopped; snapshot %d is saved", id), hint: resume, code: exitInterrupted}
	case c.state == storage.StateInterrupted:
		fmt.Fprintf(c.talk, "snapshot %d is not complete: a bound was reached, or visits were cut off. %s\n", id, resume)
	case coverage.Visited == 0:
		return advise(fmt.Errorf("no host was visited: all are excluded or out of scope %s; snapshot %d is kept", c.Scope, id),
			refusalHint+"\n"+seedsHint)
	case coverage.Reached == 0:
		return advise(fmt.Errorf("%s visited, and no servent that answers; snapshot %d is kept",
			many(coverage.Visited, "host"), id), fmt.Sprintf("How each visit ended: gnucensus report outcomes --snapshot %d\n%s", id, seedsHint))
	}
	return nil
}
