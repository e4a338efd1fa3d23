package crawler

import (
	"context"
	"time"

	"gnucensus/probe"
)

// A walk is the state of one Run. Only the goroutine of Run touches it.
type walk struct {
	*Crawler
	frontier *frontier
	hosts    chan []probe.Endpoint // to the prober
	visits   chan []probe.Visit    // and back
	batches  chan batch            // to the writer
	written  chan error            // and back

	ready    []probe.Endpoint // taken from the frontier, to be handed to the prober
	begun    int              // first visits taken from the frontier
	flight   int              // visits handed out, not yet brought back
	stopping bool
	timer    *time.Timer // when the next visit may begin, where it must wait

	gathering batch // grows
	writing   batch // is with the writer, when busy
	busy      bool
	aged      bool // gathering is to be written as soon as the writer is free
	age       *time.Timer

	unmet map[uint32]bool // hosts, to be visited again, whose visit failed by this side and tells nothing of them

	visited, reached int // recorded
	cut              int // cut off
	unvisited        int // left in the frontier when the walk ended
	lost             int // brought back, or cut off, after the sink gave an error
}

func newWalk(c *Crawler, seeds []probe.Endpoint) *walk {
	w := &walk{
		Crawler: c, frontier: newFrontier(c.cfg.Seed, c.cfg.OneWord),
		hosts: make(chan []probe.Endpoint), visits: make(chan []probe.Visit),
		batches: make(chan batch), written: make(chan error),
		timer: time.NewTimer(0), age: time.NewTimer(c.cfg.BatchAge),
		unmet: make(map[uint32]bool),
	}
	w.age.Stop()
	for _, e := range c.cfg.Visited {
		w.frontier.know(e)
	}
	for _, e := range seeds {
		w.frontier.hear(e, 0, false)
	}
	if c.cfg.Vouched != nil {
		for n := range uint32(w.frontier.heard()) {
			by, times := c.cfg.Vouched(w.frontier.endpoint(n + 1))
			w.frontier.recall(n+1, by, times)
		}
	}
	w.publish()
	return w
}

// loop hands out and takes back until frontier, flight and batches are empty, or until the walk is stopped.
func (w *walk) loop(ctx context.Context) error {
	defer w.age.Stop()
	defer w.timer.Stop()
	stop := ctx.Done()
	var end <-chan time.Time
	if w.cfg.Duration > 0 {
		end = time.After(w.cfg.Duration)
	}
	for {
		w.prepare()
		w.dismiss()
		w.flush()
		if len(w.ready) == 0 && w.flight == 0 && !w.busy && w.over() && w.gathering.empty() {
			return nil
		}
		hosts, visits := w.hosts, w.visits
		if len(w.ready) == 0 {
			hosts = nil
		}
		if w.busy && w.gathering.size() >= w.cfg.BatchSize {
			visits = nil // the sink is behind, and so they wait
		}
		select {
		case hosts <- w.ready:
			w.flight += len(w.ready)
			w.ready = nil
		case seen := <-visits:
			w.flight -= len(seen)
			for _, v := range seen {
				w.take(v)
			}
		case err := <-w.written:
			w.busy = false
			if err != nil {
				w.lost += w.writing.visited
				return err
			}
			w.visited += w.writing.visited
			w.reached += w.writing.reached
			w.writing.clear()
		case <-w.age.C:
			w.aged = true
		case <-w.timer.C:
		case <-end:
			w.stop("crawl ran out of time")
		case <-stop:
			stop = nil
			w.stop("crawl stopped")
		}
		w.publish()
	}
}

// stop begins no visit any more.
func (w *walk) stop(why string) {
	if w.stopping {
		return
	}
	w.stopping = true
	w.cut += len(w.ready)
	w.ready = nil
	w.cfg.Log.Info(why, "n", w.flight)
}

// handful bounds the visits that are handed out at once, so that the order of the frontier counts for those after them.
const handful = 512

// prepare takes hosts from the frontier, when the last ones were handed out.
func (w *walk) prepare() {
	if w.stopping || len(w.ready) > 0 {
		return
	}
	room := min(w.cfg.Workers-w.flight, handful)
	if first := min(room, w.left()); first > 0 {
		for range w.admit(first) {
			e, ok := w.frontier.next()
			if !ok {
				return // all others are held back
			}
			w.ready = append(w.ready, e)
			w.begun++
		}
		return
	}
	promised, due := w.frontier.promised()
	if w.over() || room <= 0 || w.left() > 0 || promised == 0 {
		return
	}
	if wait := time.Until(due); wait > 0 {
		w.timer.Reset(wait)
		return
	}
	if w.admit(1) == 1 {
		w.ready = append(w.ready, w.frontier.keep())
	}
}

