package main

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"gnucensus/servent"
)

// Events are what happens to a servent, a JSON object a line. They wait in a queue, so that who reads them slowly does not hold
// up the servent; one that has no room is lost, and counted.
type events struct {
	w     io.Writer
	queue chan facts
	lost  atomic.Uint64
}

// eventsWaiting is how many events may wait to be printed.
const eventsWaiting = 4096

func newEvents(w io.Writer) *events { return &events{w: w, queue: make(chan facts, eventsWaiting)} }

func (e *events) add(kind string, f facts) {
	select {
	case e.queue <- dated(kind, f):
	default:
		e.lost.Add(1)
	}
}

func dated(kind string, f facts) facts {
	return append(facts{{"event", kind}, {"time", time.Now()}}, f...)
}

func (e *events) link(l servent.LinkEvent) {
	kind := "link ends"
	if l.Began {
		kind = "link begins"
	}
	e.add(kind, facts{{"addr", l.Addr}, {"role", l.Role}, {"agent", l.Agent}})
}

func (e *events) saw(seen servent.Event) {
	switch seen := seen.(type) {
	case servent.QuerySeen:
		e.add("query", facts{
			{"addr", seen.From}, {"path", seen.Path}, {"words", seen.Words}, {"ttl", seen.TTL}, {"hops", seen.Hops},
		})
	case servent.HitsSent:
		e.add("hits sent", facts{{"addr", seen.To}, {"path", seen.Path}, {"results", seen.Results}})
	case servent.PongSeen:
		e.add("pong", facts{
			{"addr", seen.From}, {"of", seen.Of}, {"files", seen.Files}, {"kib", seen.KiB}, {"hops", seen.Hops},
		})
	case servent.Refusal:
		e.add("refusal", facts{
			{"addr", seen.Addr}, {"agent", seen.Agent}, {"ours", seen.Ours}, {"code", seen.Code}, {"reason", seen.Reason},
		})
	}
}

// print writes events as they come, and from time to time where the servent stands, until ctx ends; then all that is left. What
// cannot be written is lost, and the servent goes on.
func (e *events) print(ctx context.Context, s *standing) {
	tick := time.NewTicker(lineEvery)
	defer tick.Stop()
	stand := func() { writeJSON(e.w, dated("standing", append(s.facts(), fact{"events_lost", e.lost.Load()}))) }
	stand()
	for {
		select {
		case f := <-e.queue:
			writeJSON(e.w, f)
		case <-tick.C:
			stand()
		case <-ctx.Done():
			for len(e.queue) > 0 {
				writeJSON(e.w, <-e.queue)
			}
			stand()
			return
		}
	}
}
