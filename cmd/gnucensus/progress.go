package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"gnucensus/crawler"
)

const (
	barEvery  = 200 * time.Millisecond
	lineEvery = 10 * time.Second
	barWidth  = 14 // characters: with the numbers beside it, it fits on a line of 80
)

// A talk is standard error: logs, progress, explanations. While a bar is on the screen, what is written goes above it.
type talk struct {
	terminal bool // a person watches
	sized    bool // on a terminal that tells its size, so that a bar or a page can have its place there

	mu sync.Mutex
	w  io.Writer
}

func newTalk(w io.Writer) *talk {
	_, _, sized := sizeOf(w)
	return &talk{terminal: isTerminal(w), sized: sized, w: w}
}

func (t *talk) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.w.Write(b)
}

// through sends what is written to another writer from now on, and returns the one until now.
func (t *talk) through(w io.Writer) io.Writer {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.w
	t.w = w
	return was
}

// A status is where long work stands.
type status interface {
	fmt.Stringer                // in a line
	progress() (done, of int64) // of is -1 where nobody knows
}

// errNothing says that work failed before there was anything to tell of it.
var errNothing = errors.New("nothing done")

// during does work, and tells meanwhile where it stands.
func (t *talk) during(ctx context.Context, s status, work func() error) error {
	showing, hide := context.WithCancelCause(ctx)
	var shown sync.WaitGroup
	shown.Go(func() { t.show(showing, s) })
	err := work()
	if done, _ := s.progress(); err != nil && done == 0 {
		hide(errNothing)
	}
	hide(nil)
	shown.Wait()
	return err
}

// show tells a status until ctx ends, and once more then, unless ctx ends by errNothing: by a bar where it has a place, by a plain
// line from time to time elsewhere.
func (t *talk) show(ctx context.Context, s status) {
	if t.sized {
		t.bar(ctx, s)
		return
	}
	tick := time.NewTicker(lineEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			fmt.Fprintln(t, s)
		case <-ctx.Done():
			if context.Cause(ctx) != errNothing {
				fmt.Fprintln(t, s)
			}
			return
		}
	}
}

func (t *talk) bar(ctx context.Context, s status) {
	out := t.through(io.Discard)
	screen := mpb.New(mpb.WithOutput(out), mpb.WithAutoRefresh(), mpb.WithRefreshRate(barEvery))
	t.through(screen)
	defer t.through(out)
	var style mpb.BarFillerBuilder = mpb.BarStyle()
	if _, of := s.progress(); of < 0 {
		style = mpb.SpinnerStyle()
	}
	bar := screen.New(0, style, mpb.BarWidth(barWidth),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return s.String() })))
	tick := time.NewTicker(barEvery)
	defer tick.Stop()
	for over := false; !over; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			over = true
		}
		done, of := s.progress()
		bar.SetTotal(of, false)
		bar.SetCurrent(done)
	}
	bar.Abort(context.Cause(ctx) == errNothing)
	screen.Wait()
}

// A walk puts into a line what a person wants to know of a crawl: the rate of this run, counts of all runs as the summary counts,
// and the time that those heard of until now will take.
type walk struct {
	now     func() crawler.Progress
	before  earlier
	started time.Time
}

// Earlier is what the runs before this one did: hosts that are not to be visited again, and those visited and reached as the
// summary counts them.
type earlier struct{ settled, visited, reached int }

// settled counts the hosts that are not to be visited any more.
func settled(p crawler.Progress) int { return p.Heard - p.Queued - p.InFlight }

func (w walk) progress() (done, of int64) {
	p := w.now()
	return int64(settled(p)), int64(p.Heard)
}

func (w walk) String() string {
	p := w.now()
	took, left := time.Since(w.started), "?"
	if rest, n := p.Queued+p.InFlight, settled(p)-w.before.settled; n > 0 || rest == 0 {
		left = (took / time.Duration(max(n, 1)) * time.Duration(rest)).Round(time.Second).String()
	}
	return fmt.Sprintf("%.1f/s heard %d visited %d reached %d in flight %d left %s", float64(p.Visited)/took.Seconds(),
		p.Heard, w.before.visited+p.Visited, w.before.reached+p.Reached, p.InFlight, left)
}

// A rowCount counts the rows that go to files or come from them.
type rowCount struct {
	rows    atomic.Int64
	started time.Time
}

func (t *rowCount) progress() (done, of int64) { return t.rows.Load(), -1 }

func (t *rowCount) String() string {
	n := t.rows.Load()
	if n == 0 {
		return "no rows yet"
	}
	return fmt.Sprintf("%s, %.0f rows/s", many(n, "row"), float64(n)/time.Since(t.started).Seconds())
}
