package gnutella

import (
	"context"
	"fmt"
	"strconv"

	"gnucensus/probe"
	"gnucensus/servent/message"
)

// What a UDP crawler ping asks for: all links, of which 255 of a kind can be listed, or fewer, whose list is more likely to
// arrive. A list of as many as were asked for may be cut off there.
const (
	wantAll  = 255
	wantLess = 100
)

// udpCrawl asks a host for its links by "UDP crawler ping / pong".
func (p *Prober) udpCrawl(ctx context.Context, e probe.Endpoint) probe.Observation {
	return p.askLinks(ctx, newRecord(e, probe.UDPCrawl), wantAll)
}

// udpCrawlLess asks for some of them.
func (p *Prober) udpCrawlLess(ctx context.Context, e probe.Endpoint) probe.Observation {
	r := newRecord(e, probe.UDPCrawl)
	r.note(fieldWanted, strconv.Itoa(wantLess))
	return p.askLinks(ctx, r, wantLess)
}

// askLinks asks for no more than is kept, since every feature makes the answer longer, and long datagrams are lost more easily.
func (p *Prober) askLinks(ctx context.Context, r *record, wanted uint8) probe.Observation {
	ping := &message.CrawlerPing{
		Ultrapeers: wanted, Leaves: wanted,
		Features: message.FeatureAgents | message.FeatureUptime | message.FeatureDHT,
	}
	reply, err := p.udp.ask(ctx, r.Addr, ping.Vendor(), p.cfg.UDP)
	if err != nil {
		return r.fail(ctx, err)
	}
	v, ok := reply.Body.(*message.Vendor)
	if !ok {
		return r.end(probe.Garbage, fmt.Sprintf("%v in answer to a UDP crawler ping", reply.Type()))
	}
	pong, err := message.ParseCrawlerPong(v)
	if err != nil {
		return r.end(probe.Garbage, err.Error())
	}
	r.source(reply.from)
	r.crawlerPong(pong, int(wanted))
	return r.end(probe.Answered, "")
}

// crawlerPong keeps what a host says of itself and of its links. Only ultrapeers have leaves, but an ultrapeer may have none.
func (r *record) crawlerPong(pong *message.CrawlerPong, wanted int) {
	for _, entry := range pong.Ultrapeers {
		r.name(probe.PeerLink, entry.Addr)
	}
	for _, entry := range pong.Leaves {
		r.name(probe.LeafLink, entry.Addr)
	}
	if len(pong.Leaves) > 0 {
		r.Role = probe.Ultrapeer
	}
	if len(pong.Ultrapeers) >= wanted || len(pong.Leaves) >= wanted {
		r.note(fieldTrimmed, "true")
	}
	if _, own, err := pong.Agents(); err == nil {
		r.Agent = cut(own, maxText)
	}
	if pong.Features&message.FeatureUptime != 0 && pong.Uptime <= maxUptime {
		r.Uptime = &pong.Uptime
		r.note(fieldUptime, "session average")
	}
	if pong.Features&message.FeatureDHT != 0 && pong.DHT&message.CrawlerDHTActive != 0 {
		r.note(fieldDHT, "active")
	}
}
