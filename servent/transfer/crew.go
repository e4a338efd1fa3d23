package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gnucensus/servent/message"
	"gnucensus/servent/urn"
)

// A crew is the sources of a download and who of them is at work. One goroutine owns it.
type crew struct {
	*download
	sources []*source
	ended   chan ending
	working int
	dropped []Dropped
}

// A source is one, and what is known of it. It belongs to its session while it is at work, and else to the crew.
type source struct {
	Source
	stop     func() // ends its work; nil: it is not at work
	dropped  bool
	aside    bool      // it says other things of the file than those who are at work
	failures int       // since it was last of use
	retry    time.Time // not to be asked before
	useful   bool      // it has given a segment since its work began
	rate     float64   // bytes a second of its last load; 0: none yet

	queueID string     // of the place that it has given us in its queue
	met     bool       // it has been asked what it knows of the file
	tree    string     // target of the tree; empty: none was told, or it was asked for
	root    *urn.Tiger // of the tree; nil: not told
}

// An ending is how a session with a source ended.
type ending struct {
	source *source
	err    error
}

// A waitError says that a source may be asked again after a while.
type waitError struct {
	after time.Duration
	err   error
}

func (e *waitError) Error() string { return e.err.Error() }
func (e *waitError) Unwrap() error { return e.err }

// errAside ends the work of a source that contradicts the others.
var errAside = errors.New("says other things of the file than the others")

func newCrew(d *download) *crew {
	c := &crew{download: d, ended: make(chan ending)}
	for _, s := range d.job.Sources {
		c.enlist(s)
	}
	return c
}

// enlist adds a source, or what is told of one that is known.
func (c *crew) enlist(s Source) {
	at := slices.IndexFunc(c.sources, func(other *source) bool {
		return other.Addr == s.Addr && (s.Addr.IsValid() || other.Servent == s.Servent)
	})
	switch {
	case at >= 0:
		if known := c.sources[at]; known.Servent == (message.GUID{}) && known.stop == nil {
			known.Servent = s.Servent
		}
	case len(c.sources) < maxSources:
		c.sources = append(c.sources, &source{Source: s})
	}
}

// run lets sources work until the file is finished, or the error says why it is not.
func (c *crew) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		for c.working > 0 {
			c.note(<-c.ended)
		}
	}()
	c.report() // what is there before the first source works
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	for {
		changed := c.changes()
		for _, s := range c.learnt() {
			c.enlist(s)
		}
		if err := c.broken(); err != nil {
			return err
		}
		if c.complete() {
			c.stopAll()
		}
		if c.working == 0 {
			if finished, err := c.settle(ctx); finished || err != nil {
				return err
			}
		}
		retry := time.NewTimer(c.start(ctx))
		select {
		case e := <-c.ended:
			c.note(e)
		case <-changed:
		case <-retry.C:
		case <-ticker.C:
			c.report()
		case <-ctx.Done():
			return ctx.Err()
		}
		retry.Stop()
	}
}

// stopAll ends the work of all, which may be busy with getting a connection.
func (c *crew) stopAll() {
	for _, s := range c.sources {
		if s.stop != nil {
			s.stop()
		}
	}
}

// settle decides, while nobody works, whether the file is finished, or with whom to go on.
func (c *crew) settle(ctx context.Context) (finished bool, err error) {
	if c.complete() {
		ok, err := c.check(ctx)
		if ok {
			c.conclude()
		}
		if ok || err != nil {
			return ok, err
		}
		if err := c.blame(ctx); err != nil {
			return false, err
		}
	}
	if c.hopeful() {
		return false, nil
	}
	if !slices.ContainsFunc(c.sources, func(s *source) bool { return !s.dropped }) {
		reasons := []error{ErrNoSources}
		for _, d := range c.dropped {
			reasons = append(reasons, fmt.Errorf("%s %w", d.Source, d.Err))
		}
		return false, errors.Join(reasons...)
	}
	c.recall()
	return false, c.forget(ctx)
}

