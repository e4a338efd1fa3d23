package gnutella

import "time"

// A schedule tells which visits have waited long enough: a heap by time. What a visit waits for no longer stays in it until
// its time, and is passed over then.
type schedule struct{ heap []appointment }

// An appointment is the time at which a visit has waited long enough for what it is waiting for.
type appointment struct {
	at     time.Time
	visit  *underWay
	waited uint32 // underWay.waits, when it was made
}

func (a appointment) kept() bool { return a.visit.waits != a.waited }

// add makes an appointment for what a visit waits for from now on.
func (s *schedule) add(v *underWay, at time.Time) {
	v.waits++
	s.heap = append(s.heap, appointment{at, v, v.waits})
	for i := len(s.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !s.heap[i].at.Before(s.heap[parent].at) {
			return
		}
		s.heap[i], s.heap[parent] = s.heap[parent], s.heap[i]
		i = parent
	}
}

// next returns the time of the first appointment, and false when there is none.
func (s *schedule) next() (time.Time, bool) {
	for len(s.heap) > 0 && s.heap[0].kept() {
		s.pop()
	}
	if len(s.heap) == 0 {
		return time.Time{}, false
	}
	return s.heap[0].at, true
}

// due takes the first appointment whose time has come, nil when there is none.
func (s *schedule) due(now time.Time) *underWay {
	if at, ok := s.next(); !ok || at.After(now) {
		return nil
	}
	return s.pop().visit
}

func (s *schedule) pop() appointment {
	first, last := s.heap[0], len(s.heap)-1
	s.heap[0] = s.heap[last]
	s.heap[last] = appointment{}
	s.heap = s.heap[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return first
		}
		if child+1 < last && s.heap[child+1].at.Before(s.heap[child].at) {
			child++
		}
		if !s.heap[child].at.Before(s.heap[i].at) {
			return first
		}
		s.heap[i], s.heap[child] = s.heap[child], s.heap[i]
		i = child
	}
}
