package gnutella

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// A ledger knows when hosts were asked, so that nobody is asked on one subject sooner again than its servent allows. It forgets
// who was asked longer ago than matters, and so holds those of twice that time at most. The nil ledger lets everything through.
type ledger struct {
	before time.Time // until then everybody may have been asked

	mu             sync.Mutex
	asked, earlier map[asking]time.Time // a host is asked, or will have been, at that time
	turned         time.Time            // when asked became earlier
}

// An asking is a question to a host.
type asking struct {
	addr    netip.AddrPort
	subject subject
}

// Memory is how long servents remember that they were asked: the longest limit of the policy.
const Memory = 10 * time.Minute

func newLedger(before time.Time) *ledger {
	return &ledger{before: before, asked: map[asking]time.Time{}, turned: time.Now()}
}

// wait returns when the host may be asked, and counts it as asked then. Its error is that of ctx.
func (l *ledger) wait(ctx context.Context, a asking, again time.Duration) error {
	if l == nil {
		return nil
	}
	delay := time.Until(l.reserve(a, again, time.Now()))
	if delay <= 0 {
		return ctx.Err()
	}
	due := time.NewTimer(delay)
	defer due.Stop()
	select {
	case <-due.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reserve returns when the host may be asked, now or later.
func (l *ledger) reserve(a asking, again time.Duration, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.turned) > Memory {
		l.earlier, l.asked, l.turned = l.asked, map[asking]time.Time{}, now
	}
	last, known := l.asked[a]
	if !known {
		last, known = l.earlier[a]
	}
	if !known {
		last = l.before
	}
	at := now
	if due := last.Add(again); !last.IsZero() && due.After(now) {
		at = due
	}
	l.asked[a] = at
	return at
}

// held says that a conversation has ended: its question may have waited for its turn since it was reserved.
func (l *ledger) held(a asking, now time.Time) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked[a] = now
}
