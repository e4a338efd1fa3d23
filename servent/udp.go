package servent

import (
	"context"
	"net"
	"net/netip"
	"time"

	"gnucensus/servent/message"
)

// maxDatagram is the size of the largest datagram that is read.
const maxDatagram = 64 << 10

// answerDatagrams answers requests by UDP, each to where it came from, until the socket is closed.
func (n *Node) answerDatagrams(ctx context.Context, u net.PacketConn) {
	b := make([]byte, maxDatagram)
	for {
		size, from, err := u.ReadFrom(b)
		if err != nil {
			if ctx.Err() == nil {
				n.log.Warn("cannot read datagrams", "err", err)
			}
			return
		}
		m, err := message.ParseDatagram(b[:size])
		if err == nil {
			m, err = message.Inflate(m)
		}
		if err != nil {
			continue
		}
		body := n.answerDatagram(m, addrPort(from))
		if body == nil {
			continue
		}
		answer := message.Message{GUID: m.GUID, TTL: 1, Body: body}
		if m.TTL&message.TTLInflates != 0 {
			answer = message.Deflate(answer)
		}
		datagram, err := message.Append(nil, answer)
		if err != nil {
			n.log.Warn("no answer", "remote", from, "err", err)
			continue
		}
		u.WriteTo(datagram, from) // a datagram may be lost anywhere, so also here
	}
}

// answerDatagram returns the answer to a request, nil when there is none.
func (n *Node) answerDatagram(m message.Message, from netip.AddrPort) message.Body {
	switch body := m.Body.(type) {
	case *message.Ping:
		n.pinged(m.GUID)
		if !n.guard.admit(udpPing, from.Addr()) {
			return nil
		}
		pong := n.pong()
		pong.Tail = n.extensions(body.GGEP(), from)
		return pong
	case *message.Pong:
		n.takeDatagramPong(m.GUID, body, from)
	case *message.Query:
		n.answerGuess(m, body, from)
	case *message.Vendor:
		if ping, err := message.ParseCrawlerPing(body); err == nil && n.cfg.Dialect.UDPCrawl && n.guard.admit(udpCrawl, from.Addr()) {
			return n.crawlerPong(ping).Vendor()
		}
		n.handleDatagramVendor(m, body, from)
	case *message.QueryHit:
		n.takeDatagramHit(m, body, from)
	case *message.Push:
		n.takeDatagramPush(m, body, from)
	}
	return nil
}

// handleDatagramVendor takes what is said of hits out of band, and answers questions about files.
func (n *Node) handleDatagramVendor(m message.Message, v *message.Vendor, from netip.AddrPort) {
	opened, err := v.Open()
	if err != nil {
		return // of a kind, or a version, that the node does not know
	}
	switch body := opened.(type) {
	case *message.OOBReplyNumber:
		n.claim(m.GUID, body, from)
	case *message.OOBReplyAck:
		n.deliver(m, body, from)
	case *message.HeadPing:
		if pong := n.headPong(body, from); pong != nil {
			n.sendDatagram(from, message.Message{GUID: m.GUID, TTL: 1, Body: pong.Vendor()})
		}
	}
}

// crawlerPong lists the neighbours ("UDP crawler ping").
func (n *Node) crawlerPong(ping *message.CrawlerPing) *message.CrawlerPong {
	pong := &message.CrawlerPong{
		Features: ping.Features & n.cfg.Dialect.Features,
		Uptime:   time.Since(n.started).Truncate(time.Second),
	}
	var agents []string
	list := func(role Role, wanted uint8) (entries []message.CrawlerEntry) {
		for _, p := range n.seats.neighbours(role) {
			if len(entries) == int(wanted) {
				break
			}
			if !p.addr.Addr().Is4() || role == Ultrapeer && pong.Features&message.FeatureNew != 0 && !p.crawlable() {
				continue // an entry has no room for it, or it is not asked for
			}
			minutes := uint16(min(time.Since(p.since)/time.Minute, 1<<16-1))
			entries = append(entries, message.CrawlerEntry{Addr: p.addr, Minutes: minutes, Locale: [2]byte{'e', 'n'}})
			agents = append(agents, p.agent)
		}
		return entries
	}
	pong.Ultrapeers = list(Ultrapeer, ping.Ultrapeers)
	pong.Leaves = list(Leaf, ping.Leaves)
	if pong.Features&message.FeatureAgents != 0 {
		pong.Tail = message.PackAgents(n.cfg.Dialect.Packing, agents, n.cfg.Agent)
	}
	return pong
}
