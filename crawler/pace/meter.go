package pace

import (
	"math"
	"net/netip"
	"time"

	"golang.org/x/time/rate"
)

// A meter holds one rate for each prefix of some length, as a token bucket: over any window W, no more than rate·W + burst
// passes. There may be millions of prefixes, so it is smaller than a [rate.Limiter] each: of a prefix it keeps one number,
// the time at which its bucket will be full again. A full bucket is as good as a new one, so it is dropped when the table
// grows: the table holds at most twice the prefixes sent to within the time that a burst takes to come back, and at least
// sweepFrom.
type meter struct {
	interval  time.Duration // that one token takes to come; rounded up
	burst     int64         // tokens
	four, six int           // bits of a prefix
	full      map[netip.Addr]time.Duration
	sweepAt   int // size at which the next sweep is due
}

const sweepFrom = 1024

// newMeter returns nil, the meter without a limit, when the rate is 0.
func newMeter(perSecond float64, burst int64, four, six int) *meter {
	if perSecond == 0 {
		return nil
	}
	interval := time.Duration(math.Ceil(float64(time.Second) / perSecond))
	return &meter{
		interval: interval, burst: burst, four: four, six: six,
		full: make(map[netip.Addr]time.Duration), sweepAt: sweepFrom,
	}
}

// prefix returns the first address of the prefix that an address is in.
func (m *meter) prefix(a netip.Addr) netip.Addr {
	bits := m.four
	if a.Is6() {
		bits = m.six
	}
	if bits == a.BitLen() {
		return a
	}
	p, _ := a.Prefix(bits)
	return p.Addr()
}

// wait returns how long the bucket needs until it holds n tokens, 0 when it does, at a time since the start of the pacer.
func (m *meter) wait(a netip.Addr, n int64, now time.Duration) time.Duration {
	if m == nil {
		return 0
	}
	full := max(m.full[m.prefix(a)], now) + time.Duration(n)*m.interval
	return max(0, full-time.Duration(m.burst)*m.interval-now)
}

// take takes n tokens, which wait has found.
func (m *meter) take(a netip.Addr, n int64, now time.Duration) {
	if m == nil {
		return
	}
	p := m.prefix(a)
	full, known := m.full[p]
	if !known && len(m.full) >= m.sweepAt {
		m.sweep(now)
	}
	m.full[p] = max(full, now) + time.Duration(n)*m.interval
}

func (m *meter) sweep(now time.Duration) {
	for p, full := range m.full {
		if full <= now {
			delete(m.full, p)
		}
	}
	m.sweepAt = max(sweepFrom, 2*len(m.full))
}

// Rates are rates a second of one kind of thing; 0 means no limit.
type Rates struct {
	Total float64 `json:"total"` // to all hosts together
	Wide  float64 `json:"wide"`  // to one /16 of IPv4, one /48 of IPv6
	Near  float64 `json:"near"`  // to one /24, one /64
	Host  float64 `json:"host"`  // to one address, whatever the port
}

func (r Rates) each() []float64 { return []float64{r.Total, r.Wide, r.Near, r.Host} }

// Bursts of packets: most of what one visit sends to its host goes out without delay. That of all together is what a tenth
// of a second lets through, so that coarse timers do not slow a fast crawl down.
//
// Buckets hold less than the bursts, since rates must hold where packets arrive: one may leave a little later than its turn
// was, the next one not, and so they come nearer to each other than their turns were. The room left for that is a packet,
// and of all together what a twentieth of a second lets through.
const (
	HostBurst = 4
	NearBurst = 4
	WideBurst = 8

	hostBucket = HostBurst - 1
	nearBucket = NearBurst - 1
	wideBucket = WideBurst - 1
)

// TotalBurst is the burst of a rate of packets or visits to all hosts together.
func TotalBurst(perSecond float64) int { return 2 + int(perSecond/10) }

func totalBucket(perSecond float64) int { return 1 + int(perSecond/20) }

// ByteBurst is the burst of a rate of bytes, to whomever: room for a few hellos.
const (
	ByteBurst  = 4096
	byteBucket = ByteBurst / 2
)

// meters hold the rates of one kind.
type meters struct {
	total    *rate.Limiter // nil: no limit
	prefixes [3]*meter
}

func (r Rates) meters() meters {
	return meters{newLimiter(r.Total, totalBucket(r.Total)), [3]*meter{
		newMeter(r.Wide, wideBucket, 16, 48),
		newMeter(r.Near, nearBucket, 24, 64),
		newMeter(r.Host, hostBucket, 32, 128),
	}}
}

// byteMeters are meters of bytes.
func (r Rates) byteMeters() meters {
	return meters{newLimiter(r.Total, byteBucket+int(r.Total/20)), [3]*meter{
		newMeter(r.Wide, byteBucket, 16, 48),
		newMeter(r.Near, byteBucket, 24, 64),
		newMeter(r.Host, byteBucket, 32, 128),
	}}
}

func (m *meters) wait(a netip.Addr, n int, now time.Duration) time.Duration {
	longest := waitFor(m.total, n, now)
	for _, meter := range m.prefixes {
		longest = max(longest, meter.wait(a, int64(n), now))
	}
	return longest
}

func (m *meters) take(a netip.Addr, n int, now time.Duration) {
	if m.total != nil {
		m.total.AllowN(clock(now), n)
	}
	for _, meter := range m.prefixes {
		meter.take(a, int64(n), now)
	}
}

// newLimiter returns nil when the rate is 0.
func newLimiter(perSecond float64, burst int) *rate.Limiter {
	if perSecond == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), burst)
}

// clock is the time of a limiter.
func clock(now time.Duration) time.Time { return time.Time{}.Add(now) }

// waitFor returns how long a limiter needs until it holds n tokens, 0 when it does.
func waitFor(l *rate.Limiter, n int, now time.Duration) time.Duration {
	if l == nil {
		return 0
	}
	missing := max(0, float64(n)-l.TokensAt(clock(now)))
	return time.Duration(math.Ceil(missing / float64(l.Limit()) * float64(time.Second)))
}
