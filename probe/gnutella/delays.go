package gnutella

import (
	"math/bits"
	"time"
)

// Delays are the times that answers took, in buckets of an eighth of a power of two, of the last some ten thousand answers.
// They tell how long to wait for the next one: four times as long as all but one in a thousand took. Now and then it is
// waited for as long as may be: an answer that nobody waits for is not counted, and so a network that becomes slower would
// not be noticed.
type delays struct {
	most    time.Duration // to be waited in any case, until enough is known
	counts  [delayBuckets]uint32
	total   uint32
	fresh   uint32        // since the quantiles were found
	waits   uint32        // that were asked for
	typical time.Duration // nine of ten took no longer
	longest time.Duration // all but one in a thousand took no longer
}

const (
	delayBuckets = 8 * 40   // up to 2^40 µs
	enoughDelays = 1000     // to tell one in a thousand
	freshDelays  = 512      // after so many the quantiles are found again
	recentDelays = 16 << 10 // then those before count half
	longWaits    = 32       // one wait of so many is as long as may be
	leastWait    = time.Second
)

// saw counts an answer that took d.
func (t *delays) saw(d time.Duration) {
	t.counts[delayBucket(d)]++
	t.total++
	if t.fresh++; t.fresh < freshDelays && d <= t.usual() {
		return
	}
	t.fresh = 0
	t.typical, t.longest = t.quantile(0.9), t.quantile(0.999)
	if t.total > recentDelays {
		t.total = 0
		for i := range t.counts {
			t.counts[i] /= 2
			t.total += t.counts[i]
		}
	}
}

// wait returns how long to wait for the next answer.
func (t *delays) wait() time.Duration {
	if t.waits++; t.waits%longWaits == 0 {
		return t.most
	}
	return t.usual()
}

// usual is the wait that answers so far suggest.
func (t *delays) usual() time.Duration {
	if t.total < enoughDelays || t.longest == 0 {
		return t.most
	}
	return min(t.most, max(leastWait, 4*t.longest))
}

// quantile returns a time that the share q of all answers did not exceed.
func (t *delays) quantile(q float64) time.Duration {
	left := uint32(q * float64(t.total))
	for i, n := range t.counts {
		if n > left {
			return delayOf(i + 1)
		}
		left -= n
	}
	return t.most
}

// delayBucket returns the bucket of a time: three bits below its highest one, in microseconds.
func delayBucket(d time.Duration) int {
	us := uint64(max(d.Microseconds(), 8))
	exponent := bits.Len64(us) - 4
	return min(8*exponent+int(us>>exponent)-8, delayBuckets-1)
}

// delayOf returns the least time in a bucket.
func delayOf(bucket int) time.Duration {
	return time.Duration(8+bucket%8) << (bucket / 8) * time.Microsecond
}
