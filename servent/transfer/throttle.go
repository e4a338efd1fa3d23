package transfer

import (
	"context"
	"net/netip"
	"sync"

	"golang.org/x/time/rate"
)

// maxSlice is how many bytes go at a time where a rate is limited.
const maxSlice = 16 << 10

// A throttle shares a rate among hosts. Each has at most one demand before the limiter at a time, which serves them in turn:
// so a host gets no more by opening more connections.
type throttle struct {
	limit *rate.Limiter // nil: none

	mu    sync.Mutex
	turns map[netip.Addr]*turn
}

// A turn is one host's.
type turn struct {
	taken chan struct{} // holds a token while it is somebody's
	users int
}

// newThrottle returns a throttle of so many bytes a second, 0 for no limit.
func newThrottle(perSecond int) *throttle {
	t := &throttle{turns: make(map[netip.Addr]*turn)}
	if perSecond > 0 {
		t.limit = rate.NewLimiter(rate.Limit(perSecond), maxSlice)
	}
	return t
}

// wait waits until n bytes may go to or come from a host, at most maxSlice.
func (t *throttle) wait(ctx context.Context, host netip.Addr, n int) error {
	if t.limit == nil {
		return nil
	}
	mine := t.enter(host)
	defer t.leave(host, mine)
	select {
	case mine.taken <- struct{}{}:
		defer func() { <-mine.taken }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return t.limit.WaitN(ctx, n)
}

func (t *throttle) enter(host netip.Addr) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine := t.turns[host]
	if mine == nil {
		mine = &turn{taken: make(chan struct{}, 1)}
		t.turns[host] = mine
	}
	mine.users++
	return mine
}

func (t *throttle) leave(host netip.Addr, mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(t.turns, host)
	}
}
