package servent

import (
	"net/netip"
	"time"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// handlePing answers a PING on a link ("PING" in "Gnutella overlay messages"): with the own PONG when it asks whether the
// node is alive (TTL 1), with those of the neighbours when it asks for the topology (TTL 2), with some of both otherwise.
func (n *Node) handlePing(p *peer, m message.Message) {
	if m.TTL != 2 {
		pong := n.pong()
		pong.Tail = n.extensions(nil, netip.AddrPort{})
		p.send(message.Message{GUID: m.GUID, TTL: m.Hops + 1, Body: pong})
	}
	if m.TTL < 2 || n.Role() == Leaf {
		return
	}
	passed := 0
	for _, other := range n.seats.neighbours(Ultrapeer) {
		said := other.said()
		if other == p || said == nil {
			continue
		}
		if passed++; m.TTL > 2 && passed > pongsPerPing {
			break
		}
		pong := &message.Pong{Addr: said.Addr, Files: said.Files, KiB: said.KiB}
		p.send(message.Message{GUID: m.GUID, TTL: m.Hops + 1, Hops: 1, Body: pong})
	}
}

// pong is what the node says of itself.
func (n *Node) pong() *message.Pong {
	kib := message.LeafKiB(n.cfg.Library.KiB())
	if n.Role() == Ultrapeer {
		kib = message.UltrapeerKiB(n.cfg.Library.KiB())
	}
	return &message.Pong{Addr: n.cfg.Addr, Files: n.cfg.Library.Files(), KiB: kib}
}

// extensions is the GGEP of an own PONG that answers a PING with the given extensions, which came from a datagram's source
// or, with the zero AddrPort, over a link.
func (n *Node) extensions(asked ggep.Blocks, from netip.AddrPort) []byte {
	if !n.cfg.Dialect.GGEP {
		return nil
	}
	var blocks []ggep.Block
	if n.cfg.Dialect.VC {
		blocks = append(blocks, ggep.VC(n.cfg.Vendor))
	}
	if n.Role() == Ultrapeer {
		blocks = append(blocks, ggep.UP(ggep.Slots{
			Leaf: uint8(min(n.seats.free(Leaf), 255)), Ultrapeer: uint8(min(n.seats.free(Ultrapeer), 255)),
		}))
	}
	if n.tls != nil {
		blocks = append(blocks, ggep.TLS())
	}
	blocks = append(blocks, ggep.DU(min(time.Since(n.started), 24*time.Hour)))
	if from.IsValid() {
		if asked.Has("IP") {
			blocks = append(blocks, ggep.IP(from))
		}
		if _, wanted := asked.SCP(); wanted {
			blocks = append(blocks, ggep.IPP(n.cached()...)...)
		}
	}
	tail, err := ggep.Append(nil, blocks...)
	if err != nil {
		n.log.Warn("PONG without extensions", "err", err)
		return nil
	}
	return tail
}

// cached returns the hosts to be packed into a PONG.
func (n *Node) cached() []ggep.Host {
	var hosts []ggep.Host
	for _, a := range n.hosts(cachedHosts) {
		hosts = append(hosts, ggep.Host{Addr: a})
	}
	return hosts
}
