package servent

import (
	"testing"

	"gnucensus/servent/message"
)

func TestRoutesForgetTheOldest(t *testing.T) {
	t.Parallel()
	const kept = 1 << 10
	r := newRoutes()
	r.queries.most = kept
	ids := make([]message.GUID, 2*kept+1)
	for i := range ids {
		ids[i] = message.NewGUID()
		if got := r.add(ids[i], linkID(i), 1); got != fresh {
			t.Fatalf("query %d is %d, want fresh", i, got)
		}
		if size := r.count(); size > 2*kept {
			t.Fatalf("%d routes are kept", size)
		}
	}
	if _, found := r.back(ids[0]); found {
		t.Error("the oldest route was not forgotten")
	}
	for i, id := range ids[kept:] {
		if from, found := r.back(id); !found || from != linkID(kept+i) {
			t.Fatalf("route %d leads to %d, %v", kept+i, from, found)
		}
	}
	for _, at := range []int{kept, len(ids) - 1} {
		for _, c := range []struct {
			from linkID
			ttl  uint8
			want novelty
		}{{9999, 1, known}, {9999, 0, known}, {linkID(at), 1, again}, {9999, 3, further}, {9999, 3, known}, {9999, 4, further}} {
			if got := r.add(ids[at], c.from, c.ttl); got != c.want {
				t.Errorf("copy from %d with TTL %d is %d, want %d", c.from, c.ttl, got, c.want)
			}
		}
		if from, _ := r.back(ids[at]); from != linkID(at) {
			t.Errorf("copies made the route lead to %d", from)
		}
	}
}

// TestForgedServentsGetNoPushes: a GUID belongs to the link that had it first, as long as that stands.
func TestForgedServentsGetNoPushes(t *testing.T) {
	t.Parallel()
	r := newRoutes()
	id := message.NewGUID()
	stands := true
	for _, c := range []struct {
		over linkID
		want linkID
	}{{1, 1}, {2, 1}, {1, 1}} {
		r.learn(id, c.over, func(linkID) bool { return stands })
		if over, found := r.to(id); !found || over != c.want {
			t.Errorf("after a hit over %d the way leads over %d, want %d", c.over, over, c.want)
		}
	}
	stands = false
	r.learn(id, 2, func(linkID) bool { return stands })
	if over, _ := r.to(id); over != 2 {
		t.Errorf("the way leads over %d, which does not stand", over)
	}
	if !r.pass(id) || r.pass(id) {
		t.Error("a PUSH passes once")
	}
}
