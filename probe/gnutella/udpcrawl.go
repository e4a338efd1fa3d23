package gnutella

import (
	"context"
	"fmt"

	"gnucensus/probe"
	"gnucensus/servent/message"
)

// wantAll in a UDP crawler ping asks for all links; a list of as many is cut off there.
const wantAll = 255

// udpCrawl asks a host for its links by "UDP crawler ping / pong". It asks for no more than is kept, since every feature
// makes the answer longer, and long datagrams are lost more easily.
func (p *Prober) udpCrawl(ctx context.Context, e probe.Endpoint) probe.Observation {
	r := newRecord(e, probe.UDPCrawl)
	ping := &message.CrawlerPing{
		Ultrapeers: wantAll, Leaves: wantAll,
		Features: message.FeatureAgents | message.FeatureUptime | message.FeatureDHT,
	}
	reply, err := p.udp.ask(ctx, e.Addr, ping.Vendor(), p.cfg.UDP)
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
	r.crawlerPong(pong)
	return r.end(probe.Answered, "")
}

// crawlerPong keeps what a host says of itself and of its links. Only ultrapeers have leaves, but an ultrapeer may have none.
func (r *record) crawlerPong(pong *message.CrawlerPong) {
	for _, entry := range pong.Ultrapeers {
		r.name(probe.PeerLink, entry.Addr)
	}
	for _, entry := range pong.Leaves {
		r.name(probe.LeafLink, entry.Addr)
	}
	if len(pong.Leaves) > 0 {
		r.Role = probe.Ultrapeer
	}
	if len(pong.Ultrapeers) == wantAll || len(pong.Leaves) == wantAll {
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
