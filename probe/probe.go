// Package probe is the vocabulary that every part of a census shares: an [Endpoint] is where we knock, an [Observation] is
// one conversation with it by one [Method], an [Outcome] is how that conversation ended, and a [Prober] holds such
// conversations.
//
// A failed visit is data, so probing returns no error: failing is an outcome. A fact that was not measured is nil, never
// zero. What hosts say of themselves is kept as they said it; only control characters are removed, by the reader's side.
package probe

import (
	"context"
	"net/netip"
	"time"
)

// A Network names an overlay network, as the database spells it.
type Network string

// Gnutella is the network of servents that speak GNUTELLA CONNECT.
const Gnutella Network = "gnutella"

// An Endpoint is a network and an address on it. It is the key of everything that is known of a host, but not its
// identity: a host that changes its port is two endpoints, two hosts behind one address translator may be one.
type Endpoint struct {
	Network Network
	Addr    netip.AddrPort
}

// String returns the address, without the network.
func (e Endpoint) String() string { return e.Addr.String() }

// A Method is one way to converse with a host. Each sees another part of the truth, so each observation names its own.
type Method string

// The methods of a Gnutella census, as the database spells them.
const (
	TCPCrawl    Method = "tcp-crawl" // crawl handshake: the host lists its links
	Leaf        Method = "leaf"      // handshake as a leaf, then PINGs on the link
	XTryHarvest Method = "x-try"     // handshake as a leaf for the hosts that a refusal names, and no link
	UDPPing     Method = "udp-ping"  // PING with SCP: the host's own PONG and hosts of its cache
	UDPCrawl    Method = "udp-crawl" // UDP crawler ping: the host lists its links
	Guess       Method = "guess"     // request for a query key of GUESS: other hosts that answer GUESS queries
	Query       Method = "query"     // a query asked through the host, as its leaf
	PassedOver  Method = "none"      // no conversation: the walk did not visit the host
	Import      Method = "import"    // read from a file that somebody else's crawl wrote
)

// Converses tells whether an observation by the method is of a conversation, which took some time.
func (m Method) Converses() bool { return m != PassedOver && m != Import }

// A Role is the part that a host plays in the overlay, as told by itself or by the host it is linked to.
type Role string

// The two roles, and the absence of any word on it.
const (
	UnknownRole Role = ""
	Ultrapeer   Role = "ultrapeer"
	LeafRole    Role = "leaf"
)

// A Relation says how one host came to name another.
type Relation string

// PeerLink and LeafLink are edges: the host says that it is linked to the other now. All others are rumours: an address
// that the host has heard of, and no edge.
const (
	PeerLink   Relation = "peer"  // linked to an ultrapeer
	LeafLink   Relation = "leaf"  // linked to a leaf of its own
	XTry       Relation = "x-try" // named in a refusal, or beside an acceptance, as a host to try instead
	Cached     Relation = "ipp"   // packed into a PONG from the host's cache
	DHTContact Relation = "dht"   // packed into a PONG from the host's contacts of the Mojito DHT
	Ponged     Relation = "pong"  // subject of a PONG that the host passed on
)

// Edge tells whether the relation is a link that the host itself reports.
func (r Relation) Edge() bool { return r == PeerLink || r == LeafLink }

// A Peer is another host that the observed one named.
type Peer struct {
	Endpoint
	Relation Relation
}

// A Hit is one QUERY HIT descriptor: some host answers the query that its Observation asked.
type Hit struct {
	Responder  Endpoint      // address inside the hit, as the responder states it
	Servent    [16]byte      // servent GUID of the responder
	Delay      time.Duration // from sending the query to receiving the hit
	Hops       uint8         // links that the hit travelled, counting ours
	Results    int           // files in the hit
	Vendor     string        // four-letter vendor code, empty when the hit has none
	Firewalled *bool         // push flag; nil when the hit does not tell
}

// An Observation is one conversation with one host by one method. It is a value: nobody changes it once it is made.
type Observation struct {
	Endpoint
	Method  Method
	Started time.Time
	Took    time.Duration // nothing where the Method held no conversation
	Outcome Outcome
	Detail  string // status line of a refusal, or the error; text from the network, not yet cleaned for display

	Agent  string         // software, as the host names itself; empty when it did not
	Role   Role           // UnknownRole when not told
	Files  *int64         // files that the host claims to share; nil: not measured
	KiB    *int64         // KiB that it claims to share, as sent; ultrapeers round theirs to a power of two, so do not sum
	Uptime *time.Duration // by UDPPing of an average day, by UDPCrawl of an average session, else since the start; nil: not measured

	Peers []Peer // whom it named, in its own order, duplicates removed
	Query string // words asked; empty unless Method is Query
	Hits  []Hit  // answers, in the order of arrival; nil unless Method is Query

	Fields map[string]string // facts of this network alone
}

// A Visit is all conversations with one host, one after another.
type Visit struct {
	Endpoint
	Observations []Observation
}

// Cut tells whether the visit was cut off, in one of its conversations or before the first.
func (v Visit) Cut() bool {
	return len(v.Observations) == 0 || v.some(func(o Outcome) bool { return o == Cancelled })
}

// Visited tells whether some conversation ended in an outcome about the host: none does where the pacer forbade all of them.
func (v Visit) Visited() bool { return v.some(Outcome.Visited) }

// Reached tells whether a servent spoke to us.
func (v Visit) Reached() bool { return v.some(Outcome.Reached) }

// TimedOut tells whether nobody was met and, of those conversations that the host might have answered, none ended but by
// time or by a limit of this machine: another visit may have more luck.
func (v Visit) TimedOut() bool {
	late := func(o Outcome) bool { return o == ConnectTimeout || o == Timeout || o == Silent || o == LocalLimit }
	return v.some(late) && !v.some(func(o Outcome) bool { return o.Visited() && !late(o) })
}

func (v Visit) some(is func(Outcome) bool) bool {
	for i := range v.Observations {
		if is(v.Observations[i].Outcome) {
			return true
		}
	}
	return false
}

// A Prober converses with hosts, many at a time. Survey visits the hosts that it receives, and sends each visit when it has
// ended, in any order and several together. Soon after ctx ends it sends those that are under way as cut off, and so all that
// it still receives. It returns when hosts is closed and no visit is under way. Who calls it keeps receiving meanwhile, and
// lets go of the slices that it sends.
type Prober interface {
	Survey(ctx context.Context, hosts <-chan []Endpoint, visits chan<- []Visit)
}

// A Seeder finds the first endpoints of a walk.
type Seeder interface {
	Seeds(ctx context.Context) ([]Endpoint, error)
}
