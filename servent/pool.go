package servent

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Intervals between two attempts to link to one host, and bounds of the pool.
const (
	refusedAgain = 300 * time.Second // after a refusal, and after a link
	failedAgain  = 900 * time.Second // after a failure; the next one doubles it
	failuresMost = 3                 // in a row, then the host is forgotten
	freshFor     = time.Hour         // a host that answered so long ago is named to others
	maxPool      = 2000
)

// A pool is the hosts that a node has heard of and may dial, and what came of dialling them.
type pool struct {
	mu    sync.Mutex
	hosts map[netip.AddrPort]*candidate
}

type candidate struct {
	heard time.Time // last
	alive time.Time // when it answered last; zero: never
	fails int       // since then
	next  time.Time // it is not to be dialled before
	busy  bool      // it is being dialled, or linked
}

// better tells whether a host is more likely to be there than another.
func (c *candidate) better(than *candidate) bool {
	if d := c.alive.Compare(than.alive); d != 0 {
		return d > 0
	}
	return c.heard.After(than.heard)
}

func newPool() *pool { return &pool{hosts: make(map[netip.AddrPort]*candidate)} }

// hear takes in hosts that somebody named. It tells whether one of them is new.
func (p *pool) hear(now time.Time, addrs ...netip.AddrPort) (news bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range addrs {
		c := p.hosts[a]
		if c == nil {
			p.makeRoom()
			c = &candidate{}
			p.hosts[a] = c
			news = true
		}
		c.heard = now
	}
	return news
}

// makeRoom forgets the host of which nobody has spoken for longest, of those that never answered if there are any. The caller
// holds mu.
func (p *pool) makeRoom() {
	if len(p.hosts) < maxPool {
		return
	}
	var worst netip.AddrPort
	for a, c := range p.hosts {
		if w := p.hosts[worst]; !c.busy && (w == nil || w.better(c)) {
			worst = a
		}
	}
	delete(p.hosts, worst)
}

// take returns the host to be dialled next: the one that answered last, else the one that was heard of last. It is busy then.
func (p *pool) take(now time.Time) (addr netip.AddrPort, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var best *candidate
	for a, c := range p.hosts {
		if c.busy || c.next.After(now) {
			continue
		}
		if best == nil || c.better(best) {
			addr, best = a, c
		}
	}
	if best == nil {
		return netip.AddrPort{}, false
	}
	best.busy = true
	return addr, true
}

// answered notes that a host accepted the node or refused it; a link to it that stands keeps it busy.
func (p *pool) answered(addr netip.AddrPort, now time.Time, linked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.hosts[addr]; c != nil {
		c.alive, c.fails, c.next, c.busy = now, 0, now.Add(refusedAgain), linked
	}
}

// failed notes that a host could not be linked to. It tells whether it is forgotten for it.
func (p *pool) failed(addr netip.AddrPort, now time.Time) (forgotten bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.hosts[addr]
	if c == nil {
		return false
	}
	c.fails++
	c.next, c.busy = now.Add(failedAgain<<(c.fails-1)), false
	if c.fails >= failuresMost {
		delete(p.hosts, addr)
		return true
	}
	return false
}

// forget drops a host that is of no use.
func (p *pool) forget(addr netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.hosts, addr)
}

// release gives back a host that was taken and not dialled.
func (p *pool) release(addr netip.AddrPort, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.hosts[addr]; c != nil {
		c.next, c.busy = now.Add(refusedAgain), false
	}
}

// due returns when the next host may be dialled; ok is false when there is none.
func (p *pool) due() (at time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.hosts {
		if !c.busy && (!ok || c.next.Before(at)) {
			at, ok = c.next, true
		}
	}
	return at, ok
}

// fresh returns hosts that answered not long ago, the last one first.
func (p *pool) fresh(now time.Time) []netip.AddrPort {
	p.mu.Lock()
	defer p.mu.Unlock()
	var addrs []netip.AddrPort
	for a, c := range p.hosts {
		if now.Sub(c.alive) < freshFor {
			addrs = append(addrs, a)
		}
	}
	slices.SortFunc(addrs, func(a, b netip.AddrPort) int {
		if c := p.hosts[b].alive.Compare(p.hosts[a].alive); c != 0 {
			return c
		}
		return a.Compare(b)
	})
	return addrs
}
