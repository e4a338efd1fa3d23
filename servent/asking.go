package servent

import (
	"context"
	"sync"
	"time"

	"gnucensus/servent/message"
	"gnucensus/servent/qrp"
)

// An asking is a query whose results count for the node: its own, or that of a leaf for which it queries dynamically.
type asking struct {
	message message.Message
	key     qrp.Key
	leaf    *peer        // who asks; nil: the node itself
	asked   message.GUID // of the leaf's query; not that of the message where the node asks in its own name
	target  int          // results that are enough
	ttl     uint8        // that its copies may have

	hit     func(Hit) // takes the hits of an own query; nil for a leaf's
	guess   *guess    // how it is asked by UDP; nil: it is not
	claims  claims
	changed chan struct{} // holds a token when something below changed

	mu       sync.Mutex
	results  int  // that were found, the library's included
	guided   bool // the leaf tells how many results it has
	reported int  // how many that were, last
	before   int  // results when it told so
	misses   int  // requests for that which have had no answer
	stopped  bool // nobody wants more
}

// reporters is how many ultrapeers a leaf is taken to ask at once: what it reports are the results of all of them ("Leaf
// guidance" of dynamic querying).
const reporters = 3

// kept returns how many results the asker has by way of this node.
func (a *asking) kept() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.reported/reporters + a.results - a.before
}

// done tells whether nothing more needs to be asked.
func (a *asking) done() bool {
	a.mu.Lock()
	stopped := a.stopped
	a.mu.Unlock()
	return stopped || a.kept() >= a.target
}

// change makes a change and wakes who waits for one.
func (a *asking) change(make func()) {
	a.mu.Lock()
	make()
	a.mu.Unlock()
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

func (a *asking) stop() { a.change(func() { a.stopped = true }) }

// report takes what the leaf says of its results.
func (a *asking) report(results uint16) {
	a.change(func() {
		a.stopped = a.stopped || results == message.QueryStop
		a.misses = 0
		a.reported, a.before = int(results), a.results
	})
}

// inquire tells whether it is time to ask the leaf how many results it has, and counts on being answered then.
func (a *asking) inquire() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.guided || a.misses >= statusMisses || a.results-a.before < statusResults {
		return false
	}
	a.misses++
	return true
}

// awaited tells whether the leaf owes an answer.
func (a *asking) awaited() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.misses > 0
}

// wait waits until the time has passed, and tells whether there is more to be asked then. It returns at once when there is not.
func (a *asking) wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	for !a.done() {
		select {
		case <-t.C:
			return true
		case <-a.changed:
		case <-ctx.Done():
			return false
		}
	}
	return false
}

// Askings are those under way, by the GUID of their query, and by that of a leaf's which the node asks in its own name.
type askings struct {
	mu   sync.Mutex
	byID map[message.GUID]*asking
}

func (s *askings) begin(a *asking) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[message.GUID]*asking)
	}
	s.byID[a.message.GUID] = a
	if a.leaf != nil {
		s.byID[a.asked] = a
	}
}

func (s *askings) end(a *asking) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, a.message.GUID)
	delete(s.byID, a.asked)
}

// find returns the asking of a query, nil when there is none.
func (s *askings) find(id message.GUID) *asking {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[id]
}

// count counts the results of a hit for whom they are, and hands those of an own query over.
func (s *askings) count(m message.Message, hit *message.QueryHit) {
	a := s.find(m.GUID)
	if a == nil {
		return
	}
	a.take(Hit{QueryHit: hit, Responder: hit.Addr, Path: InBand, Hops: int(m.Hops) + 1})
}

// take counts the results of a hit, and hands it over where the query is the node's own.
func (a *asking) take(h Hit) {
	if a.hit != nil {
		a.hit(h)
	}
	a.change(func() { a.results += len(h.Results) })
}

func (s *askings) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for id, a := range s.byID {
		if id == a.message.GUID {
			n++
		}
	}
	return n
}
