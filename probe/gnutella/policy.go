package gnutella

import (
	"context"
	"slices"

	"gnucensus/probe"
)

// A step of a visit is one conversation.
type step struct {
	method   probe.Method
	converse func(p *Prober, ctx context.Context, e probe.Endpoint) probe.Observation
	when     func(seen []probe.Observation) bool // decides after the steps that come at once; nil: it is one of these
}

// policy is what to ask whom. The table in the package comment tells it to the reader.
var policy = []step{
	{method: probe.UDPPing, converse: (*Prober).udpPing},
	{method: probe.UDPCrawl, converse: (*Prober).udpCrawl},
	{method: probe.TCPCrawl, converse: (*Prober).tcpCrawl},
	{method: probe.Leaf, converse: (*Prober).leaf, when: leafIsDue},
}

// leafIsDue tells whether a host should be asked as by its leaf. One that could not be connected to is left alone, and so is
// one that has just told us that we come too often.
func leafIsDue(seen []probe.Observation) bool {
	crawl := slices.IndexFunc(seen, func(o probe.Observation) bool { return o.Method == probe.TCPCrawl })
	if crawl < 0 {
		return true // the method is switched off
	}
	switch o := seen[crawl]; o.Outcome {
	case probe.Unsupported:
		return true
	case probe.Refused:
		return !slices.Contains(tooOften, o.Fields[fieldCode])
	case probe.Answered:
		return !slices.ContainsFunc(seen, func(o probe.Observation) bool { return o.Files != nil })
	default:
		return false
	}
}

// tooOften are the codes of servents that will not be asked again for now: banned, too frequent, hostile ("Answer codes").
var tooOften = []string{"403", "429", "550"}
