package servent

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
)

// A peer is the host at the other end of a link, from its handshake on.
type peer struct {
	remote netip.AddrPort // of the connection
	addr   netip.AddrPort // where it listens, as it says; the zero AddrPort when it does not
	role   Role           // visitor: it is nobody's neighbour
	as     Role           // the node's own, as the peer knows it
	guided bool           // it came as an ultrapeer and was told that none is needed; its seat is that of a leaf
	agent  string
	since  time.Time // when the link began

	link *link.Link
	part context.CancelCauseFunc // ends the link for a reason

	mu   sync.Mutex
	ping message.GUID  // of the last PING to it
	pong *message.Pong // its answer: what it says of itself; nil before it came
}

// visitor is the role of a crawler that is taken for a newcomer: it gets an answer to its pings, and no queries.
const visitor Role = ""

// newPeer reads a newcomer's hello.
func newPeer(hello handshake.Fields, remote netip.AddrPort) *peer {
	p := &peer{remote: remote, agent: hello.Get("User-Agent"), role: Leaf}
	ultrapeer, known := hello.Bool("X-Ultrapeer")
	if ultrapeer || !known && hello.Has("X-Ultrapeer-Needed") { // old BearShare has no other sign
		p.role = Ultrapeer
	}
	for _, addr := range hello.Addrs("Node", "Listen-IP", "X-My-Address") {
		if addr.Addr().Is4() {
			p.addr = addr
			break
		}
	}
	return p
}

// send queues a message. A link whose queue is full closes itself, and its reader learns why.
func (p *peer) send(m message.Message) { p.link.Send(m) }

// ask sends a PING whose PONG is kept as what the peer says of itself.
func (p *peer) ask() {
	id := message.NewGUID()
	p.mu.Lock()
	p.ping = id
	p.mu.Unlock()
	p.send(message.Message{GUID: id, TTL: 1, Body: &message.Ping{}})
}

// answered keeps the PONG that answers the last PING.
func (p *peer) answered(id message.GUID, pong *message.Pong) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id == p.ping {
		p.pong = pong
	}
}

// said returns what the peer said of itself, nil when it did not.
func (p *peer) said() *message.Pong {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pong
}

// Seats are a node's links, and its slots for more.
type seats struct {
	mu    sync.Mutex
	slots map[Role]int
	taken map[Role]int // links of each role, and handshakes that will become one
	peers []*peer      // whose link stands, the oldest first; never changed, only replaced
	addrs map[netip.AddrPort]bool
}

func newSeats(s Slots) *seats {
	return &seats{
		slots: map[Role]int{Ultrapeer: s.Ultrapeers, Leaf: s.Leaves, visitor: visitors},
		taken: make(map[Role]int),
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

// promote moves a peer from a leaf's seat to an ultrapeer's.
func (s *seats) promote(p *peer) seating {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[Ultrapeer] >= s.slots[Ultrapeer] {
		return full
	}
	s.taken[p.role]--
	p.role = Ultrapeer
	s.taken[p.role]++
	return seated
}

func (s *seats) occupy(p *peer) {
	s.taken[p.role]++
	if p.addr.IsValid() {
		s.addrs[p.addr] = true
	}
}

// join lists a peer whose link stands.
func (s *seats) join(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers = append(slices.Clip(s.peers), p)
}

// leave gives back a seat.
func (s *seats) leave(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken[p.role]--
	delete(s.addrs, p.addr)
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

// LogValue names the peer in logs.
func (p *peer) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("addr", p.addr), slog.Any("remote", p.remote), slog.String("agent", p.agent))
}
