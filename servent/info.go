package servent

import (
	"net/netip"
	"sync/atomic"
	"time"

	"gnucensus/servent/link"
)

// A LinkInfo is the state of a link.
type LinkInfo struct {
	Addr   netip.AddrPort // where the neighbour listens; the zero AddrPort when it did not say
	Remote netip.AddrPort // the other end of the connection
	Role   Role           // of the neighbour; empty for a visitor
	Agent  string         // as the neighbour sent it
	Since  time.Time

	link.Counters
	Congested  bool   // messages are, or may be, dropped
	Duplicates uint64 // queries that came over the link, and had come before

	TableReceived int  // slots present in the query routing table that the neighbour told; -1: none
	TableSent     int  // in that which the node told it; -1: none
	TableDue      bool // the node will tell it another one
}

// Links returns the links that stand, the oldest first.
func (n *Node) Links() []LinkInfo {
	peers := n.seats.linked()
	infos := make([]LinkInfo, len(peers))
	n.routing.mu.Lock()
	defer n.routing.mu.Unlock()
	for i, p := range peers {
		infos[i] = LinkInfo{
			Addr: p.addr, Remote: p.remote, Role: p.role, Agent: p.agent, Since: p.since,
			Counters: p.link.Counters(), Congested: p.link.Congested(), Duplicates: p.duplicates.Load(),
			TableReceived: -1, TableSent: -1,
			TableDue: n.tells(p) && (n.routing.due || !p.told),
		}
		if t := p.table.Load(); t != nil {
			infos[i].TableReceived = t.Count()
		}
		if p.told {
			infos[i].TableSent = n.routing.table.Count()
		}
	}
	return infos
}

// Stats are what a node has seen, over all links that it had, and what it keeps.
type Stats struct {
	Queries uint64 // that came and were not too malformed to be looked at, copies included
	Hits    uint64 // QUERY HITs with results of its own that it sent
	Stray   uint64 // hits and PUSHes for which it knew no way
	Routes  int    // queries and servents to which it knows the way
	Askings int    // queries that it asks, for itself and for leaves
}

// tallies are the counters behind Stats.
type tallies struct{ queries, hits, stray atomic.Uint64 }

// Stats returns what the node has seen so far.
func (n *Node) Stats() Stats {
	return Stats{
		Queries: n.seen.queries.Load(), Hits: n.seen.hits.Load(), Stray: n.seen.stray.Load(),
		Routes: n.routes.count(), Askings: n.askings.len(),
	}
}
