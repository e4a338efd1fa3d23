package gnutella

import "time"

// A schedule tells which visits have waited long enough: a heap by time, in which each visit is once at most.
type schedule []*underWay

// add has a visit wait until a time, for that only.
func (s *schedule) add(v *underWay, until time.Time) {
	s.drop(v)
	v.until, v.place = until, len(*s)+1
	*s = append(*s, v)
	s.up(len(*s) - 1)
}

// drop has a visit wait no longer.
func (s *schedule) drop(v *underWay) {
	if v.place == 0 {
		return
	}
	i, last := v.place-1, len(*s)-1
	s.swap(i, last)
	(*s)[last] = nil
	*s = (*s)[:last]
	v.place = 0
	if i < last {
		s.up(i)
		s.down(i)
	}
}

// next returns until when the first visit waits, and false when none does.
func (s schedule) next() (time.Time, bool) {
	if len(s) == 0 {
		return time.Time{}, false
	}
	return s[0].until, true
}

// due takes the first visit that has waited long enough, nil when there is none.
func (s *schedule) due(now time.Time) *underWay {
	if at, ok := s.next(); !ok || at.After(now) {
		return nil
	}
	v := (*s)[0]
	s.drop(v)
	return v
}

func (s schedule) swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].place, s[j].place = i+1, j+1
}

func (s schedule) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !s[i].until.Before(s[parent].until) {
			return
		}
		s.swap(i, parent)
		i = parent
	}
}

func (s schedule) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(s) {
			return
		}
		if child+1 < len(s) && s[child+1].until.Before(s[child].until) {
			child++
		}
		if !s[child].until.Before(s[i].until) {
			return
		}
		s.swap(i, child)
		i = child
	}
}
