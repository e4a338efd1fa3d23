package crawler

import "sync/atomic"

// Progress is where a walk stands. Its numbers are read one after another, so they may differ by a visit.
type Progress struct {
	Heard    int // distinct hosts, Config.Visited among them
	Queued   int // heard of, and not yet handed to a worker
	InFlight int // visits under way
	Visited  int // hosts visited in this run, as in [Summary], their observations recorded or about to be
	Reached  int // of these, hosts that spoke the protocol
}

// progress is what the loop tells.
type progress struct{ heard, queued, inFlight, visited, reached atomic.Int64 }

// Progress tells where the walk stands. It is safe to call while Run runs.
func (c *Crawler) Progress() Progress {
	p := &c.progress
	return Progress{
		Heard:    int(p.heard.Load()),
		Queued:   int(p.queued.Load()),
		InFlight: int(p.inFlight.Load()),
		Visited:  int(p.visited.Load()),
		Reached:  int(p.reached.Load()),
	}
}
