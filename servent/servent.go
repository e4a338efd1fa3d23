// Package servent is a Gnutella node, server and client in one: an ultrapeer or a leaf that links itself to others, answers
// pings and crawlers, shares a library, and routes queries and their hits.
//
// Who connects is told apart by its first bytes: a handshake, a request for files, GIV from a servent that was called, or TLS with
// one of these within. TLS is that of gtk-gnutella, in [handshake.TLS]; with LimeWire and its descendants, whose TLS is anonymous,
// links are in plaintext.
//
// A node behind a firewall finds that out by itself, and has ultrapeers pass PUSHes on to it. It opens connections for others,
// by PUSH or to help them find out, only to addresses that may be theirs, and seldom to the same one.
//
// One goroutine reads each link and handles its messages; what goes out to other links waits in their bounded queues, so no
// link waits for another. What a node tells of itself is what it is; how it tells it is its [Dialect].
package servent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"gnucensus/servent/ggep"
	"gnucensus/servent/library"
	"gnucensus/servent/message"
	"gnucensus/servent/transfer"
)

// A Net is the way out to the network, as package net means its methods. Connections that a node accepts need none.
type Net interface {
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	ListenPacket(ctx context.Context, network, addr string) (net.PacketConn, error)
}

// Internet is the Net of package net, without any limit.
type Internet struct {
	net.Dialer
	net.ListenConfig
}

// A Role is the part that a node plays in the overlay.
type Role string

// The roles. An ultrapeer relays for the others; a leaf relays nothing, and its ultrapeers relay for it.
const (
	Ultrapeer Role = "ultrapeer"
	Leaf      Role = "leaf"
)

// Auto is the role of a node that is an ultrapeer or a leaf, as the network needs; see [Node.Role].
const Auto Role = "auto"

// Slots are how many links a node keeps to neighbours of each role, whoever dialled. A leaf has none for leaves.
type Slots struct{ Ultrapeers, Leaves int }

// A Config is what a node is told at its start.
type Config struct {
	Net    Net                                                                   // way out; nil: Internet
	Listen func(ctx context.Context, network, addr string) (net.Listener, error) // nil: package net

	Addr       netip.AddrPort   // address and port where it listens, TCP and UDP, and which it tells others; see [Node.Addr]
	Addr6      netip.AddrPort   // the same of IPv6, where Addr is one of IPv4; the zero AddrPort: none
	Firewalled bool             // it listens nowhere and only dials out
	Role       Role             // Ultrapeer, Leaf or Auto
	GUID       message.GUID     // of the servent; zero: a random one
	Agent      string           // User-Agent, and the last of the agents in a UDP crawler pong
	Vendor     ggep.Vendor      // in PONGs and QUERY HITs
	Dialect    Dialect          // how it answers
	Slots      Slots            // for those who come; what it dials itself is counted, but not limited
	Library    *library.Library // what it shares; nil: nothing
	Manners    Manners          // that it demands of those who come
	Deflate    bool             // links that it dials may be compressed; for those who come, the dialect decides
	TLS        bool             // links may be encrypted, where the other side can do it; see [handshake.TLS]
	Old        bool             // it speaks the 0.4 handshake with those who know no other
	Bootstrap  Bootstrap        // how many links it wants, and where it finds hosts for them
	UDPHC      bool             // it is a UDP host cache that others may name: its PONGs say so
	Connect    []netip.AddrPort // hosts that it dials, and dials again when the link is lost
	Known      []netip.AddrPort // its host cache: whom it names to those who look for hosts, before its own neighbours

	// Uploads says how it serves files over HTTP: slots, queue and rate; Agent, Library, Hit, Push and Log are the node's own.
	// Who can connect to nobody behind a firewall is called by PUSH. Nil: it serves none.
	Uploads *transfer.Config

	// Substitute: as an ultrapeer it asks queries of leaves in its own name, so that hits come by UDP, unless they veto it. Hits
	// that a leaf gets then tell nothing of the hops between it and the responder.
	Substitute bool

	HopWait   time.Duration // a dynamic query waits so long for results, for each link that a copy may travel; zero: 2.4 s
	GuessWait time.Duration // from one ultrapeer to the next that is asked by UDP; zero: 1 s
	HitWait   time.Duration // from one hit by UDP to the next to the same host, and up to three times that; zero: 2.5 s
	Results   int           // that an own query of an ultrapeer should find, and three queries of a leaf; zero: 150
	TableWait time.Duration // for which changes of the query routing table gather until neighbours are told; zero: 60 s

	// Called once, when the node has all its sockets, when a link begins or ends, and when something else happens, from many
	// goroutines, which wait meanwhile. Nil: nobody wants to know.
	OnListen func()
	OnLink   func(LinkEvent)
	OnEvent  func(Event)

	Log *slog.Logger // nil: discards
}

