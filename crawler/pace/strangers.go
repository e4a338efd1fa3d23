package pace

import (
	"fmt"
	"net/netip"
	"sync"
)

// Strangers are the addresses that something was sent to and that nothing has come from. Anybody can name anybody's address to
// a census, so a stranger gets a few packets, and a prefix has room for a few strangers: a poisoned list cannot aim the census
// at a victim. Whoever accepts a connection or sends a datagram is a stranger no more. An address costs some ten bytes.
type strangers struct {
	attempts int // at an address; 0: no limit
	each     int // strangers in a /24, or a /64 of IPv6; 0: no limit

	mu   sync.Mutex
	four map[[4]byte]uint8 // packets sent to a stranger; met for others
	six  map[netip.Addr]uint8
	near map[netip.Addr]uint16 // strangers by prefix; nil when each is 0
}

// met marks who is no stranger.
const met = 0xff

func newStrangers(attempts, each int) *strangers {
	s := &strangers{attempts: attempts, each: each, four: make(map[[4]byte]uint8), six: make(map[netip.Addr]uint8)}
	if each > 0 {
		s.near = make(map[netip.Addr]uint16)
	}
	return s
}

func (s *strangers) get(a netip.Addr) uint8 {
	if a.Is4() {
		return s.four[a.As4()]
	}
	return s.six[a]
}

func (s *strangers) set(a netip.Addr, sent uint8) {
	if a.Is4() {
		s.four[a.As4()] = sent
		return
	}
	s.six[a] = sent
}

// forbids returns why nothing more may be sent to an address, and nothing when it may. With sending, a packet is counted then.
func (s *strangers) forbids(a netip.Addr, sending bool) string {
	if s.attempts == 0 && s.each == 0 {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := s.get(a)
	switch {
	case sent == met:
		return ""
	case s.attempts > 0 && int(sent) >= s.attempts:
		return fmt.Sprintf("nothing came back after %d attempts", s.attempts)
	case s.each > 0 && sent == 0 && int(s.near[nearPrefix(a)]) >= s.each:
		return fmt.Sprintf("%d others near it were tried, and nothing came back", s.each)
	}
	if !sending {
		return ""
	}
	if sent == 0 && s.near != nil {
		s.near[nearPrefix(a)]++
	}
	if sent < met-1 {
		s.set(a, sent+1)
	}
	return ""
}

// recall says that so many packets were sent to an address by an earlier run, and that nothing came back.
func (s *strangers) recall(a netip.Addr, sent int) {
	if s.attempts == 0 && s.each == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.get(a)
	if before == met || sent == 0 {
		return
	}
	if before == 0 && s.near != nil {
		s.near[nearPrefix(a)]++
	}
	s.set(a, uint8(min(int(before)+sent, met-1)))
}

// heard says that something came from an address.
func (s *strangers) heard(a netip.Addr) { s.change(a, func(uint8) uint8 { return met }) }

// unsent takes back a packet that could not leave.
func (s *strangers) unsent(a netip.Addr) { s.change(a, func(sent uint8) uint8 { return sent - 1 }) }

// change replaces the number of packets sent to a stranger. Who is a stranger no more leaves room in the prefix.
func (s *strangers) change(a netip.Addr, to func(sent uint8) uint8) {
	if s.attempts == 0 && s.each == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := s.get(a)
	if sent == 0 || sent == met {
		return // nobody that we asked, or known
	}
	sent = to(sent)
	s.set(a, sent)
	if s.near == nil || sent != 0 && sent != met {
		return
	}
	if p := nearPrefix(a); s.near[p] > 1 {
		s.near[p]--
	} else {
		delete(s.near, p)
	}
}
