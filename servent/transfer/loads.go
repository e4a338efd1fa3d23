package transfer

import (
	"sync/atomic"
	"time"
)

const (
	loadTime  = 8 * time.Second // for which a load shall last
	maxLoad   = 4 << 20         // bytes, or one segment
	lateTime  = 2 * loadTime    // after which somebody faster may bring it instead
	lateEvery = 5 * time.Second // how often who has nothing to do looks for such a load
)

// A load is a run of segments that a session has taken.
type load struct {
	from, to int // segments
	span     span
	began    time.Time
	got      atomic.Uint64 // bytes
	giveUp   func()        // lets the session end
}

// take takes segments that nobody has or brings, of those that the source has: as many as it may send in the time of a load, but
// one at least. It waits until there are some, and for a tree that is about to come. The load is nil when the file is complete.
// It fails when the source has none that are missing.
func (d *download) take(s *session) (*load, error) {
	for {
		d.mu.Lock()
		var l *load
		err, changed, tree := d.fault, d.changed, d.treeComes()
		_, all := d.part.done()
		if err == nil && !all && !d.dividing && tree <= 0 {
			l, err = d.choose(s)
		}
		d.mu.Unlock()
		if err != nil || all || l != nil {
			return l, err
		}
		wake := time.NewTimer(lateEvery)
		if tree > 0 {
			wake.Reset(tree)
		}
		select {
		case <-changed:
		case <-wake.C:
			d.hurry(s)
		case <-s.ctx.Done():
			err = s.ctx.Err()
		}
		wake.Stop()
		if err != nil {
			return nil, err
		}
	}
}

// choose takes the first run of segments that nobody has or brings, nil when others bring all that the source has. It fails when
// the source has none that are missing. The caller holds the lock.
func (d *download) choose(s *session) (*load, error) {
	most := uint64(min(maxLoad, s.source.rate*loadTime.Seconds()))
	l := &load{began: time.Now(), giveUp: s.giveUp}
	missing := false
	for i := range d.taken {
		part := segmentSpan(d.part.size, d.part.segment, i)
		wanted := !d.part.has(i) && s.has(part)
		missing = missing || wanted
		free := wanted && !d.taken[i]
		if l.to > l.from && (!free || part.to-l.span.from > most) {
			break
		}
		if free && l.to == l.from {
			l.from, l.span.from = i, part.from
		}
		if free {
			l.to, l.span.to, d.taken[i] = i+1, part.to, true
		}
	}
	switch {
	case l.to > l.from:
		d.loads[l] = true
		return l, nil
	case missing:
		return nil, nil
	}
	return nil, &waitError{after: rangeRetry, err: errNothing}
}

// leave gives back what a session has taken and not brought.
func (d *download) leave(l *load) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := l.from; i < l.to; i++ {
		d.taken[i] = false
	}
	delete(d.loads, l)
	d.notify()
}

// hurry takes from a session what it brings so slowly that s, which has nothing to do, is twice as fast.
func (d *download) hurry(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for l := range d.loads {
		took := time.Since(l.began)
		if took > lateTime && s.has(l.span) && s.source.rate*took.Seconds() > 2*float64(l.got.Load()) {
			l.giveUp()
			return
		}
	}
}

// interrupt ends all loads.
func (d *download) interrupt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for l := range d.loads {
		l.giveUp()
	}
}
