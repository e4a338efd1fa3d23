package servent

import (
	"sync"
	"testing"

	"gnucensus/servent/message"
)

// TestEvents: a node tells of what it sees and does, each query once.
func TestEvents(t *testing.T) {
	var mu sync.Mutex
	var seen []Event
	inRig(t, func(r *rig) {
		up := r.plays(Ultrapeer, modern)
		id := up.asks("shared", 3, 1)
		up.says(query(id, "shared", 3, 1))
		up.says(message.Message{GUID: message.NewGUID(), TTL: 1, Hops: 1, Body: &message.Pong{Addr: up.peer.addr, Files: 7, KiB: 8}})
		up.stays()
		mu.Lock()
		defer mu.Unlock()
		at := up.peer.addr
		want := []Event{
			QuerySeen{From: at, Path: InBand, Words: "shared", TTL: 3, Hops: 1},
			HitsSent{To: at, Path: InBand, Results: 1},
			PongSeen{From: at, Of: at, Files: 7, KiB: 8, Hops: 1},
		}
		if len(seen) != len(want) {
			t.Fatalf("saw %+v", seen)
		}
		for i := range want {
			if seen[i] != want[i] {
				t.Errorf("event %d: %+v, want %+v", i, seen[i], want[i])
			}
		}
	}, func(c *Config) {
		c.OnEvent = func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, e)
		}
	})
}
