package servent

import (
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// Manners are what a node demands of those who come, each known by its IP address. The zero Manners demand nothing.
type Manners struct {
	CrawlEvery    time.Duration // least time between two crawl handshakes; who comes sooner gets a 403; 0: any
	Handshakes    int           // within a minute; who makes more gets a 429, and is banned for a while; 0: any number
	PingEvery     time.Duration // least time between two PINGs by UDP; those that come sooner get no answer; 0: any
	UDPCrawlEvery time.Duration // the same of UDP crawler pings
	Guesses       int           // queries by UDP within a minute; those above get no answer; 0: any number
}

// Strict are the manners of gtk-gnutella. A node that strangers can send datagrams to needs such limits: its answers are larger
// than the requests, and who asks may have lied about its address.
var Strict = Manners{
	CrawlEvery: 300 * time.Second, Handshakes: 2, PingEvery: 60 * time.Second, UDPCrawlEvery: 120 * time.Second,
	Guesses: 60,
}

// A request is something that is answered now and then.
type request int

const (
	crawlHandshake request = iota
	udpPing
	udpCrawl
	requests
)

// every returns the least time between two requests of a kind.
func (m Manners) every(r request) time.Duration {
	return [requests]time.Duration{crawlHandshake: m.CrawlEvery, udpPing: m.PingEvery, udpCrawl: m.UDPCrawlEvery}[r]
}

// Bans get longer each time. Who has stayed away for as long as the longest one is forgotten.
const (
	firstBan  = 300 * time.Second
	lastBan   = time.Hour
	maxGuests = 1 << 14
)

// A guard holds those who come to the node's manners.
type guard struct {
	manners Manners

	mu     sync.Mutex
	guests map[netip.Addr]*guest
}

type guest struct {
	came     time.Time           // last
	answered [requests]time.Time // last
	minute   time.Time           // when counting of handshakes began
	shakes   int                 // since then
	ban      time.Duration
	banned   time.Time // until
}

func newGuard(m Manners) *guard { return &guard{manners: m, guests: make(map[netip.Addr]*guest)} }

// banned tells whether somebody is not even to be answered.
func (g *guard) banned(from netip.Addr) bool {
	if g.manners.Handshakes == 0 {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Now().Before(g.guest(from).banned)
}

// shake counts a handshake. It returns for how long that bans the guest, 0 when it does not.
func (g *guard) shake(from netip.Addr) (ban time.Duration) {
	if g.manners.Handshakes == 0 {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	who, now := g.guest(from), time.Now()
	if now.Sub(who.minute) >= time.Minute {
		who.minute, who.shakes = now, 0
	}
	if who.shakes++; who.shakes <= g.manners.Handshakes {
		return 0
	}
	who.ban = min(max(firstBan, 2*who.ban), lastBan)
	who.banned = now.Add(who.ban)
	return who.ban
}

// admit tells whether a request is to be answered, and counts on that being done.
func (g *guard) admit(r request, from netip.Addr) bool {
	every := g.manners.every(r)
	if every == 0 {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	who, now := g.guest(from), time.Now()
	if now.Sub(who.answered[r]) < every {
		return false
	}
	who.answered[r] = now
	return true
}

// guest returns what is known of somebody who is here now. The caller holds mu.
func (g *guard) guest(from netip.Addr) *guest {
	from = network(from)
	now := time.Now()
	who := g.guests[from]
	if who == nil {
		if len(g.guests) >= maxGuests {
			g.forget(now)
		}
		who = &guest{}
		g.guests[from] = who
	}
	who.came = now
	return who
}

// network returns what somebody is known by: the address of IPv4, and of IPv6 the first of the network, for one customer has as
// many addresses as it likes.
func network(a netip.Addr) netip.Addr {
	if a = a.Unmap(); a.Is4() {
		return a
	}
	prefix, _ := a.WithZone("").Prefix(64) // it has that many bits
	return prefix.Addr()
}

// forget makes room: it forgets those who have stayed away for long, or everybody where there is none.
func (g *guard) forget(now time.Time) {
	for from, who := range g.guests {
		if now.Sub(who.came) >= lastBan {
			delete(g.guests, from)
		}
	}
	if len(g.guests) >= maxGuests {
		clear(g.guests)
	}
}

// banReason is how gtk-gnutella says it.
func banReason(d time.Duration) string {
	return fmt.Sprintf("Banned for %dm %ds", d/time.Minute, d%time.Minute/time.Second)
}