// dismiss records, when no visit is left, that hosts were passed over which one host alone had named, beside too many others. A
// run that resumes this one would know nothing of that. So those that wait still are looked at as if it was their turn.
func (w *walk) dismiss() {
	if w.flight > 0 || len(w.ready) > 0 || !w.over() {
		return
	}
	for _, ok := w.frontier.next(); ok; _, ok = w.frontier.next() {
		w.unvisited++
	}
	for w.gathering.size() < w.cfg.BatchSize {
		e, ok := w.frontier.dismiss()
		if !ok {
			return
		}
		w.gathering.add([]probe.Observation{{
			Endpoint: e, Method: probe.PassedOver, Started: time.Now(), Outcome: probe.OutOfScope,
			Detail: "one host alone names it, and has named too many",
		}})
	}
}

// left returns how many hosts wait for their first visit and may have it.
func (w *walk) left() int {
	left := w.frontier.queued()
	if w.cfg.MaxHosts > 0 {
		left = min(left, w.cfg.MaxHosts-w.begun)
	}
	return left
}

// admit asks for leave to begin visits, and returns how many may begin now.
func (w *walk) admit(n int) int {
	if w.cfg.Admit == nil {
		return n
	}
	granted, wait := w.cfg.Admit(n)
	if granted == 0 {
		w.timer.Reset(wait)
	}
	return granted
}

// over tells whether no visit is left to begin.
func (w *walk) over() bool {
	promised, _ := w.frontier.promised()
	bounded := w.cfg.MaxHosts > 0 && w.begun >= w.cfg.MaxHosts
	return w.stopping || w.left() == 0 && (promised == 0 || bounded)
}

// take adds a visit to the batch and whom it named to the frontier. A visit with a cancelled conversation is no visit, whatever
// its other conversations gave: recorded by half, the host would never be asked for the rest.
func (w *walk) take(v probe.Visit) {
	if v.Cut() {
		w.cut++
		return
	}
	host := w.frontier.number(v.Endpoint)
	first := w.frontier.visit(host)
	for i := range v.Observations {
		for _, p := range v.Observations[i].Peers {
			w.frontier.hear(p.Endpoint, host, p.Relation == probe.PeerLink)
		}
	}
	b := &w.gathering
	if b.empty() {
		w.age.Reset(w.cfg.BatchAge)
	}
	b.add(v.Observations)
	if v.Visited() && (first || w.unmet[host]) {
		delete(w.unmet, host)
		b.visited++
	}
	switch {
	case v.Reached():
		b.reached++
	case first && w.cfg.Revisit > 0 && v.TimedOut():
		w.frontier.again(host, time.Now().Add(w.cfg.Revisit))
		if !v.Visited() {
			w.unmet[host] = true
		}
	}
}

// flush hands the batch to the writer when it is full or old, or when nothing more will come, and the writer is free.
func (w *walk) flush() {
	last := w.flight == 0 && len(w.ready) == 0 && w.over() && len(w.frontier.held) == 0
	due := w.aged || last || w.gathering.size() >= w.cfg.BatchSize
	if w.busy || w.gathering.empty() || !due {
		return
	}
	w.age.Stop()
	w.aged = false
	w.gathering, w.writing = w.writing, w.gathering
	w.busy = true
	w.batches <- w.writing
}

// abandon waits for the visits that are still under way after the sink gave an error.
func (w *walk) abandon() {
	for w.flight > 0 {
		seen := <-w.visits
		w.flight -= len(seen)
		w.lost += len(seen)
	}
	w.lost += w.gathering.visited
	w.gathering.clear()
	w.publish()
}

func (w *walk) summary() Summary {
	promised, _ := w.frontier.promised()
	return Summary{
		Complete: w.unvisited == 0 && promised == 0 && w.cut == 0 && w.lost == 0,
		Heard:    w.frontier.heard(),
		Visited:  w.visited,
		Reached:  w.reached,
	}
}

// publish makes the state visible to Progress.
func (w *walk) publish() {
	p := &w.progress
	promised, _ := w.frontier.promised()
	p.heard.Store(int64(w.frontier.heard()))
	p.queued.Store(int64(w.frontier.queued() + w.unvisited + promised + len(w.ready)))
	p.inFlight.Store(int64(w.flight))
	p.visited.Store(int64(w.visited + w.writing.visited + w.gathering.visited))
	p.reached.Store(int64(w.reached + w.writing.reached + w.gathering.reached))
}
