package servent

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/internal/vicinity"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
	"gnucensus/servent/qrp"
)

// A peer is the host at the other end of a link, from its handshake on.
type peer struct {
	id     linkID         // of its seat
	remote netip.AddrPort // of the connection
	addr   netip.AddrPort // where it listens, as it says; the zero AddrPort when it does not
	role   Role           // visitor: it is nobody's neighbour
	uses   families       // of addresses, as its hello says
	as     Role           // the node's own, as the peer knows it
	guided bool           // it came as an ultrapeer and was told that none is needed; its seat is that of a leaf
	nat    bool           // it told an address of a network of its own; addr has that of the connection instead
	agent  string

	since time.Time // when the link began
	can   abilities
	link  *link.Link
	part  context.CancelCauseFunc // ends the link for a reason

	// Of the goroutine that reads the link.
	receiver qrp.Receiver
	behaved  behaviour
	pinged   time.Time // when it was last answered with the PONGs of others
	asked    []*asking // dynamic queries for it

	asking     sync.WaitGroup // the goroutines of these queries
	table      atomic.Pointer[qrp.Table]
	supports   atomic.Pointer[message.MessagesSupported]
	veto       atomic.Pointer[message.OOBProxyVeto] // nil: the leaf has none
	flow       atomic.Int32                         // one more than the hops that queries to it must not have; 0: they may have any
	duplicates atomic.Uint64                        // queries from it that had come before, from whomever
	told       bool                                 // it has been told our query routing table; guarded by the routing

	behind atomic.Pointer[message.GUID]   // the GUID for which the node is its push proxy; nil: it is not
	proxy  atomic.Pointer[netip.AddrPort] // where it is a push proxy of the node; nil: it is not

	mu    sync.Mutex
	ping  message.GUID  // of the last PING that asks whether it is alive
	pong  *message.Pong // its answer: what it says of itself; nil before it came
	heard pongs         // what it says of others
}

// visitor is the role of a crawler that is taken for a newcomer: it gets an answer to its pings, and no queries.
const visitor Role = ""

// newPeer reads a newcomer's hello.
func newPeer(hello handshake.Fields, remote netip.AddrPort) *peer {
	p := &peer{remote: remote, agent: hello.Get("User-Agent"), role: Leaf, uses: readFamilies(hello)}
	ultrapeer, known := hello.Bool("X-Ultrapeer")
	if ultrapeer || !known && hello.Has("X-Ultrapeer-Needed") { // old BearShare has no other sign
		p.role = Ultrapeer
	}
	p.addr = preferred(hello.Addrs("Node", "Listen-IP", "X-My-Address", "Node-IPv6"))
	if p.addr.IsValid() && !vicinity.Tellable(p.addr.Addr(), remote.Addr()) {
		p.addr, p.nat = netip.AddrPortFrom(remote.Addr(), p.addr.Port()), true // it knows no better
	}
	return p
}

// end is what the peer is called where it is told of: the address where it listens, else the other end of the connection.
func (p *peer) end() netip.AddrPort {
	if p.addr.IsValid() {
		return p.addr
	}
	return p.remote
}

// send queues a message. A link that cannot take it closes itself, and its reader learns why.
func (p *peer) send(m message.Message) { p.link.Send(m) }

// tell sends a vendor message about a GUID, if the peer has said that it reads such ones.
func (p *peer) tell(id message.GUID, v message.VendorMessage) {
	if body := v.Vendor(); p.knows(body.Vendor, body.Selector) {
		p.reply(id, v)
	}
}

// reply sends a vendor message that the peer waits for. LimeWire lists what it understands as a question, and not the answers
// that it reads: neither that of a push proxy nor the status of a query.
func (p *peer) reply(id message.GUID, v message.VendorMessage) {
	p.send(message.Message{GUID: id, TTL: 1, Body: v.Vendor()})
}

// knows tells whether the peer reads a vendor message.
func (p *peer) knows(vendor message.VendorCode, selector uint16) bool {
	_, ok := p.reads(vendor, selector)
	return ok
}

// reads returns the latest version of a vendor message that the peer reads, if it reads any.
func (p *peer) reads(vendor message.VendorCode, selector uint16) (version uint16, ok bool) {
	list := p.supports.Load()
	if list == nil {
		return 0, false
	}
	return list.Supports(vendor, selector)
}

// guides tells whether the peer takes the status of queries from those whose queries it asks. Who asks for it takes it, and
// LimeWire says no more than that.
func (p *peer) guides() bool { return p.knows(message.BEAR, 11) || p.knows(message.BEAR, 12) }

// crawlable tells whether the peer says that it answers UDP crawler pings.
func (p *peer) crawlable() bool { return p.knows(message.LIME, 5) || p.knows(message.LIME, 6) }

// takes tells whether the peer wants queries that have come so many hops.
func (p *peer) takes(hops uint8) bool {
	flow := p.flow.Load()
	return flow == 0 || int32(hops) < flow-1
}

// mayMatch tells whether the peer, or its leaves, may have what a query asks for: what its table says and, without a table,
// only of ultrapeers, who relay whatever comes.
func (p *peer) mayMatch(key qrp.Key) bool {
	if t := p.table.Load(); t != nil {
		return t.Match(key)
	}
	return p.role == Ultrapeer
}

// LogValue names the peer in logs.
func (p *peer) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("addr", p.addr), slog.Any("remote", p.remote), slog.String("agent", p.agent))
}
