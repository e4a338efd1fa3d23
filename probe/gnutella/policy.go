package gnutella

import (
	"context"
	"slices"
	"strings"
	"time"

	"gnucensus/probe"
	"gnucensus/servent/message"
)

// A step of a visit is one conversation. A host is asked by one method at a time, in the order of the policy.
type step struct {
	method probe.Method
	way    way
	when   func(v visit) bool // decides after the steps before it
	asks   subject
	again  time.Duration // least time since the host was last asked on the subject ("Ways to enumerate", limits)
}

// A way holds a conversation. Those of mass, [*question] and [crawling], a [survey] holds itself, many at once.
type way interface {
	converse(p *Prober, ctx context.Context, e probe.Endpoint) probe.Observation
}

// An alone holds a conversation by itself.
type alone func(p *Prober, ctx context.Context, e probe.Endpoint) probe.Observation

func (f alone) converse(p *Prober, ctx context.Context, e probe.Endpoint) probe.Observation {
	return f(p, ctx, e)
}

// policy is what to ask whom. The table in the package comment tells it to the reader.
var policy = []step{
	{probe.UDPPing, askPong, always, pinging, time.Minute},
	{probe.UDPCrawl, askLinks, visit.speaksUDP, crawlingUDP, 10 * time.Minute},
	{probe.TCPCrawl, crawling{}, visit.needsTCP, crawlingTCP, 5 * time.Minute},
	{probe.Leaf, alone((*Prober).leaf), visit.needsLink, linking, time.Minute},
	{probe.Leaf, alone((*Prober).oldLeaf), visit.needsOldLink, linking, time.Minute},
	{probe.XTryHarvest, alone((*Prober).xTry), visit.needsNames, linking, time.Minute},
	{probe.UDPCrawl, askLess, visit.lostLists, crawlingUDP, 2 * time.Minute},
	{probe.UDPPing, askPong, visit.lostPong, pinging, time.Minute},
	{probe.Guess, askKey, visit.speaksGUESS, pinging, time.Minute},
}

// A subject is what a servent takes a question for when it counts how often it was asked.
type subject uint8

const (
	pinging subject = iota
	crawlingUDP
	crawlingTCP
	linking
)

// subjectOf returns the subject of a method.
func subjectOf(m probe.Method) (s subject, known bool) {
	if m == probe.Query {
		return linking, true // as a leaf
	}
	i := slices.IndexFunc(policy, func(s step) bool { return s.method == m })
	if i < 0 {
		return 0, false
	}
	return policy[i].asks, true
}

// A visit is what the conversations with a host gave until now.
type visit []probe.Observation

// of returns the last conversation by a method, nil when there was none.
func (v visit) of(m probe.Method) *probe.Observation {
	for i := len(v) - 1; i >= 0; i-- {
		if v[i].Method == m {
			return &v[i]
		}
	}
	return nil
}

// some tells whether a conversation has what is looked for.
func (v visit) some(has func(o probe.Observation) bool) bool { return slices.ContainsFunc(v, has) }

func always(visit) bool { return true }

// speaksUDP: a host that leaves a PING unanswered will not answer another datagram either.
func (v visit) speaksUDP() bool {
	ping := v.of(probe.UDPPing)
	return ping == nil || ping.Outcome == probe.Answered || ping.Outcome == probe.Garbage
}

// needsTCP: a host is spared the connection when it has told its links, its role and its software by UDP. The UDP crawler
// pong has no room for IPv6, so hosts that speak it are asked by TCP all the same.
func (v visit) needsTCP() bool {
	return !v.toldLinks() ||
		!v.some(func(o probe.Observation) bool { return o.Role != probe.UnknownRole }) ||
		!v.some(func(o probe.Observation) bool { return o.Agent != "" }) ||
		v.some(func(o probe.Observation) bool { return o.Addr.Addr().Is6() || o.Fields[fieldIPv6] != "" })
}

// toldLinks tells whether the host has listed all of its links.
func (v visit) toldLinks() bool {
	return v.some(func(o probe.Observation) bool {
		return o.Outcome == probe.Answered && o.Fields[fieldTrimmed] == "" &&
			(o.Method == probe.TCPCrawl || o.Method == probe.UDPCrawl)
	})
}

func (v visit) toldFiles() bool {
	return v.some(func(o probe.Observation) bool { return o.Files != nil })
}

// reached tells whether a servent has spoken.
func (v visit) reached() bool {
	return v.some(func(o probe.Observation) bool { return o.Outcome.Reached() })
}

// needsLink: a host is asked as by its leaf when it does not know the crawl handshake, or has not told what it shares. One
// that could not be connected to is left alone, and so is one that has just told us that we come too often.
func (v visit) needsLink() bool {
	crawl := v.of(probe.TCPCrawl)
	switch {
	case crawl == nil && v.toldLinks():
		return !v.toldFiles()
	case crawl == nil:
		return true
	case crawl.Outcome == probe.Unsupported:
		return true
	case crawl.Outcome == probe.Refused:
		return !v.toldFiles() && !refusedForNow(crawl)
	}
	return crawl.Outcome == probe.Answered && !v.toldFiles()
}

// needsOldLink: a servent that knows no handshake but 0.4 hangs up at the first line of 0.6, and speaks no UDP.
func (v visit) needsOldLink() bool {
	shaken := v.of(probe.Leaf)
	if shaken == nil {
		shaken = v.of(probe.TCPCrawl)
	}
	return shaken != nil && shaken.Outcome == probe.Closed && !v.reached()
}

// needsNames: a host that refused the crawl handshake and named nobody names others, perhaps, when it refuses a newcomer.
func (v visit) needsNames() bool {
	if v.of(probe.Leaf) != nil {
		return false // it has refused a newcomer, or let it in
	}
	crawl := v.of(probe.TCPCrawl)
	if crawl == nil {
		return !v.toldLinks()
	}
	return crawl.Outcome == probe.Refused && len(crawl.Peers) == 0 && !refusedForNow(crawl)
}

// refusedForNow tells whether a servent said that it will not be asked again for now: banned, too frequent, hostile ("Answer
// codes").
func refusedForNow(o *probe.Observation) bool {
	return slices.Contains([]string{"403", "429", "550"}, o.Fields[fieldCode])
}

// lostLists: a gtk-gnutella that answers PINGs, but neither crawler, may have sent lists that were too long for the way.
// Shorter ones are asked for when it has forgotten the first question. LimeWire remembers it for ten minutes, and no visit
// lasts as long.
func (v visit) lostLists() bool {
	ping, crawl := v.of(probe.UDPPing), v.of(probe.UDPCrawl)
	return ping != nil && strings.HasPrefix(ping.Fields[fieldVendor], message.GTKG.String()+"/") &&
		crawl != nil && crawl.Outcome == probe.Silent && !v.toldLinks()
}

// lostPong: a host that was met and did not answer the PING may not have got it, or we its PONG. It is asked once more when
// it has not told what it shares otherwise: leaves and full ultrapeers take no leaves.
func (v visit) lostPong() bool {
	ping, crawl := v.of(probe.UDPPing), v.of(probe.TCPCrawl)
	return ping != nil && ping.Outcome == probe.Silent && !v.toldFiles() && v.reached() &&
		(crawl == nil || !refusedForNow(crawl))
}

func (v visit) speaksGUESS() bool {
	ping := v.of(probe.UDPPing)
	return ping == nil || ping.Fields[fieldGuess] != ""
}
