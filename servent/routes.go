package servent

import (
	"sync"

	"gnucensus/servent/message"
)

// Routes remember which neighbour a message came from, by GUID, so that answers find the way back and copies are known.
// They hold between routesKept and twice as many: when the newer half is full the older one is forgotten.
type routes struct {
	mu           sync.Mutex
	newer, older map[message.GUID]*peer
}

// add remembers that the message came from p, which is nil for an own message. It returns false when the GUID is known.
func (r *routes) add(id message.GUID, p *peer) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.newer[id]; known {
		return false
	}
	if _, known := r.older[id]; known {
		return false
	}
	if r.newer == nil || len(r.newer) >= routesKept {
		r.newer, r.older = make(map[message.GUID]*peer), r.newer
	}
	r.newer[id] = p
	return true
}

// find returns whom the message came from, nil when it is unknown or its own.
func (r *routes) find(id message.GUID) *peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p, known := r.newer[id]; known {
		return p
	}
	return r.older[id]
}
