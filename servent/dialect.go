package servent

import (
	"net/netip"
	"strings"

	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// A Dialect is how a servent says things that every maker's servents say in their own way.
type Dialect struct {
	Crawl     CrawlAnswer             // to the crawl handshake
	UDPCrawl  bool                    // it answers the UDP crawler ping
	Features  message.CrawlerFeatures // of the UDP crawler ping, those that it honours
	Packing   message.Packing         // of the agents in a UDP crawler pong
	GGEP      bool                    // its PONGs carry extensions, and those in PINGs are read
	VC        bool                    // its PONGs name the vendor
	Dynamic   bool                    // it queries dynamically, and knows what belongs to that: last-hop tables, vendor messages
	SecureOOB bool                    // it sends hits out of band to who asks for it by GGEP SO alone
	Guess     bool                    // as an ultrapeer it answers queries by UDP
	Deflate   bool                    // it compresses for those who accept it
	Bye       bool                    // it says and understands BYE
	TLS       bool                    // it tells in PONGs that it accepts TLS
	Node      bool                    // it tells where it listens in the field Node, beside Listen-IP
	Comma     string                  // what stands between addresses in lists
	Folds     bool                    // X-Try-Ultrapeers is folded over several lines
	Shielded  handshake.Reply         // of a leaf to another leaf
}

// A CrawlAnswer is how a servent answers the crawl handshake ("TCP crawler handshake").
type CrawlAnswer int

// The answers.
const (
	CrawlAsNewcomer CrawlAnswer = iota // the field Crawler is unknown: accepted without lists, or refused when full
	CrawlOK                            // 200 with Peers and Leaves, even when full
	CrawlHi                            // 593 with X-Ultrapeer, Peers and Leaves, even when full
)

// The dialects, after what servents were seen to do.
var (
	GTKG = Dialect{ // gtk-gnutella
		Crawl: CrawlOK, UDPCrawl: true,
		Features: message.FeatureMinutes | message.FeatureNew | message.FeatureAgents, Packing: message.PackGTKG,
		GGEP: true, VC: true, Dynamic: true, Guess: true, Deflate: true, Bye: true, TLS: true, Node: true, Comma: ", ",
		Folds:    true,
		Shielded: handshake.Reply{Code: 204, Reason: "Shielded leaf node"},
	}
	// Modern is a servent that is to be understood by all of them. LimeWire reads no folded lines, and asks by SO alone. Where it
	// is told of TLS it tries its own, and nothing else; gtk-gnutella offers an upgrade to whomever it dials.
	Modern = Dialect{
		Crawl: CrawlOK, UDPCrawl: true,
		Features: message.FeatureMinutes | message.FeatureNew | message.FeatureAgents, Packing: message.PackGTKG,
		GGEP: true, VC: true, Dynamic: true, SecureOOB: true, Guess: true, Deflate: true, Bye: true, Node: true, Comma: ", ",
		Shielded: handshake.Reply{Code: 503, Reason: "Shielded leaf node"},
	}
	LimeWire = Dialect{ // LimeWire and its descendants
		Crawl: CrawlHi, UDPCrawl: true, Features: 0x7f, Packing: message.PackLime,
		GGEP: true, Dynamic: true, SecureOOB: true, Deflate: true, TLS: true, Comma: ",",
		Shielded: handshake.Reply{Code: 503, Reason: "We're Leaves"},
	}
	Classic = Dialect{ // servents with GGEP that nobody taught to be crawled
		GGEP: true, VC: true, Dynamic: true, Deflate: true, Bye: true, TLS: true, Comma: ",",
		Shielded: handshake.Reply{Code: 503, Reason: "I am a shielded leaf node"},
	}
	Plain = Dialect{ // a small client of today: the messages of 0.4 on links of 0.6
		Comma:    ",",
		Shielded: handshake.Reply{Code: 503, Reason: "Shielded leaf node"},
	}
)

// listening are the fields with the node's own addresses. Only who reads Node understands more than one; LimeWire and its
// descendants read Listen-IP alone.
func (d Dialect) listening(own []netip.AddrPort) handshake.Fields {
	fields := handshake.Fields{{Name: "Listen-IP", Value: d.list(own[:1])}}
	if d.Node {
		fields = append(handshake.Fields{{Name: "Node", Value: d.list(own)}}, fields...)
	}
	return fields
}

// list writes addresses as the dialect separates them.
func (d Dialect) list(addrs []netip.AddrPort) string {
	return strings.ReplaceAll(handshake.FormatAddrs(addrs), ", ", d.Comma)
}

// addrsPerLine is where gtk-gnutella breaks a folded list: at about 78 characters.
const addrsPerLine = 3

// tryList writes addresses as the dialect proposes them in a refusal: a line break is written as a folded line.
func (d Dialect) tryList(addrs []netip.AddrPort) string {
	if !d.Folds {
		return d.list(addrs)
	}
	var lines []string
	for len(addrs) > 0 {
		n := min(addrsPerLine, len(addrs))
		lines = append(lines, d.list(addrs[:n]))
		addrs = addrs[n:]
	}
	return strings.Join(lines, ",\n")
}
