package servent

import (
	"net/netip"
	"slices"
	"sync"
)

// Seats are a node's links, and its slots for more.
type seats struct {
	mu    sync.Mutex
	slots map[Role]int
	taken map[Role]int // links of each role, and handshakes that will become one
	last  linkID       // given away
	byID  map[linkID]*peer
	peers []*peer // whose link stands, the oldest first; never changed, only replaced
	addrs map[netip.AddrPort]bool
}

// A linkID tells the links that a node has had apart. Tables keep it instead of the peer, so that they hold nothing of a peer
// that has gone.
type linkID uint32

// own stands, where a link is expected, for the node itself.
const own linkID = 0

func newSeats(s Slots) *seats {
	return &seats{
		slots: map[Role]int{Ultrapeer: s.Ultrapeers, Leaf: s.Leaves, visitor: visitors},
		taken: make(map[Role]int),
		byID:  make(map[linkID]*peer),
		addrs: make(map[netip.AddrPort]bool),
	}
}

// A seating is what becomes of somebody who wants a seat.
type seating int

const (
	seated seating = iota
	full
	twice // the host has a seat already
)

// take reserves a seat for a newcomer, to be given back by leave.
func (s *seats) take(p *peer) seating {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case p.addr.IsValid() && s.addrs[p.addr]:
		return twice
	case s.taken[p.role] >= s.slots[p.role]:
		return full
	}
	s.occupy(p)
	return seated
}

// force reserves a seat, beyond the slots if need be, for a host that the node dialled.
func (s *seats) force(p *peer) seating {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.addrs[p.addr] {
		return twice
	}
	s.occupy(p)
	return seated
}

// move gives a peer the seat of a role instead of its own.
func (s *seats) move(p *peer, to Role) seating {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.role == to {
		return seated
	}
	if s.taken[to] >= s.slots[to] {
		return full
	}
	s.taken[p.role]--
	p.role = to
	s.taken[p.role]++
	return seated
}

func (s *seats) occupy(p *peer) {
	s.taken[p.role]++
	s.last++
	p.id = s.last
	if p.addr.IsValid() {
		s.addrs[p.addr] = true
	}
}

// join lists a peer whose link stands.
func (s *seats) join(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers = append(slices.Clip(s.peers), p)
	s.byID[p.id] = p
}

// leave gives back a seat.
func (s *seats) leave(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken[p.role]--
	delete(s.addrs, p.addr)
	delete(s.byID, p.id)
	s.peers = slices.DeleteFunc(slices.Clone(s.peers), func(other *peer) bool { return other == p })
}

// free returns how many seats are left for a role.
func (s *seats) free(r Role) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(0, s.slots[r]-s.taken[r])
}

// used returns how many seats of a role are taken.
func (s *seats) used(r Role) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken[r]
}

// linked returns the peers whose link stands, the oldest first. The slice is not to be changed.
func (s *seats) linked() []*peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peers
}

// find returns the peer of a link that stands, nil when it does not.
func (s *seats) find(id linkID) *peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[id]
}

// neighbours returns the peers of a role that say where they listen, the oldest first.
func (s *seats) neighbours(r Role) []*peer {
	var found []*peer
	for _, p := range s.linked() {
		if p.role == r && p.addr.IsValid() {
			found = append(found, p)
		}
	}
	return found
}

func addrsOf(peers []*peer) []netip.AddrPort {
	addrs := make([]netip.AddrPort, len(peers))
	for i, p := range peers {
		addrs[i] = p.addr
	}
	return addrs
}
