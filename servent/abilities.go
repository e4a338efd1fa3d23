package servent

import (
	"strconv"
	"strings"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// Abilities are what the fields of a peer's handshake say that it can do.
type abilities struct {
	routing bool  // it takes the query routing table of a leaf
	lastHop bool  // it exchanges tables with other ultrapeers
	dynamic bool  // it sends queries by dynamic querying, so it has many links to which they must not all go
	probes  bool  // it relays a query again that comes with a larger TTL
	vendor  bool  // it reads vendor messages
	pongs   bool  // it answers PINGs from a cache
	guess   bool  // it answers queries by UDP
	degree  int   // links to ultrapeers
	maxTTL  uint8 // that it wants queries to have
}

// What is assumed of peers that do not say it, and what they cannot exceed.
const (
	plainDegree = 8
	mostDegree  = 50
)

// readAbilities reads a hello or an answer.
func readAbilities(f handshake.Fields) abilities {
	number := func(name string, standard, most int) int {
		n, err := strconv.Atoi(f.Get(name))
		if err != nil || n < 1 {
			return standard
		}
		return min(n, most)
	}
	return abilities{
		routing: f.Has("X-Query-Routing"),
		lastHop: f.Has("X-Ultrapeer-Query-Routing"),
		dynamic: f.Has("X-Dynamic-Querying"),
		probes:  f.Has("X-Ext-Probes"),
		vendor:  f.Has("Vendor-Message"),
		pongs:   f.Has("Pong-Caching"),
		guess:   f.Has("X-Guess"),
		degree:  number("X-Degree", plainDegree, mostDegree),
		maxTTL:  uint8(number("X-Max-TTL", maxTTL, maxTTL)),
	}
}

// abilities are the fields that hello and answer of a node in a role share ("Header fields" in "Gnutella 0.6 handshake").
func (n *Node) abilities(as Role) handshake.Fields {
	d, ultrapeer := n.cfg.Dialect, as == Ultrapeer
	f := handshake.Fields{{Name: "X-Ultrapeer", Value: capital(ultrapeer)}}
	for _, field := range []struct {
		name, value string
		true        bool
	}{
		{"Pong-Caching", "0.1", d.Dynamic && ultrapeer},
		{"GGEP", "0.5", d.GGEP},
		{"Bye-Packet", "0.1", d.Bye},
		{"Vendor-Message", "0.2", d.Dynamic},
		{"X-Requeries", "False", d.Dynamic},
		{"X-Query-Routing", "0.1", true},
		{"X-Ultrapeer-Query-Routing", "0.1", d.Dynamic},
		{"X-Dynamic-Querying", "0.1", d.Dynamic},
		{"X-Ext-Probes", "0.1", d.Dynamic && ultrapeer},
		{"X-Guess", "0.2", d.Guess && ultrapeer && !n.cfg.Firewalled},
		{"X-Degree", strconv.Itoa(n.degree(as)), true},
		{"X-Max-TTL", strconv.Itoa(maxTTL), true},
		{"X-Features", n.features(), n.features() != ""},
		{"X-Live-Since", n.started.Format(time.RFC1123Z), true},
	} {
		if field.true {
			f = append(f, handshake.Field{Name: field.name, Value: field.value})
		}
	}
	return f
}

// usualDegree is what a leaf tells: LimeWire takes no leaf that as an ultrapeer would have fewer links than 15.
const usualDegree = 32

// degree is how many links to ultrapeers the node has room for as an ultrapeer.
func (n *Node) degree(as Role) int {
	if as == Leaf {
		return usualDegree
	}
	return max(1, n.cfg.Slots.Ultrapeers)
}

// features is the list of X-Features.
func (n *Node) features() string {
	var words []string
	if n.tls != nil {
		words = append(words, "tls/1.0")
	}
	if ip := n.families().feature(); ip != "" {
		words = append(words, ip)
	}
	return strings.Join(words, ", ")
}

func capital(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// supportedMessages are the vendor messages that the node reads, on a link or by UDP.
func (n *Node) supportedMessages() *message.MessagesSupported {
	list := []message.SupportedMessage{
		{Vendor: message.BEAR, Selector: 4, Version: 1},           // hops flow
		{Vendor: message.BEAR, Selector: 7, Version: 1},           // TCP connect back
		{Vendor: message.BEAR, Selector: 11, Version: 1},          // query status request
		{Vendor: message.BEAR, Selector: 12, Version: 1},          // query status
		{Vendor: message.GTKG, Selector: 7, Version: 2},           // UDP connect back
		{Vendor: message.LIME, Selector: 11, Version: securedOOB}, // out-of-band acknowledgement
		{Vendor: message.LIME, Selector: 12, Version: securedOOB}, // out-of-band indication
		{Vendor: message.LIME, Selector: 13, Version: 1},          // out-of-band proxy veto
		{Vendor: message.LIME, Selector: 22, Version: 2},          // push proxy acknowledgement
	}
	if n.cfg.Dialect.UDPCrawl {
		list = append(list,
			message.SupportedMessage{Vendor: message.LIME, Selector: 5, Version: 1}, // UDP crawler ping
			message.SupportedMessage{Vendor: message.LIME, Selector: 6, Version: 1}) // whose answer is what LimeWire looks for
	}
	if n.mayBeProxy() {
		list = append(list,
			message.SupportedMessage{Vendor: message.GTKG, Selector: 21, Version: 1}, // push proxy cancel
			message.SupportedMessage{Vendor: message.LIME, Selector: 21, Version: 1}) // push proxy request
	}
	return &message.MessagesSupported{Messages: list}
}

// supportedFeatures are its other features: that its query routing tables may be patched with entries of one bit, and whether
// others can connect to it.
func (n *Node) supportedFeatures() *message.FeaturesSupported {
	incoming := message.Feature{Name: [4]byte{'T', 'C', 'P', 'I'}, Value: 1}
	if n.walled() {
		incoming.Value = 0
	}
	return &message.FeaturesSupported{Features: []message.Feature{{Name: [4]byte{'Q', 'R', 'P', '1'}, Value: 1}, incoming}}
}

// introduce sends what a neighbour must know before all else ("After the handshake").
func (n *Node) introduce(p *peer) {
	if n.cfg.Dialect.Dynamic && p.can.vendor {
		p.send(message.Message{TTL: 1, Body: n.supportedMessages().Vendor()})
		p.send(message.Message{TTL: 1, Body: n.supportedFeatures().Vendor()})
	}
	n.tellTable(p)
	p.ask()
}
