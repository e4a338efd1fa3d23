// Package crawler walks a network: it visits each host that it hears of once, until nobody is left to visit, and those that
// did not answer in time once more.
//
// One goroutine, the loop, owns the frontier, the count of visits under way and the batch of observations, and holds no
// lock. It hands hosts to the [probe.Prober], many at a time, and takes back what was seen. The loop puts the hosts that were
// named into the frontier, and the observations into a batch. A second goroutine gives one batch to the [Sink] while the next
// one grows; when that is full too, visits wait: a slow database slows the walk and does not fill the memory.
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
	MaxHosts int           // hosts visited in this run; 0: no bound
	Duration time.Duration // after it no visit is begun, those under way end by themselves; 0: no bound
	Revisit  time.Duration // hosts that did not answer in time are visited again, at the end and so long after; 0: they are not
	OneWord  int           // hosts visited that the same host alone has named, so that nobody aims the walk; 0: no bound
	Seed     uint64        // draws lots among hosts that as many vouch for; 0: they are visited in the order of hearing

	BatchSize    int           // observations that make a batch, or fewer when these name many hosts; 0: 10,000
	BatchAge     time.Duration // how long an observation waits for its batch to fill; 0: 2 s
	WriteTimeout time.Duration // bound on the writing of one batch, also of the last one; 0: 30 s

	Admit   func(n int) (granted int, wait time.Duration) // how many of n visits may begin now; if none, when to ask again; nil: all
	Visited []probe.Endpoint                              // hosts that an earlier run has visited: heard of, but not visited again

	// Vouched tells how many hosts named one in an earlier run, and one of them; nil: there was none.
	Vouched func(host probe.Endpoint) (by probe.Endpoint, times int)

	Log *slog.Logger // nil: no log
}

// Defaults of Config.
const (
	defaultWorkers      = 200
	defaultBatchSize    = 10_000
	defaultBatchAge     = 2 * time.Second
	defaultWriteTimeout = 30 * time.Second
)

// Validate reports a field that makes no sense.
func (c Config) Validate() error {
	if c.Workers < 0 || c.MaxHosts < 0 || c.OneWord < 0 || c.BatchSize < 0 {
		return errors.New("configure crawl: workers, hosts, hosts on one word and batch size must not be negative")
	}
	if c.Duration < 0 || c.Revisit < 0 || c.BatchAge < 0 || c.WriteTimeout < 0 {
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
	Complete bool          // nobody was left to visit, none of them again, and no visit was cut off
	Heard    int           // distinct hosts, Config.Visited among them
	Visited  int           // hosts visited in this run, with an outcome about the host, whose observations were recorded
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
// was seen until then is recorded. It returns an error when the sink gives one. It is called once.
func (c *Crawler) Run(ctx context.Context, seeds []probe.Endpoint) (Summary, error) {
	if err := c.cfg.Validate(); err != nil {
		return Summary{}, err
	}
	started := time.Now()
	visiting, cutOff := context.WithCancel(ctx)
	defer cutOff()

	w := newWalk(c, seeds)
	var others sync.WaitGroup
	others.Go(func() { c.prober.Survey(visiting, w.hosts, w.visits) })
	others.Go(func() { c.write(ctx, w.batches, w.written) })

	err := w.loop(ctx)
	cutOff()
	if w.abandon(); w.lost > 0 {
		err = fmt.Errorf("%w (%d visits not recorded)", err, w.lost)
	}
	close(w.hosts)
	close(w.batches)
	others.Wait()

	s := w.summary()
	s.Took = time.Since(started)
	return s, err
}
