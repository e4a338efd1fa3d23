package pace

import (
	"net/netip"
	"time"

	"golang.org/x/time/rate"
)

// A table holds a limiter for each prefix that was sent to lately. One that is full again is as good as a new one, so it is
// dropped when the table grows: the table holds at most twice the prefixes sent to within the time that a burst takes to
// come back, and at least sweepFrom.
type table struct {
	rate     rate.Limit
	burst    int
	limiters map[netip.Prefix]*rate.Limiter
	sweepAt  int // size at which the next sweep is due
}

const sweepFrom = 1024

// newTable returns nil, the table without limits, when the rate is 0.
func newTable(perSecond float64, burst int) *table {
	if perSecond == 0 {
		return nil
	}
	return &table{
		rate:     rate.Limit(perSecond),
		burst:    burst,
		limiters: make(map[netip.Prefix]*rate.Limiter),
		sweepAt:  sweepFrom,
	}
}

// limiter returns that of the first bits of an address; nil, which lets everything through, from the table without limits.
func (t *table) limiter(a netip.Addr, bits int, now time.Time) *rate.Limiter {
	if t == nil {
		return nil
	}
	prefix := netip.PrefixFrom(a, bits).Masked()
	if l, ok := t.limiters[prefix]; ok {
		return l
	}
	if len(t.limiters) >= t.sweepAt {
		t.sweep(now)
	}
	l := rate.NewLimiter(t.rate, t.burst)
	t.limiters[prefix] = l
	return l
}

func (t *table) sweep(now time.Time) {
	for prefix, l := range t.limiters {
		if l.TokensAt(now) >= float64(t.burst) {
			delete(t.limiters, prefix)
		}
	}
	t.sweepAt = max(sweepFrom, 2*len(t.limiters))
}

// until returns how long the limiter needs to have a whole token, 0 when it has one.
func until(l *rate.Limiter, now time.Time) time.Duration {
	if l == nil {
		return 0
	}
	missing := 1 - l.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	// Rounded up, or the rest of a token that is a fraction of a nanosecond away would be waited for in no time.
	return time.Duration(missing/float64(l.Limit())*float64(time.Second)) + time.Microsecond
}
