package gnutella

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"gnucensus/probe"
	"gnucensus/servent/handshake"
)

// A crawling asks a host for its links by "TCP crawler handshake". gtk-gnutella answers 200, LimeWire 593, and full servents
// perhaps 503: whether it was answered, the lists decide and not the code.
type crawling struct{}

func (crawling) converse(p *Prober, ctx context.Context, e probe.Endpoint) probe.Observation {
	r := newRecord(e, probe.TCPCrawl)
	conn, err := p.dial(ctx, e)
	if err != nil {
		return r.fail(ctx, err)
	}
	defer conn.Close()
	shaking, cancel := context.WithTimeout(ctx, p.cfg.Handshake)
	defer cancel()
	code, reason, theirs, err := handshake.Crawl(shaking, conn, p.crawlOffer(remote(conn)))
	if err != nil {
		return r.fail(ctx, err)
	}
	return r.crawled(code, reason, theirs)
}

// crawled closes the record of a crawl handshake with its answer.
func (r *record) crawled(code int, reason string, theirs handshake.Fields) probe.Observation {
	r.headers(theirs)
	r.note(fieldCode, strconv.Itoa(code))
	if theirs.Has("Peers") || theirs.Has("Leaves") {
		r.links(theirs)
		return r.end(probe.Answered, "")
	}
	status := fmt.Sprintf("%d %s", code, reason)
	if code == handshake.OK {
		return r.end(probe.Unsupported, status)
	}
	return r.end(probe.Refused, status)
}

// crawlBuffer is the room that gtk-gnutella has for the lists of a crawl answer, in bytes. It lists ultrapeers first, and
// leaves out what finds no room, perhaps all leaves.
const crawlBuffer = 8192

// links keeps the lists of a crawl answer.
func (r *record) links(theirs handshake.Fields) {
	r.name(probe.PeerLink, theirs.Addrs("Peers")...)
	r.name(probe.LeafLink, theirs.Addrs("Leaves")...)
	const longestEntry = len("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535, ")
	room := crawlBuffer - len(theirs.Get("Peers")) - len(theirs.Get("Leaves"))
	mayBeTrimmed := room < 10*longestEntry && room > -10*longestEntry
	if mayBeTrimmed {
		r.note(fieldTrimmed, "perhaps")
	}
	// Without a word on the role, the presence of Leaves tells it: only ultrapeers write it, unless it found no room.
	if r.Role == probe.UnknownRole && (theirs.Has("Leaves") || !mayBeTrimmed) {
		r.role(theirs.Has("Leaves"))
	}
}

func (p *Prober) dial(ctx context.Context, e probe.Endpoint) (net.Conn, error) {
	return p.cfg.Net.DialContext(ctx, "tcp", e.Addr.String())
}
