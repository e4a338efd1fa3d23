package servent

import (
	"net/netip"
	"slices"
	"time"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// handlePing answers a PING on a link ("PING" in "Gnutella overlay messages"): with the own PONG when it asks whether the
// node is alive (TTL 1), with those of the neighbours when it asks for the topology (TTL 2), and otherwise with some of those
// and of what they said of others.
func (n *Node) handlePing(p *peer, m message.Message) {
	if m.TTL != 2 {
		pong := n.pong()
		pong.Tail = n.extensions(nil, netip.AddrPort{})
		p.send(message.Message{GUID: m.GUID, TTL: max(1, m.Hops+1), Body: pong})
	}
	if m.TTL < 2 || n.Role() == Leaf || m.TTL > 2 && !p.mayAsk(time.Now()) {
		return
	}
	found := n.neighbourPongs(p)
	if m.TTL > 2 {
		found = n.cachedPongs(p, found)
	}
	for _, f := range found {
		p.send(message.Message{GUID: m.GUID, TTL: max(1, m.Hops+1), Hops: f.hops + 1, Body: &f.pong})
	}
}

// mayAsk tells whether the peer has waited long enough to be told of others again.
func (p *peer) mayAsk(now time.Time) bool {
	wait := pingWait
	if p.role == Leaf {
		wait = leafPingWait
	}
	if !p.pinged.IsZero() && now.Sub(p.pinged) < wait {
		return false
	}
	p.pinged = now
	return true
}

// handlePong takes a PONG: the answer of the peer, which says whom it speaks for, or what an ultrapeer says of others.
func (n *Node) handlePong(p *peer, m message.Message, pong *message.Pong) {
	n.reportPong(pong, p.end(), m.Hops)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case m.GUID == p.ping && m.Hops == 0:
		if slices.ContainsFunc(pong.Addrs(), p.has) { // nobody speaks for a third host
			p.pong = pong
		}
	case p.role == Ultrapeer && m.Hops > 0:
		if of := preferred(pong.Addrs()); !n.isOwn(of) && plausible(of) {
			p.heard.add(heardPong{pong: pong.Bare(), of: of, hops: m.Hops, when: time.Now()})
		}
	}
}

// has tells whether an address is the peer's, whatever the port.
func (p *peer) has(a netip.AddrPort) bool {
	return a.Addr() == p.addr.Addr() || a.Addr() == p.remote.Addr()
}

// plausible tells whether a host may be told of to others.
func plausible(a netip.AddrPort) bool {
	return a.Port() != 0 && !a.Addr().IsUnspecified() && !a.Addr().IsMulticast()
}

// ask sends a PING whose PONG is kept as what the peer says of itself.
func (p *peer) ask() {
	id := message.NewGUID()
	p.mu.Lock()
	p.ping = id
	p.mu.Unlock()
	p.send(message.Message{GUID: id, TTL: 1, Body: &message.Ping{}})
}

// pong is what the node says of itself.
func (n *Node) pong() *message.Pong {
	kib := message.LeafKiB(n.cfg.Library.KiB())
	if n.Role() == Ultrapeer {
		kib = message.UltrapeerKiB(n.cfg.Library.KiB())
	}
	return &message.Pong{Addr: n.addr(), Files: n.cfg.Library.Files(), KiB: kib}
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
	if n.answersGuesses() {
		blocks = append(blocks, ggep.GUE(guessVersion))
		if asked.Has("QK") && from.IsValid() {
			blocks = append(blocks, ggep.QK(n.queryKey(from, 0)))
		}
	}
	if n.tellsTLS() {
		blocks = append(blocks, ggep.TLS())
	}
	if six := n.six(); six.IsValid() {
		blocks = append(blocks, ggep.IPv6(six.Addr()))
	}
	if n.cfg.UDPHC {
		blocks = append(blocks, ggep.UDPHC(""))
	}
	blocks = append(blocks, ggep.DU(min(time.Since(n.started), 24*time.Hour)))
	if from.IsValid() {
		if asked.Has("IP") {
			blocks = append(blocks, ggep.IP(from))
		}
		blocks = append(blocks, ggep.IPP(n.hostsFor(asked)...)...)
	}
	tail, err := ggep.Append(nil, blocks...)
	if err != nil {
		n.log.Warn("PONG without extensions", "err", err)
		return nil
	}
	return tail
}

// tellsTLS tells whether the node says that it accepts TLS, to hosts that it has no link with.
func (n *Node) tellsTLS() bool { return n.tls != nil && n.cfg.Dialect.TLS }

// hostsFor returns the hosts that a PING by UDP asks for: any by SCP, those that answer queries by UDP with QK beside it, or by
// GUE without it.
func (n *Node) hostsFor(asked ggep.Blocks) []ggep.Host {
	flags, wanted := asked.SCP()
	switch {
	case n.answersGuesses() && (wanted && asked.Has("QK") || !wanted && asked.Has("GUE")):
		return n.guessHosts(wished(flags))
	case wanted:
		return n.cached(wished(flags))
	}
	return nil
}

// cached returns the hosts to be packed into a PONG for who wishes such addresses.
func (n *Node) cached(wish families) []ggep.Host {
	var hosts []ggep.Host
	for _, a := range n.hosts(cachedHosts, wish) {
		hosts = append(hosts, ggep.Host{Addr: a})
	}
	return hosts
}
