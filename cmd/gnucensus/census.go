package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"gnucensus/crawler"
	"gnucensus/crawler/pace"
	"gnucensus/probe"
	"gnucensus/storage"
	"gnucensus/storage/spool"
)

// lastWords is the time that the writing of a stopped crawl's state may take.
const lastWords = 30 * time.Second

// A census is one run of a snapshot: a walk, then queries.
type census struct {
	settings
	pacer    *pace.Pacer
	surveyor surveyor
	talk     *talk

	db       *storage.DB
	snapshot *storage.Snapshot // as it was when the run began
	sink     *spool.Sink       // through which all is written
	log      *slog.Logger
	metrics  *metrics
	watched  net.Listener // where metrics are told; nil: nowhere

	started  time.Time
	visited  int  // hosts visited by this run, as the summary of a snapshot counts them
	complete bool // nobody was left to visit when the walk ended

	stopped bool // by a signal
	state   storage.State
	took    time.Duration
}

// newCensus makes what the settings ask for. Nothing starts.
func (p *program) newCensus(network probe.Network, s settings) (*census, error) {
	pacer, err := s.pacer(p.log)
	if err != nil {
		return nil, err
	}
	surveyor, err := newSurveyor(network, s, pacer, p.log)
	if err != nil {
		return nil, err
	}
	return &census{settings: s, pacer: pacer, surveyor: surveyor, talk: p.talk, metrics: newMetrics(pacer)}, nil
}

// watch opens the address at which metrics are told, when there is one.
func (c *census) watch(at string) (err error) {
	if at == "" {
		return nil
	}
	if c.watched, err = net.Listen("tcp", at); err != nil {
		return usage("Give an address of this machine, as in --metrics 127.0.0.1:9100.", "--metrics: %w", err)
	}
	fmt.Fprintf(c.talk, "metrics at http://%s/metrics\n", c.watched.Addr())
	return nil
}

// close gives up that address, of a census that did not run too.
func (c *census) close() {
	if c.watched != nil {
		c.watched.Close()
	}
}

// run walks from the seeds, or goes on where an earlier run stopped, and leaves the snapshot complete or interrupted. That
// ctx ends is no error.
func (c *census) run(ctx context.Context, seeds []probe.Endpoint) error {
	c.started = time.Now()
	group, working := errgroup.WithContext(ctx)
	serving, hangUp := context.WithCancel(working)
	defer hangUp()
	group.Go(func() error {
		if err := c.surveyor.Run(serving); err != nil && serving.Err() == nil {
			return fmt.Errorf("serve sockets: %w", err)
		}
		return nil
	})
	if c.watched != nil {
		group.Go(func() error { return c.metrics.serve(serving, c.watched) })
	}
	group.Go(func() error {
		defer hangUp()
		return c.survey(working, seeds)
	})
	err := group.Wait()
	c.took = time.Since(c.started)
	c.stopped = ctx.Err() != nil
	if c.stopped && errors.Is(err, ctx.Err()) {
		err = nil
	}
	c.state = storage.StateInterrupted
	if err == nil && c.complete && !c.stopped {
		c.state = storage.StateComplete
	}
	if lost := new(storage.LostError); errors.Is(err, spool.ErrGone) || errors.As(err, &lost) {
		return err // nothing more can be written
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.writeTime())
	defer cancel()
	return errors.Join(err, c.sink.Finish(last, c.state == storage.StateComplete))
}

// writeTime bounds a writing. Within it, the sink has its own bounds on what the database and its absence may take.
func (c *census) writeTime() time.Duration { return c.Patience + 2*lastWords }

// survey is the work of a run.
func (c *census) survey(ctx context.Context, seeds []probe.Endpoint) error {
	if err := c.walk(ctx, seeds); err != nil || ctx.Err() != nil || c.QueryVia == 0 {
		return err
	}
	return c.ask(ctx)
}

// walk visits the seeds, what is left of earlier runs, and whom they name.
func (c *census) walk(ctx context.Context, seeds []probe.Endpoint) error {
	cfg := crawler.Config{
		Workers:  c.Workers,
		MaxHosts: c.MaxHosts,
		Duration: c.Duration,
		Revisit:  c.Revisit,
		OneWord:  c.OneWord,
		Seed:     c.RandomSeed,
		Admit:    c.pacer.Admit,
		Visited:  c.snapshot.Visited(),
		Log:      c.log,

		WriteTimeout: c.writeTime(),
	}
	if err := c.recall(ctx, &cfg); err != nil {
		return err
	}
	before, err := c.earlier(ctx)
	if err != nil {
		return err
	}
	walker := crawler.New(cfg, c.surveyor, metered{c.sink, c.metrics})
	progress := walker.Progress
	c.metrics.progress.Store(&progress)
	var summary crawler.Summary
	err = c.talk.during(ctx, walk{walker.Progress, before, time.Now()}, func() (err error) {
		summary, err = walker.Run(ctx, append(c.snapshot.Frontier(), seeds...))
		return err
	})
	c.visited, c.complete = summary.Visited, summary.Complete
	return err
}

// earlier counts what the runs before this one did.
func (c *census) earlier(ctx context.Context) (earlier, error) {
	settled := len(c.snapshot.Visited())
	if settled == 0 {
		return earlier{}, nil
	}
	coverage, err := c.db.Coverage(ctx, c.snapshot.ID())
	return earlier{settled, int(coverage.Visited), int(coverage.Reached)}, err
}

// recall tells prober, pacer and walk what was done before: whom other crawls asked lately, and, of a snapshot that goes on,
// who did not answer and who named whom. So limits hold from one crawl to the next, and bounds over all runs of one.
func (c *census) recall(ctx context.Context, cfg *crawler.Config) error {
	if c.Scope == pace.Live.String() {
		network := probe.Network(c.snapshot.Meta().Network)
		asked, err := c.db.AskedSince(ctx, network, time.Now().Add(-networks[network].memory))
		if err != nil {
			return err
		}
		for _, a := range asked {
			c.surveyor.Recall(a.Endpoint, a.Method, a.At)
		}
	}
	if len(c.snapshot.Visited()) == 0 {
		return nil
	}
	strangers, err := c.snapshot.Strangers(ctx)
	if err != nil {
		return err
	}
	for _, s := range strangers {
		c.pacer.Recall(s.Addr, s.Sent)
	}
	vouchers, err := c.snapshot.Vouchers(ctx)
	if err != nil {
		return err
	}
	cfg.Vouched = vouchers.Of
	return nil
}
