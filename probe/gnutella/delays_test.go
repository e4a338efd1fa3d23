package gnutella

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDelayBucketsHoldTheirTimes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(8_000, int64(time.Hour)).Draw(t, "delay"))
		b := delayBucket(d)
		if least, next := delayOf(b), delayOf(b+1); d < least || d >= next || next > least+least/8 {
			t.Errorf("%v is in the bucket from %v to %v", d, least, next)
		}
	})
}

func TestWaitsFollowTheTimesOfAnswers(t *testing.T) {
	t.Parallel()
	d := delays{most: 5 * time.Second}
	answers := func(n int, took time.Duration) {
		for range n {
			d.saw(took)
		}
	}
	if d.usual() != 5*time.Second {
		t.Errorf("nothing is known, and the wait %v", d.usual())
	}
	answers(10*enoughDelays, 20*time.Millisecond)
	if d.usual() != leastWait || d.typical < 20*time.Millisecond || d.typical > 23*time.Millisecond {
		t.Errorf("after answers in 20 ms the wait is %v, and %v are typical", d.usual(), d.typical)
	}
	for range 100 { // of a hundred answers one is slow
		answers(1, 800*time.Millisecond)
		answers(99, 20*time.Millisecond)
	}
	if d.usual() < 3200*time.Millisecond || d.usual() > 4*time.Second {
		t.Errorf("with slow hosts the wait is %v", d.usual())
	}
	answers(2*recentDelays, 4*time.Second)
	if d.usual() != d.most {
		t.Errorf("with slow hosts alone the wait is %v", d.usual())
	}
	for range 20 {
		answers(recentDelays, time.Millisecond)
	}
	if d.usual() != leastWait {
		t.Errorf("long after the slow hosts the wait is %v", d.usual())
	}
}

// A network that becomes slow is noticed, though its answers come after the wait that suited it before.
func TestWaitsFollowANetworkThatBecomesSlow(t *testing.T) {
	t.Parallel()
	d := delays{most: 5 * time.Second}
	for range 2 * recentDelays {
		d.saw(20 * time.Millisecond)
	}
	missed := 0
	for range 20_000 {
		const took = 3 * time.Second
		if d.wait() < took {
			missed++
			continue
		}
		d.saw(took)
	}
	if missed > 2000 || d.usual() < 3*time.Second {
		t.Errorf("%d slow answers were missed, and the wait is %v", missed, d.usual())
	}
}
