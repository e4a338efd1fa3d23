package gnutella

import (
	"fmt"
	"slices"
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

// askLinks asks a host for its links by "UDP crawler ping / pong", askLess for some of them.
var (
	askLinks = linksQuestion(wantAll)
	askLess  = linksQuestion(wantLess)
)

// linksQuestion asks for no more than is kept, since every feature makes the answer longer, and long datagrams are lost more
// easily.
func linksQuestion(wanted uint8) *question {
	ping := &message.CrawlerPing{
		Ultrapeers: wanted, Leaves: wanted,
		Features: message.FeatureAgents | message.FeatureUptime | message.FeatureDHT,
	}
	q := &question{method: probe.UDPCrawl, body: ping.Vendor()}
	if wanted < wantAll {
		q.about = func(r *record) { r.note(fieldWanted, strconv.Itoa(int(wanted))) }
	}
	q.read = func(r *record, a reply) probe.Observation {
		v, ok := a.Body.(*message.Vendor)
		if !ok {
			return r.end(probe.Garbage, fmt.Sprintf("%v in answer to a UDP crawler ping", a.Type()))
		}
		pong, err := message.ParseCrawlerPong(v)
		if err != nil {
			return r.end(probe.Garbage, err.Error())
		}
		r.source(a.from)
		r.crawlerPong(pong, int(wanted))
		return r.end(probe.Answered, "")
	}
	return q
}

// crawlerPong keeps what a host says of itself and of its links. Only ultrapeers have leaves, but an ultrapeer may have none.
func (r *record) crawlerPong(pong *message.CrawlerPong, wanted int) {
	r.Peers = slices.Grow(r.Peers, len(pong.Ultrapeers)+len(pong.Leaves))
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
	if own, err := pong.Agent(); err == nil {
		r.Agent = cut(own, maxText)
	}
	if pong.Features&message.FeatureUptime != 0 && pong.Uptime <= maxUptime {
		r.Uptime = &pong.Uptime
	}
	if pong.Features&message.FeatureDHT != 0 && pong.DHT&message.CrawlerDHTActive != 0 {
		r.note(fieldDHT, "active")
	}
}
