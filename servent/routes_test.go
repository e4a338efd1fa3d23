package servent

import (
	"testing"

	"gnucensus/servent/message"
)

func TestRoutesForgetTheOldest(t *testing.T) {
	t.Parallel()
	var r routes
	from := new(peer)
	ids := make([]message.GUID, 2*routesKept+1)
	for i := range ids {
		ids[i] = message.NewGUID()
		if got := r.add(ids[i], from, 1); got != fresh {
			t.Fatalf("query %d is %d, want fresh", i, got)
		}
		if size := len(r.newer) + len(r.older); size > 2*routesKept {
			t.Fatalf("%d routes are kept", size)
		}
	}
	if r.find(ids[0]) != nil || r.find(ids[routesKept]) != from || r.find(ids[len(ids)-1]) != from {
		t.Error("not the oldest routes were forgotten")
	}
	for _, c := range []struct {
		ttl  uint8
		want novelty
	}{{1, known}, {0, known}, {3, further}, {3, known}, {2, known}, {4, further}} {
		for _, id := range []message.GUID{ids[routesKept], ids[len(ids)-1]} {
			if got := r.add(id, nil, c.ttl); got != c.want || r.find(id) != from {
				t.Errorf("copy with TTL %d is %d, want %d; route %p", c.ttl, got, c.want, r.find(id))
			}
		}
	}
}
