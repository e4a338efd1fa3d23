// Package crawler walks a network: it visits each host that it hears of once, until nobody is left to visit.
//
// One goroutine, the loop, owns the frontier, the count of visits under way and the batch of observations, and holds no
// lock. Workers take hosts from its channel, converse by the [probe.Prober] and hand back what they saw. The loop puts the
// hosts that were named into the frontier, and the observations into the batch, which it gives to the [Sink] itself: a slow
// database slows the walk and does not fill the memory.
//
// The package knows no protocol and no database.
package crawler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gnucensus/probe"
)

// A Sink keeps observations. Record keeps all of them or, when it returns an error, none; it must not hold on to the slice.
type Sink interface {
	Record(ctx context.Context, obs []probe.Observation) error
}

// Config says how to walk. The zero value walks without bounds.
type Config struct {
	Workers  int           // visits at a time; 0: 200
	MaxHosts int           // visits in this run; 0: no bound
	Duration time.Duration // after it no visit is begun, those under way end by themselves; 0: no bound

	BatchSize    int           // observations that make a batch; 0: 4,000
	BatchAge     time.Duration // how long an observation waits for its batch to fill; 0: 2 s
	WriteTimeout time.Duration // bound on the writing of one batch, also of the last one; 0: 30 s

	Admit   func(context.Context) error // waits until the next visit may begin; nil: no pace
	Visited []probe.Endpoint            // hosts that an earlier run has visited: heard of, but not visited again

	Log *slog.Logger // nil: no log
}

// Defaults of Config.
const (
	defaultWorkers      = 200
	defaultBatchSize    = 4000
	defaultBatchAge     = 2 * time.Second
	defaultWriteTimeout = 30 * time.Second
)

// Validate reports a field that makes no sense.
func (c Config) Validate() error {
	if c.Workers < 0 || c.MaxHosts < 0 || c.BatchSize < 0 {
		return errors.New("configure crawl: workers, hosts and batch size must not be negative")
	}
	if c.Duration < 0 || c.BatchAge < 0 || c.WriteTimeout < 0 {
		return errors.New("configure crawl: durations must not be negative")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Workers == 0 {
		c.Workers = defaultWorkers
	}
	if c.BatchSize == 0 {
		c.BatchSize = defaultBatchSize
	}
	if c.BatchAge == 0 {
		c.BatchAge = defaultBatchAge
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = defaultWriteTimeout
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// A Summary tells how a walk ended.
type Summary struct {
	Complete bool          // nobody was left to visit, and no visit was cut off
	Heard    int           // distinct hosts, Config.Visited among them
	Visited  int           // visits of this run whose observations were recorded
	Reached  int           // of these, hosts that spoke the protocol
	Took     time.Duration // of this run
}

// A Crawler makes one walk.
type Crawler struct {
	cfg      Config
	prober   probe.Prober
	sink     Sink
	progress progress
}

// New makes a Crawler that visits by p and records into s. Nothing starts before Run.
func New(cfg Config, p probe.Prober, s Sink) *Crawler {
	return &Crawler{cfg: cfg.withDefaults(), prober: p, sink: s}
}

// Run walks from the seeds until nobody is left to visit, a bound is met, or ctx ends; none of these is an error. When ctx
// ends, no visit is begun, those under way are cut off and will be visited again by a run that resumes this one, and what
// was seen until then is recorded. It returns an error when the sink or Config.Admit gives one. It is called once.
func (c *Crawler) Run(ctx context.Context, seeds []probe.Endpoint) (Summary, error) {
	if err := c.cfg.Validate(); err != nil {
		return Summary{}, err
	}
	started := time.Now()
	visiting, cutOff := context.WithCancel(ctx)
	defer cutOff()

	tasks, done := make(chan probe.Endpoint), make(chan visit)
	var workers sync.WaitGroup
	for range c.cfg.Workers {
		workers.Go(func() { c.work(visiting, tasks, done) })
	}

	w := newWalk(c, seeds)
	err := w.loop(ctx, tasks, done)
	cutOff()
	if w.abandon(done); w.batched+w.lost > 0 {
		err = fmt.Errorf("%w (%d visits not recorded)", err, w.batched+w.lost)
	}
	close(tasks)
	workers.Wait()

	s := w.summary()
	s.Took = time.Since(started)
	return s, err
}

// A visit is what a worker brings back.
type visit struct {
	observations []probe.Observation
	cut          bool  // cut off: the host counts as not visited
	err          error // of Config.Admit, while the walk was not stopped
}

// reached tells whether the host spoke the protocol.
func (v visit) reached() bool {
	for i := range v.observations {
		if v.observations[i].Outcome.Reached() {
			return true
		}
	}
	return false
}

func (c *Crawler) work(ctx context.Context, tasks <-chan probe.Endpoint, done chan<- visit) {
	for e := range tasks {
		done <- c.visit(ctx, e)
	}
}

// visit converses with one host. A visit with a cancelled conversation is no visit, whatever its other conversations gave:
// recorded by half, the host would never be asked for the rest.
func (c *Crawler) visit(ctx context.Context, e probe.Endpoint) visit {
	if c.cfg.Admit != nil {
		if err := c.cfg.Admit(ctx); err != nil && ctx.Err() == nil {
			return visit{cut: true, err: fmt.Errorf("admit visit: %w", err)}
		}
	}
	if ctx.Err() != nil {
		return visit{cut: true}
	}
	v := visit{observations: c.prober.Probe(ctx, e)}
	for i := range v.observations {
		if v.observations[i].Outcome == probe.Cancelled {
			return visit{cut: true}
		}
	}
	return v
}
