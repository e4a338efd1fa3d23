package storage

import (
	"net/netip"

	"gnucensus/probe/roll"
)

// A numbering gives endpoints and observations of one snapshot their numbers, from 1 without gaps, and knows the keys of the
// agents met. What a batch adds to it is taken back when the batch could not be stored.
type numbering struct {
	endpoints    *roll.Roll
	agents       map[string]int32
	observations int32 // the last number given

	committed struct { // before the batch at hand
		endpoints    int
		observations int32
	}
	fresh []string // agents of the batch at hand
}

func newNumbering() numbering {
	return numbering{endpoints: roll.New(), agents: map[string]int32{}}
}

// endpoint returns the number of an endpoint, a new one if nobody has heard of it.
func (n *numbering) endpoint(a netip.AddrPort) int32 {
	id, _ := n.endpoints.Add(a)
	return int32(id)
}

// observation returns the number of one more observation.
func (n *numbering) observation() int32 {
	n.observations++
	return n.observations
}

// learn keeps the keys of agents.
func (n *numbering) learn(keys map[string]int32) {
	for text, id := range keys {
		n.agents[text] = id
		n.fresh = append(n.fresh, text)
	}
}

// commit makes what was added since the last commit stay.
func (n *numbering) commit() {
	n.committed.endpoints, n.committed.observations = n.endpoints.Len(), n.observations
	n.fresh = n.fresh[:0]
}

// rollback takes back what was added since the last commit.
func (n *numbering) rollback() {
	n.endpoints.Truncate(n.committed.endpoints)
	n.observations = n.committed.observations
	for _, text := range n.fresh {
		delete(n.agents, text)
	}
	n.fresh = n.fresh[:0]
}
