package gnutella

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A schedule does what a search through all who wait does.
func TestScheduleGivesWhoIsDueFirst(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	rapid.Check(t, func(t *rapid.T) {
		var s schedule
		visits := make([]underWay, 12)
		waiting := map[*underWay]time.Time{}
		for range rapid.IntRange(0, 100).Draw(t, "steps") {
			v := &visits[rapid.IntRange(0, len(visits)-1).Draw(t, "visit")]
			at := begin.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "time")))
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				s.add(v, at)
				waiting[v] = at
			case 2:
				s.drop(v)
				delete(waiting, v)
			case 3:
				got := s.due(at)
				for v, until := range waiting {
					if got == nil && !until.After(at) || got != nil && until.Before(waiting[got]) {
						t.Fatalf("%v waits until %v", v, until)
					}
				}
				if got != nil && (waiting[got].IsZero() || waiting[got].After(at)) {
					t.Fatalf("who waits until %v is due at %v", waiting[got], at)
				}
				delete(waiting, got)
			}
			if len(s) != len(waiting) {
				t.Fatalf("%d wait, not %d", len(s), len(waiting))
			}
		}
	})
}