// hopeful tells whether to stay with those whose word is believed: somebody is left of them, and others are not ready to begin,
// or the file is still growing.
func (c *crew) hopeful() bool {
	now := time.Now()
	left, ready, others := false, false, false
	for _, s := range c.sources {
		if s.dropped {
			continue
		}
		asked := !s.retry.After(now)
		left = left || !s.aside
		ready = ready || !s.aside && asked
		others = others || s.aside && asked
	}
	return left && (ready || !others || c.done() > 0 && now.Sub(c.lastBrought()) < staleTime)
}

// recall gives those who were set aside another turn. They are asked again what they know.
func (c *crew) recall() {
	for _, s := range c.sources {
		s.aside, s.met = false, false
	}
}

// conclude drops who contradicted what has now proved to be true: those who told of another tree, and those who were set aside
// for something else.
func (c *crew) conclude() {
	for _, s := range c.sources {
		switch {
		case s.dropped:
		case s.root != nil && *s.root != *c.computed.Tiger:
			c.drop(s, ErrLiar)
		case s.root == nil && s.aside:
			c.drop(s, errAside)
		}
	}
	c.report()
}

// blame drops who has lied of a file that proves to be another one.
func (c *crew) blame(ctx context.Context) error {
	lied, err := c.reset(ctx)
	c.recall()
	for _, s := range c.sources {
		if !s.dropped && lied(s) {
			c.drop(s, ErrLiar)
		}
	}
	return err
}

// start lets sources begin to work, as many as may. It returns how long it is until the next may be asked again.
func (c *crew) start(ctx context.Context) time.Duration {
	most := c.job.Parallel
	if c.alone() {
		most = 1
	}
	now, next := time.Now(), time.Hour
	for _, s := range c.sources {
		switch {
		case s.stop != nil || s.dropped || s.aside || c.working >= most:
		case s.retry.After(now):
			next = min(next, s.retry.Sub(now))
		default:
			working, stop := context.WithCancel(ctx)
			s.stop, s.useful = stop, false
			c.working++
			go func() {
				err := c.visit(working, s)
				stop()
				c.ended <- ending{s, err}
			}()
		}
	}
	return next
}

// note takes up how the work of a source ended.
func (c *crew) note(e ending) {
	s := e.source
	s.stop = nil
	c.working--
	if s.useful {
		s.failures = 0
		c.prove(s.Source)
	}
	if e.err == nil && !s.useful {
		e.err = errNothing
	}
	var wait *waitError
	switch {
	case e.err == nil:
	case errors.Is(e.err, ErrLiar), errors.Is(e.err, ErrTree), errors.Is(e.err, ErrGone), errors.Is(e.err, errHead):
		c.drop(s, e.err)
	case errors.Is(e.err, errAside):
		s.aside, s.retry = true, time.Now().Add(retryFirst)
	case errors.As(e.err, &wait):
		s.retry = time.Now().Add(wait.after)
	case errors.Is(e.err, context.Canceled):
	default:
		if s.failures++; s.failures > retries {
			c.drop(s, e.err)
			return
		}
		s.retry = time.Now().Add(min(retryLast, retryFirst<<(s.failures-1)))
	}
	if e.err != nil {
		c.job.Log.Debug("source", "addr", s.Addr, "err", e.err)
	}
}

func (c *crew) drop(s *source, err error) {
	s.dropped = true
	c.dropped = append(c.dropped, Dropped{Source: s.Source, Err: err})
	c.bury(s.Source)
}

// report tells the progress to who wants to know.
func (c *crew) report() {
	if c.job.Progress == nil {
		return
	}
	p := Progress{Size: c.size(), Done: c.done(), Connected: c.working}
	for _, s := range c.sources {
		if !s.dropped {
			p.Sources++
		}
	}
	c.job.Progress(p)
}