// A LinkEvent says that a link to another host began or ended.
type LinkEvent struct {
	Addr  netip.AddrPort // where the neighbour listens; the zero AddrPort when it did not say
	Role  Role           // of the neighbour; empty for a visitor that the node took for a neighbour to be
	Agent string         // as the neighbour sent it
	Began bool           // false: it ended
}

// Validate tells what keeps a node from running with the configuration.
func (c Config) Validate() error {
	switch {
	case !c.Addr.IsValid() || c.Addr.Addr().Is4In6() || c.Addr.Port() == 0:
		return fmt.Errorf("address %v: a node has an address and a port", c.Addr)
	case c.Addr6.IsValid() && !(c.Addr6.Addr().Is6() && c.Addr.Addr().Is4() && c.Addr6.Port() == c.Addr.Port()):
		return fmt.Errorf("addresses %v and %v: the second is one of IPv6 beside one of IPv4, with the same port", c.Addr, c.Addr6)
	case c.Role != Ultrapeer && c.Role != Leaf && c.Role != Auto:
		return fmt.Errorf("role %q: a node is an ultrapeer, a leaf, or auto", c.Role)
	case c.Role == Leaf && c.Slots.Leaves != 0:
		return errors.New("slots for leaves: a leaf has none")
	case min(c.Manners.CrawlEvery, c.Manners.PingEvery, c.Manners.UDPCrawlEvery, time.Duration(min(c.Manners.Handshakes, c.Manners.Guesses))) < 0:
		return fmt.Errorf("manners %+v: none may be negative", c.Manners)
	case min(c.HopWait, c.GuessWait, c.HitWait, c.TableWait) < 0 || c.Results < 0:
		return fmt.Errorf("waits %v, %v, %v and %v, %d results: none may be negative",
			c.HopWait, c.GuessWait, c.HitWait, c.TableWait, c.Results)
	case c.Bootstrap.Links < 0:
		return fmt.Errorf("links %d: they may not be negative", c.Bootstrap.Links)
	case c.Slots.Ultrapeers < 0 || c.Slots.Leaves < 0:
		return fmt.Errorf("slots %+v: none may be negative", c.Slots)
	}
	return nil
}

// withDefaults returns the configuration with its zero fields replaced.
func (c Config) withDefaults() Config {
	if c.Net == nil {
		c.Net = &Internet{}
	}
	if c.Listen == nil {
		c.Listen = new(net.ListenConfig).Listen
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.GUID == (message.GUID{}) {
		c.GUID = message.NewGUID()
	}
	if c.HopWait == 0 {
		c.HopWait = defaultHopWait
	}
	if c.GuessWait == 0 {
		c.GuessWait = defaultGuessWait
	}
	if c.HitWait == 0 {
		c.HitWait = defaultHitWait
	}
	if c.Results == 0 {
		c.Results = defaultResults
	}
	if c.TableWait == 0 {
		c.TableWait = defaultTableWait
	}
	return c
}

// Defaults of a configuration, as other servents have them.
const (
	defaultHopWait   = 2400 * time.Millisecond
	defaultGuessWait = time.Second
	defaultHitWait   = 2500 * time.Millisecond
	defaultResults   = 150
	defaultTableWait = time.Minute
)

// Limits of a node. Every wait ends with one of them or with a message.
const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 10 * time.Second
	handshakes       = 64                     // with those who come, at once
	acceptAgain      = 100 * time.Millisecond // after the system refused
	redialFirst      = 100 * time.Millisecond
	redialLast       = 10 * time.Second // the wait doubles from the first to the last
	aliveAfter       = 60 * time.Second // of silence on a link, a PING asks whether it is alive
	aliveTries       = 3                // PINGs without an answer
	farewell         = 2 * time.Second  // for the last messages of a link
	visitors         = 16               // at once
	visitTime        = 15 * time.Second
	cachedHosts      = 30 // in a PONG
	triedHosts       = 10 // in a refusal
	pongsPerPing     = 10
	pongsKept        = 10               // of each neighbour
	pongLife         = 60 * time.Second // for which they are passed on
	discoverAfter    = 30 * time.Second // between PINGs that ask for more of them
	pingWait         = 3 * time.Second  // between two PINGs of a neighbour that are answered with them …
	leafPingWait     = 60 * time.Second // … and of a leaf
	tableScan        = 60 * time.Second // between looks at the library for a change
	maxTTL           = 4                // that a query may have before it, with its hops behind it
	hardTTL          = 15               // above it a query is dropped
	hitExtraTTL      = 5
	resultsPerHit    = 10
	resultsPerQuery  = 100
	queriesKept      = 1 << 17   // ways that hits go back, and up to twice as many
	serventsKept     = 1 << 14   // ways that PUSHes go, and up to twice as many
	sendQueue        = 256 << 10 // bytes on each link: a popular query's hits come back all at once
)
