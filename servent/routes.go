package servent

import (
	"net/netip"
	"sync"

	"gnucensus/servent/message"
)

// Routes remember which neighbour a message came from, so that answers find the way back and copies are known: queries by
// their GUID, and servents by theirs, for PUSH. Their memory is bounded; what is oldest is forgotten.
type routes struct {
	mu       sync.Mutex
	queries  generations[route]
	servents generations[linkID]
	pushes   generations[struct{}]
	answered generations[struct{}] // queries, whatever address their GUID holds
}

func newRoutes() *routes {
	return &routes{
		queries:  generations[route]{most: queriesKept},
		servents: generations[linkID]{most: serventsKept},
		pushes:   generations[struct{}]{most: serventsKept},
		answered: generations[struct{}]{most: serventsKept},
	}
}

type route struct {
	from linkID
	ttl  uint8 // the farthest that the query was relayed
}

// A novelty is what a query is to a node.
type novelty int

const (
	known   novelty = iota // a copy
	again                  // a copy, from the neighbour that the query came from first
	further                // a copy that may travel farther than those before it ("duplicate control" of gtk-gnutella)
	fresh
)

// add remembers a query that came over a link and may travel so many links more.
func (r *routes) add(id message.GUID, from linkID, ttl uint8) novelty {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, found := r.queries.find(id)
	switch {
	case found && ttl <= seen.ttl && seen.from == from:
		return again
	case found && ttl <= seen.ttl:
		return known
	case found:
		r.queries.put(id, route{from: seen.from, ttl: ttl})
		return further
	}
	r.queries.put(id, route{from: from, ttl: ttl})
	return fresh
}

// back returns the link that a query came over; ok is false when the query is not known.
func (r *routes) back(id message.GUID) (from linkID, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, ok := r.queries.find(id)
	return seen.from, ok
}

// learn remembers that a servent is to be found over a link, unless stands tells that it is found over another: who forges a
// GUID does not get the PUSHes for it.
func (r *routes) learn(servent message.GUID, over linkID, stands func(linkID) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if before, found := r.servents.find(servent); !found || before != over && !stands(before) {
		r.servents.put(servent, over)
	}
}

// to returns the link over which a servent is to be found.
func (r *routes) to(servent message.GUID) (over linkID, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.servents.find(servent)
}

// pass remembers a PUSH, and tells whether it had not passed before.
func (r *routes) pass(id message.GUID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pushes.once(id)
}

// answer remembers that a query for hits out of band is answered, and tells whether none was that differs from it in the address
// alone: several ultrapeers may ask the same query of a leaf, each in its own name.
func (r *routes) answer(id message.GUID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.answered.once(id.ReplyingTo(netip.AddrPortFrom(netip.IPv4Unspecified(), 0)))
}

// count is how many queries and servents have a route.
func (r *routes) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.queries.len() + r.servents.len()
}

// Generations are a table that holds between most entries and twice as many: when the newer half is full, the older one is
// forgotten. What entries of large tables hold has no pointers, so that the garbage collector need not look at them.
type generations[V any] struct {
	most         int
	newer, older map[message.GUID]V
}

func (g *generations[V]) find(id message.GUID) (v V, found bool) {
	if v, found = g.newer[id]; !found {
		v, found = g.older[id]
	}
	return v, found
}

// put adds an entry, or changes it where it is.
func (g *generations[V]) put(id message.GUID, v V) {
	if _, found := g.older[id]; found {
		g.older[id] = v
		return
	}
	if g.newer == nil || len(g.newer) >= g.most {
		g.newer, g.older = make(map[message.GUID]V), g.newer
	}
	g.newer[id] = v
}

// once adds an entry that holds nothing, and tells whether it was not there.
func (g *generations[V]) once(id message.GUID) bool {
	var nothing V
	_, found := g.find(id)
	if !found {
		g.put(id, nothing)
	}
	return !found
}

func (g *generations[V]) len() int { return len(g.newer) + len(g.older) }
