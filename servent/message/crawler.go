package message

import (
	"encoding/binary"
	"net/netip"
	"time"

	"gnucensus/servent/internal/cursor"
)

// CrawlerFeatures are what a UDP crawler ping asks for, and what the pong holds.
type CrawlerFeatures uint8

// Features of the UDP crawler ping. FeatureNew restricts the list to links whose host answers such pings itself.
const (
	FeatureMinutes CrawlerFeatures = 0x01 // age of each link
	FeatureLocale  CrawlerFeatures = 0x02 // language at the other end of each link
	FeatureNew     CrawlerFeatures = 0x04
	FeatureAgents  CrawlerFeatures = 0x08 // software at the other end of each link, and its own
	FeatureUptime  CrawlerFeatures = 0x10 // its own average uptime
	FeatureReplies CrawlerFeatures = 0x20 // query hits from each link
	FeatureDHT     CrawlerFeatures = 0x40 // its own part in the DHT
)

// A CrawlerPing asks a host for its links, over UDP. Its body:
//
//	0   1   number of ultrapeers wanted, 255 for all
//	1   1   number of leaves wanted, 255 for all
//	2   1   features
//	3   …   what newer versions append
type CrawlerPing struct {
	Ultrapeers uint8
	Leaves     uint8
	Features   CrawlerFeatures
	Tail       []byte
}

// Vendor returns LIME/5v1.
func (p *CrawlerPing) Vendor() *Vendor {
	return keyCrawlerPing.message(1, append([]byte{p.Ultrapeers, p.Leaves, byte(p.Features)}, p.Tail...))
}

// ParseCrawlerPing reads LIME/5, of any version. The error is [ErrOther] for another message.
func ParseCrawlerPing(v *Vendor) (*CrawlerPing, error) {
	return openAs[*CrawlerPing](v, keyCrawlerPing)
}

func openCrawlerPing(c *cursor.Cursor, _ uint16) VendorMessage {
	p := &CrawlerPing{Ultrapeers: c.U8("ultrapeers"), Leaves: c.U8("leaves")}
	p.Features = CrawlerFeatures(c.U8("features"))
	p.Tail = clone(c.Rest())
	return p
}

// A CrawlerPong lists the links of a host. Its body:
//
//	0   1   number u of ultrapeers
//	1   1   number l of leaves
//	2   1   features that it holds; what follows depends on them
//	…   4   FeatureUptime: average uptime in seconds
//	…   1   FeatureDHT: part in the DHT
//	…   …   u + l entries: IPv4 address, port, [minutes, 2], [locale, 2], [replies, 4]
//	…   …   FeatureAgents: agents
type CrawlerPong struct {
	Features   CrawlerFeatures
	Uptime     time.Duration  // with FeatureUptime; to the second
	DHT        CrawlerDHT     // with FeatureDHT
	Ultrapeers []CrawlerEntry // at most 255
	Leaves     []CrawlerEntry // at most 255
	Tail       []byte         // what follows the entries, as sent; Agents reads it
}

// A CrawlerEntry is one link. Without its feature, a field is 0.
type CrawlerEntry struct {
	Addr    netip.AddrPort // IPv4
	Minutes uint16         // age of the link
	Locale  [2]byte        // two letters
	Replies uint32         // query hits that came over the link
}

// CrawlerDHT is a host's part in the Mojito DHT, as bits.
type CrawlerDHT uint8

// Parts in the DHT; none of them is no part at all.
const (
	CrawlerDHTWaiting     CrawlerDHT = 0x01 // not yet joined
	CrawlerDHTActive      CrawlerDHT = 0x02
	CrawlerDHTPassive     CrawlerDHT = 0x04
	CrawlerDHTPassiveLeaf CrawlerDHT = 0x08
)

// Vendor returns LIME/6v1. Lists longer than 255 entries are cut there, as servents do.
func (p *CrawlerPong) Vendor() *Vendor {
	const most = 255
	ultrapeers, leaves := p.Ultrapeers[:min(most, len(p.Ultrapeers))], p.Leaves[:min(most, len(p.Leaves))]
	b := []byte{byte(len(ultrapeers)), byte(len(leaves)), byte(p.Features)}
	if p.Features&FeatureUptime != 0 {
		b = binary.LittleEndian.AppendUint32(b, uint32(p.Uptime/time.Second))
	}
	if p.Features&FeatureDHT != 0 {
		b = append(b, byte(p.DHT))
	}
	for _, list := range [][]CrawlerEntry{ultrapeers, leaves} {
		for i := range list {
			b = list[i].append(b, p.Features)
		}
	}
	b = append(b, p.Tail...)
	return keyCrawlerPong.message(1, b)
}

func (e *CrawlerEntry) append(b []byte, features CrawlerFeatures) []byte {
	b = appendAddr(b, e.Addr)
	if features&FeatureMinutes != 0 {
		b = binary.LittleEndian.AppendUint16(b, e.Minutes)
	}
	if features&FeatureLocale != 0 {
		b = append(b, e.Locale[:]...)
	}
	if features&FeatureReplies != 0 {
		b = binary.LittleEndian.AppendUint32(b, e.Replies)
	}
	return b
}

// ParseCrawlerPong reads LIME/6, of any version. The error is [ErrOther] for another message.
func ParseCrawlerPong(v *Vendor) (*CrawlerPong, error) {
	return openAs[*CrawlerPong](v, keyCrawlerPong)
}

func openCrawlerPong(c *cursor.Cursor, _ uint16) VendorMessage {
	p := &CrawlerPong{}
	ultrapeers, leaves := c.U8("ultrapeers"), c.U8("leaves")
	p.Features = CrawlerFeatures(c.U8("features"))
	if p.Features&FeatureUptime != 0 {
		p.Uptime = time.Duration(c.LE32("uptime")) * time.Second
	}
	if p.Features&FeatureDHT != 0 {
		p.DHT = CrawlerDHT(c.U8("DHT"))
	}
	p.Ultrapeers = parseEntries(c, int(ultrapeers), p.Features)
	p.Leaves = parseEntries(c, int(leaves), p.Features)
	p.Tail = clone(c.Rest())
	return p
}

// parseEntries reads n entries, or none when there are fewer.
func parseEntries(c *cursor.Cursor, n int, features CrawlerFeatures) []CrawlerEntry {
	const shortest = 6
	if n == 0 || c.Len() < n*shortest {
		c.Bytes("entries", n*shortest) // a fault, unless n is 0
		return nil
	}
	entries := make([]CrawlerEntry, n)
	for i := range entries {
		e := &entries[i]
		e.Addr = parseAddr(c)
		if features&FeatureMinutes != 0 {
			e.Minutes = c.LE16("minutes")
		}
		if features&FeatureLocale != 0 {
			copy(e.Locale[:], c.Bytes("locale", len(e.Locale)))
		}
		if features&FeatureReplies != 0 {
			e.Replies = c.LE32("replies")
		}
	}
	return entries
}
