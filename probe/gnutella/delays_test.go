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
	if d.wait() != 5*time.Second {
		t.Errorf("nothing is known, and the wait %v", d.wait())
	}
	answers(10*enoughDelays, 20*time.Millisecond)
	if d.wait() != leastWait || d.typical < 20*time.Millisecond || d.typical > 23*time.Millisecond {
		t.Errorf("after answers in 20 ms the wait is %v, and %v are typical", d.wait(), d.typical)
	}
	for range 100 { // of a hundred answers one is slow
		answers(1, 800*time.Millisecond)
		answers(99, 20*time.Millisecond)
	}
	if d.wait() < 3200*time.Millisecond || d.wait() > 4*time.Second {
		t.Errorf("with slow hosts the wait is %v", d.wait())
	}
	answers(2*recentDelays, 4*time.Second)
	if d.wait() != d.most {
		t.Errorf("with slow hosts alone the wait is %v", d.wait())
	}
	for range 20 {
		answers(recentDelays, time.Millisecond)
	}
	if d.wait() != leastWait {
		t.Errorf("long after the slow hosts the wait is %v", d.wait())
	}
}
