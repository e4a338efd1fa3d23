package crawler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gnucensus/probe"
)

// A walk is the state of one Run. Only the goroutine of Run touches it.
type walk struct {
	*Crawler
	frontier *frontier
	begun    int // visits handed to a worker
	flight   int // of these, not yet brought back
	stopping bool
	refused  error // of Config.Admit

	batch        []probe.Observation
	batched      int         // visits in the batch
	batchReached int         // of these, hosts that spoke the protocol
	age          *time.Timer // runs while the batch is not empty

	visited, reached int // recorded
	cut              int // cut off
	lost             int // brought back, or cut off, after the sink gave an error
}

func newWalk(c *Crawler, seeds []probe.Endpoint) *walk {
	w := &walk{Crawler: c, frontier: newFrontier(), age: time.NewTimer(c.cfg.BatchAge)}
	w.age.Stop()
	for _, e := range c.cfg.Visited {
		w.frontier.know(e)
	}
	for _, e := range seeds {
		w.frontier.hear(e)
	}
	w.publish()
	return w
}

// loop hands out and takes back until frontier, flight and batch are empty, or until the walk is stopped.
func (w *walk) loop(ctx context.Context, tasks chan<- probe.Endpoint, done <-chan visit) error {
	defer w.age.Stop()
	stop := ctx.Done()
	started := time.Now()
	for {
		if w.cfg.Duration > 0 && time.Since(started) >= w.cfg.Duration && !w.stopping {
			w.stopping = true
			w.cfg.Log.Info("crawl ran out of time", "n", w.flight)
		}
		next, out := w.next(tasks)
		if out == nil && w.flight == 0 {
			return errors.Join(w.flush(ctx), w.refused)
		}
		var err error
		select {
		case out <- next:
			w.frontier.pop()
			w.begun++
			w.flight++
		case v := <-done:
			w.flight--
			err = w.take(ctx, v)
		case <-w.age.C:
			err = w.flush(ctx)
		case <-stop:
			w.stopping, stop = true, nil
			w.cfg.Log.Info("crawl stopped", "n", w.flight)
		}
		if err != nil {
			return err
		}
		w.publish()
	}
}

// next returns the first host of the frontier and the channel to send it to, which is nil when no visit may be begun.
func (w *walk) next(tasks chan<- probe.Endpoint) (probe.Endpoint, chan<- probe.Endpoint) {
	if w.stopping || w.cfg.MaxHosts > 0 && w.begun >= w.cfg.MaxHosts {
		return probe.Endpoint{}, nil
	}
	e, ok := w.frontier.first()
	if !ok {
		return probe.Endpoint{}, nil
	}
	return e, tasks
}

// take adds a visit to the batch and whom it named to the frontier.
func (w *walk) take(ctx context.Context, v visit) error {
	if v.cut {
		w.cut++
		if v.err != nil {
			w.stopping, w.refused = true, v.err
		}
		return nil
	}
	for i := range v.observations {
		for _, p := range v.observations[i].Peers {
			w.frontier.hear(p.Endpoint)
		}
	}
	if len(w.batch) == 0 {
		w.age.Reset(w.cfg.BatchAge)
	}
	w.batch = append(w.batch, v.observations...)
	w.batched++
	if v.reached() {
		w.batchReached++
	}
	if len(w.batch) < w.cfg.BatchSize {
		return nil
	}
	return w.flush(ctx)
}

// flush records the batch. The end of ctx does not cut the writing off, its own bound does: whether a batch that was cut
// off is kept or not, nobody could tell.
func (w *walk) flush(ctx context.Context) error {
	w.age.Stop()
	if len(w.batch) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.cfg.WriteTimeout)
	defer cancel()
	if err := w.sink.Record(ctx, w.batch); err != nil {
		return fmt.Errorf("record %d observations: %w", len(w.batch), err)
	}
	w.visited += w.batched
	w.reached += w.batchReached
	clear(w.batch) // lets go of what the observations hold
	w.batch, w.batched, w.batchReached = w.batch[:0], 0, 0
	return nil
}

// abandon waits for the visits that are still under way after the sink gave an error.
func (w *walk) abandon(done <-chan visit) {
	for ; w.flight > 0; w.flight-- {
		<-done
		w.lost++
	}
	w.publish()
}

func (w *walk) summary() Summary {
	return Summary{
		Complete: w.frontier.queued() == 0 && w.flight == 0 && w.cut == 0 && w.batched == 0 && w.lost == 0,
		Heard:    w.frontier.heard(),
		Visited:  w.visited,
		Reached:  w.reached,
	}
}

// publish makes the state visible to Progress.
func (w *walk) publish() {
	p := &w.progress
	p.heard.Store(int64(w.frontier.heard()))
	p.queued.Store(int64(w.frontier.queued()))
	p.inFlight.Store(int64(w.flight))
	p.visited.Store(int64(w.visited + w.batched))
	p.reached.Store(int64(w.reached + w.batchReached))
}
