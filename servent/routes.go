package servent

import (
	"sync"

	"gnucensus/servent/message"
)

// Routes remember which neighbour a query came from, by GUID, so that its hits find the way back and its copies are known.
// They hold between routesKept and twice as many: when the newer half is full the older one is forgotten.
type routes struct {
	mu           sync.Mutex
	newer, older map[message.GUID]route
}

type route struct {
	from *peer
	ttl  uint8 // the farthest that the query was relayed
}

// A novelty is what a query is to a node.
type novelty int

const (
	known   novelty = iota // a copy
	further                // a copy that may travel farther than those before it ("duplicate control" of gtk-gnutella)
	fresh
)

// add remembers a query that came from p and may travel so many links more.
func (r *routes) add(id message.GUID, p *peer, ttl uint8) novelty {
	r.mu.Lock()
	defer r.mu.Unlock()
	half := r.newer
	seen, found := half[id]
	if !found {
		half = r.older
		seen, found = half[id]
	}
	switch {
	case found && ttl <= seen.ttl:
		return known
	case found:
		half[id] = route{from: seen.from, ttl: ttl}
		return further
	}
	if r.newer == nil || len(r.newer) >= routesKept {
		r.newer, r.older = make(map[message.GUID]route), r.newer
	}
	r.newer[id] = route{from: p, ttl: ttl}
	return fresh
}

// find returns whom a query came from, nil when it is not known.
func (r *routes) find(id message.GUID) *peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seen, found := r.newer[id]; found {
		return seen.from
	}
	return r.older[id].from
}
