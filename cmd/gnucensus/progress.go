package main

import (
	"context"
	"fmt"
	"io"
	"sync"
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

	mu sync.Mutex
	w  io.Writer
}

func newTalk(w io.Writer) *talk { return &talk{terminal: isTerminal(w), w: w} }

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

// show tells where a walk stands until ctx ends, and once more then: by a bar for a person, by a plain line from time to time
// elsewhere. Hosts that were visited before this walk are part of what is heard of.
func (t *talk) show(ctx context.Context, progress func() crawler.Progress, before int) {
	s := status{progress: progress, before: before, started: time.Now()}
	if t.terminal {
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
			fmt.Fprintln(t, s)
			return
		}
	}
}

func (t *talk) bar(ctx context.Context, s status) {
	out := t.through(io.Discard)
	screen := mpb.New(mpb.WithOutput(out), mpb.WithAutoRefresh(), mpb.WithRefreshRate(barEvery))
	t.through(screen)
	defer t.through(out)
	bar := screen.New(0, mpb.BarStyle(), mpb.BarWidth(barWidth),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return s.String() })))
	tick := time.NewTicker(barEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		p := s.progress()
		bar.SetTotal(int64(p.Heard), false)
		bar.SetCurrent(int64(s.before + p.Visited))
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	bar.Abort(false)
	screen.Wait()
}

// A status puts into a line what a person wants to know: rate, counts, and the time that those heard of until now will take.
type status struct {
	progress func() crawler.Progress
	before   int
	started  time.Time
}

func (s status) String() string {
	p := s.progress()
	took, left := time.Since(s.started), "?"
	if p.Visited > 0 {
		left = (took / time.Duration(p.Visited) * time.Duration(p.Queued+p.InFlight)).Round(time.Second).String()
	}
	return fmt.Sprintf("%.1f/s heard %d visited %d reached %d in flight %d left %s",
		float64(p.Visited)/took.Seconds(), p.Heard, s.before+p.Visited, p.Reached, p.InFlight, left)
}
