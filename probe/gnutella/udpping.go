package gnutella

import (
	"fmt"
	"net/netip"
	"strings"

	"gnucensus/probe"
	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// vendor is the code by which a PING of the census says whose it is; the version byte is major<<4 | minor.
var vendor = ggep.Vendor{Code: [4]byte{'C', 'E', 'N', 'S'}, Version: 0x01}

// scpPing is the PING of "UDP host caches": it asks for the host's own PONG and for hosts of its cache, ultrapeers with free
// slots where the servent can choose, of both IP families, and for contacts of the DHT, which are servents too.
var scpPing = mustPing(append(ggep.DHTIPP(), ggep.SCP(ggep.SCPUltrapeer|ggep.SCPIPv6), ggep.VC(vendor))...)

func mustPing(blocks ...ggep.Block) *message.Ping {
	tail, err := ggep.Append(nil, blocks...)
	if err != nil {
		panic(err) // the blocks are constants
	}
	return &message.Ping{Tail: tail}
}

// askPong asks a host for its PONG and for hosts of its cache.
var askPong = &question{method: probe.UDPPing, body: scpPing, read: func(r *record, a reply) probe.Observation {
	pong, ok := a.Body.(*message.Pong)
	if !ok {
		return r.end(probe.Garbage, fmt.Sprintf("%v in answer to a PING", a.Type()))
	}
	r.source(a.from)
	r.ownPong(pong)
	r.cached(pong.GGEP())
	return r.end(probe.Answered, "")
}}

// cached keeps whom a PONG names from the host's caches: servents, contacts of the DHT, other UDP host caches.
func (r *record) cached(x ggep.Blocks) {
	for _, h := range x.IPP() {
		r.name(probe.Cached, h.Addr)
	}
	contacts, _ := x.DHTIPP()
	r.name(probe.DHTContact, contacts...)
	r.note(fieldCaches, strings.Join(x.PHC(), " "))
}

// source keeps who answered, when it is not who was asked.
func (r *record) source(from netip.AddrPort) {
	if from != r.Addr {
		r.note(fieldSource, from.String())
	}
}
