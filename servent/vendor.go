package servent

import (
	"slices"

	"gnucensus/servent/message"
)

// mostSupported is how many vendor messages a neighbour is known to read; servents list about thirty.
const mostSupported = 128

// handleVendor takes a vendor message of a neighbour; the ones that are for relaying or unknown are passed over.
func (n *Node) handleVendor(p *peer, m message.Message, v *message.Vendor) {
	if m.Hops > 0 || m.TTL > 1 || p.role == visitor {
		return
	}
	opened, err := v.Open()
	if err != nil {
		return // of a kind, or a version, that the node does not know
	}
	switch body := opened.(type) {
	case *message.MessagesSupported:
		body.Messages = slices.Clone(body.Messages[:min(mostSupported, len(body.Messages))])
		p.supports.Store(body)
		n.seekProxy(p)
		n.veto(p)
		n.wall.stir()
	case *message.HopsFlow:
		p.flow.Store(int32(body.Hops) + 1)
	case *message.QueryStatusRequest:
		if a := n.askings.find(m.GUID); a != nil && a.hit != nil {
			p.reply(m.GUID, queryStatus(a.kept()))
		}
	case *message.QueryStatus:
		if a := n.askings.find(m.GUID); a != nil && a.leaf == p {
			a.report(body.Results)
		}
	case *message.OOBProxyVeto:
		p.veto.Store(body)
	case *message.TCPConnectBack:
		n.knock(p, body.Port)
	case *message.UDPConnectBack:
		n.pingBack(p, m.GUID, body)
	case *message.PushProxyRequest:
		n.becomeProxy(p, m.GUID)
	case *message.PushProxyAck:
		n.takeProxy(p, m.GUID, body)
	case *message.PushProxyCancel:
		p.behind.Store(nil)
	}
}

// Hops flow that a congested link asks for, and what it takes back when it is free.
const (
	noQueries  = 0
	allQueries = 255
)

// controlFlow asks a peer that does not read what it is sent for no more queries, until it has read.
func (p *peer) controlFlow(congested bool) {
	hops := uint8(allQueries)
	if congested {
		hops = noQueries
	}
	p.tell(message.GUID{}, &message.HopsFlow{Hops: hops})
}
