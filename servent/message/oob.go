package message

import (
	"encoding/binary"
	"net/netip"

	"gnucensus/servent/ggep"
	"gnucensus/servent/internal/cursor"
)

// OOBUnsolicited is the flag of a responder that can receive unsolicited UDP.
const OOBUnsolicited = 0x01

// OOBReplyNumber tells the searcher, over UDP, that there are hits to fetch for the query whose GUID the message has. Its
// body:
//
//	0   1   number of hits
//	1   1   flags; not in version 1
type OOBReplyNumber struct {
	Version uint16 // 3 when the query asked for secure hits, by GGEP SO
	Hits    uint8
	Flags   uint8
	Tail    []byte
}

// Vendor returns LIME/12v1, v2 or v3.
func (m *OOBReplyNumber) Vendor() *Vendor {
	b := []byte{m.Hits}
	if m.Version > 1 {
		b = append(b, m.Flags)
	}
	return keyOOBReplyNumber.message(m.Version, append(b, m.Tail...))
}

func openOOBReplyNumber(c *cursor.Cursor, version uint16) VendorMessage {
	m := &OOBReplyNumber{Version: version, Hits: c.U8("hits")}
	if version > 1 {
		m.Flags = c.U8("flags")
	}
	m.Tail = clone(c.Rest())
	return m
}

// OOBReplyAck fetches hits. Its body:
//
//	0   1   how many are wanted, 255 for all
//	1   …   version 3: GGEP SO, the token that the hits must bear
type OOBReplyAck struct {
	Version uint16
	Wanted  uint8
	Tail    []byte // GGEP as sent
}

// Vendor returns LIME/11v2 or v3.
func (m *OOBReplyAck) Vendor() *Vendor {
	return keyOOBReplyAck.message(m.Version, append([]byte{m.Wanted}, m.Tail...))
}

func openOOBReplyAck(c *cursor.Cursor, version uint16) VendorMessage {
	return &OOBReplyAck{Version: version, Wanted: c.U8("wanted"), Tail: clone(c.Rest())}
}

// GGEP returns the extensions that can be read.
func (m *OOBReplyAck) GGEP() ggep.Blocks { return ggep.ParseAll(m.Tail) }

// OOBProxyVeto tells an ultrapeer, over the link, which queries of its leaf it must not ask out of band in its own name. Its
// body:
//
//	0   1   highest version of hits out of band that is vetoed, 0 for none; without it, all are
type OOBProxyVeto struct {
	All     bool // there is no version
	Version uint8
	Tail    []byte // only after a version
}

// Vendor returns LIME/13v1.
func (m *OOBProxyVeto) Vendor() *Vendor {
	if m.All {
		return keyOOBProxyVeto.message(1, nil)
	}
	return keyOOBProxyVeto.message(1, append([]byte{m.Version}, m.Tail...))
}

func openOOBProxyVeto(c *cursor.Cursor, _ uint16) VendorMessage {
	if c.Len() == 0 {
		return &OOBProxyVeto{All: true}
	}
	return &OOBProxyVeto{Version: c.U8("version"), Tail: clone(c.Rest())}
}

// Vetoes tells whether queries must not be asked out of band in that version.
func (m *OOBProxyVeto) Vetoes(version uint8) bool { return m.All || version <= m.Version }

// Where a GUID holds the address at which hits are wanted: bytes 0 to 3 the IPv4 address, 13 and 14 the port, little-endian.
const guidPort = 13

// ReplyTo returns the addresses at which the hits of a query with [QueryOOB] are wanted: the one in its GUID, if there is one in it,
// and that of GGEP 6, with the same port.
func (q *Query) ReplyTo(id GUID) []netip.AddrPort { return bothAddrs(id.ReplyTo(), q.GGEP()) }

// NewGUIDFor returns a GUID for a query whose hits are wanted out of band at an address; one of IPv6 is written as 127.0.0.0,
// and belongs into GGEP 6.
func NewGUIDFor(at netip.AddrPort) GUID { return NewGUID().ReplyingTo(at) }

// ReplyingTo returns the GUID with another address in it.
func (g GUID) ReplyingTo(at netip.AddrPort) GUID {
	appendIPv4(g[:0], at.Addr())
	binary.LittleEndian.PutUint16(g[guidPort:], at.Port())
	return g
}

// ReplyTo returns the address that a GUID holds if it is that of a query with [QueryOOB].
func (g GUID) ReplyTo() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(g[:4])), binary.LittleEndian.Uint16(g[guidPort:]))
}
