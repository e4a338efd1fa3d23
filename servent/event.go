package servent

import (
	"errors"
	"net/netip"

	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// An Event is something that a node saw or did, apart from links that begin and end: a [QuerySeen], [HitsSent], [PongSeen] or
// [Refusal].
type Event interface{ event() }

// QuerySeen is a query that came, and had not come before.
type QuerySeen struct {
	From      netip.AddrPort // neighbour that it came from, or who asked by UDP
	Path      Path           // InBand, or Guess by UDP
	Words     string         // as sent
	TTL, Hops uint8          // as it came
}

// HitsSent are results of the node's own library that it sent.
type HitsSent struct {
	To      netip.AddrPort
	Path    Path
	Results int
}

// PongSeen is a PONG that came.
type PongSeen struct {
	From       netip.AddrPort // neighbour that it came from, or who sent the datagram
	Of         netip.AddrPort // its subject, as it says; the zero AddrPort when it does not
	Files, KiB uint32
	Hops       uint8
}

// Refusal is a handshake of which no link came, because one side said so.
type Refusal struct {
	Addr   netip.AddrPort // of the other side
	Agent  string         // of the other side, as it sent it
	Ours   bool           // the node refused
	Code   int
	Reason string // as said
}

func (QuerySeen) event() {}
func (HitsSent) event()  {}
func (PongSeen) event()  {}
func (Refusal) event()   {}

// report tells an event to who wants to know.
func (n *Node) report(e Event) {
	if n.cfg.OnEvent != nil {
		n.cfg.OnEvent(e)
	}
}

func (n *Node) reportPong(pong *message.Pong, from netip.AddrPort, hops uint8) {
	if n.cfg.OnEvent != nil { // what follows would cost something
		n.report(PongSeen{From: from, Of: preferred(pong.Addrs()), Files: pong.Files, KiB: pong.KiB, Hops: hops})
	}
}

// reportRefusal reports the refusal that an attempt to link to a host ended with, if it did.
func (n *Node) reportRefusal(addr netip.AddrPort, err error) {
	var refused *handshake.Refused
	if errors.As(err, &refused) {
		n.report(Refusal{
			Addr: addr, Agent: refused.Agent(), Ours: refused.Ours, Code: refused.Code, Reason: refused.Reason,
		})
	}
}
