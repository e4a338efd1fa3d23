package transfer

import (
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"gnucensus/servent/urn"
)

func peerHost(n int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}) }

// TestQueue follows clients through the queue of one slot.
func TestQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1, 1, 3)
		expect := func(when string, w wish, at, length int, retry time.Duration) position {
			t.Helper()
			granted, p := s.take(w)
			if granted != nil || p.at != at || p.length != length || p.retry != retry {
				t.Errorf("%s: %v, %+v; want place %d of %d and %v", when, granted, p, at, length, retry)
			}
			return p
		}
		pass := func(d time.Duration) { <-time.After(d) } // on the fake clock
		a, b, c, d := wish{host: peerHost(1)}, wish{host: peerHost(2)}, wish{host: peerHost(3)}, wish{host: peerHost(4)}
		held, _ := s.take(wish{host: peerHost(9)})
		if held == nil || s.left() != 0 {
			t.Fatal("no slot at first")
		}
		placeA := expect("the first", a, 1, 1, 30*time.Second)
		expect("the second", b, 2, 2, time.Minute)
		expect("the third", c, 3, 3, 90*time.Second)
		expect("one too many", d, 0, 0, 10*time.Minute)
		pass(30 * time.Second)
		expect("the first again, with an id of long ago", wish{host: a.host, id: "old"}, 1, 3, 30*time.Second)
		expect("the second too early", b, 3, 3, 90*time.Second)

		pass(time.Minute)
		s.leave(held)
		expect("the third, of a slot that is the first one's", c, 2, 3, time.Minute)
		granted, p := s.take(wish{host: peerHost(7), id: placeA.id}) // from another address by now
		if granted == nil || p.id != placeA.id {
			t.Errorf("the first at last: %v, %+v", granted, p)
		}
		expect("the other file of a host", wish{host: a.host, file: urn.SHA1{1}}, 3, 3, 90*time.Second)
		pass(30*time.Second + queueLife + time.Second)
		expect("when some have not come back", d, 3, 3, 90*time.Second)
		pass(time.Hour)
		expect("when nobody has", d, 1, 1, 30*time.Second)
	})
}

// TestParked checks who gets the slot of a connection that asks for nothing.
func TestParked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(2, 1, 10)
		take := func(host int) *slot {
			granted, _ := s.take(wish{host: peerHost(host)})
			return granted
		}
		one, two := take(1), take(2)
		s.park(one)
		if s.left() == 0 {
			t.Error("a parked slot counts as taken")
		}
		if take(3) != nil {
			t.Error("a slot was taken from who parked it just now")
		}
		if !s.resume(one) {
			t.Error("the slot is lost")
		}
		if take(1) != nil || take(2) != nil {
			t.Error("a second slot of a host")
		}
		s.park(two)
		again := take(2)
		if again == nil || s.resume(two) {
			t.Error("a host did not get its own parked slot")
		}
		s.leave(two)
		s.park(one)
		<-time.After(slotTime + time.Second) // on the fake clock
		if take(3) == nil || s.resume(one) {
			t.Error("a slot stays with who does not use it")
		}
		s.leave(one)
		s.leave(again)
		if s.free != 1 || len(s.busy) != 1 {
			t.Errorf("%d slots free, %d hosts busy at the end", s.free, len(s.busy))
		}
	})
}

// TestQueuePerHost checks that one host cannot fill the queue.
func TestQueuePerHost(t *testing.T) {
	t.Parallel()
	s := newSlots(1, 1, 100)
	s.take(wish{host: peerHost(1)})
	for i := range 10 {
		_, p := s.take(wish{host: peerHost(1), file: urn.SHA1{byte(i)}})
		if (p.at > 0) != (i < queuePerHost) {
			t.Errorf("wish %d of a host: place %d", i, p.at)
		}
	}
	if _, p := s.take(wish{host: peerHost(2)}); p.at != queuePerHost+1 {
		t.Errorf("another host: place %d", p.at)
	}
}

func TestPositionFields(t *testing.T) {
	t.Parallel()
	p := position{id: "00ff", at: 2, length: 5, retry: time.Minute}
	for _, c := range []struct {
		client        string
		version       string
		queue, queued string
	}{
		{"", "", "", ""},
		{"X-Queue", "0.1", "position=2, length=5, limit=4, pollMin=60, pollMax=120", ""},
		{"X-Queue", "1.0", "", "ID=00ff; position=2; length=5; lifetime=120"},
		{"X-Queued", "ID=00ff", "", "ID=00ff; position=2; length=5; lifetime=120"},
	} {
		f := p.fields(http.Header{c.client: {c.version}}, 4)
		if f.Get("Retry-After") != "60" || f.Get("X-Queue") != c.queue || f.Get("X-Queued") != c.queued {
			t.Errorf("%s: %s: %v", c.client, c.version, f)
		}
	}
}

// TestThrottle lets a host with many connections and one with a single one share a rate.
func TestThrottle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limit := newThrottle(10 * maxSlice) // ten slices a second
		sent := make([]int, 2)
		counted := make(chan int)
		for connection := range 10 {
			host := min(1, connection) // the first host has one connection, the other nine
			go func() {
				for limit.wait(t.Context(), peerHost(host), maxSlice) == nil {
					select {
					case counted <- host:
					case <-t.Context().Done():
						return
					}
				}
			}()
		}
		start := time.Now()
		for time.Since(start) < 100*time.Second {
			sent[<-counted]++
		}
		if total := sent[0] + sent[1]; total < 995 || total > 1005 {
			t.Errorf("%d slices in 100 seconds", total)
		}
		if sent[0] < 495 || sent[0] > 505 {
			t.Errorf("%d slices to the first host, %d to the other", sent[0], sent[1])
		}
	})
}
