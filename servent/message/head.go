package message

import (
	"gnucensus/servent/ggep"
	"gnucensus/servent/internal/cursor"
)

// Flags of a HEAD ping: what the answer should tell.
const (
	HeadRanges     = 0x01 // which parts of the file there are
	HeadAlternates = 0x02 // alternate sources
	HeadPush       = 0x04 // alternate sources behind firewalls
	HeadFWOnly     = 0x08 // of those, only who transfers to other firewalled hosts
	HeadGGEP       = 0x10 // GGEP follows the URN, and version 2 may be answered
)

// headURNLen is the size of "urn:sha1:" and 32 characters of base 32.
const headURNLen = 41

// A HeadPing asks a servent about one file, over UDP. Its body:
//
//	0   1   flags
//	1   41  URN of the file, its SHA1
//	42  …   GGEP, if the flags say so
type HeadPing struct {
	Version uint16 // the answer is of the same version
	Flags   uint8
	URN     string
	Tail    []byte // GGEP as sent
}

// Vendor returns LIME/23v1 or v2. A URN of another size than that of a SHA1 makes a message that nobody reads.
func (m *HeadPing) Vendor() *Vendor {
	b := append([]byte{m.Flags}, m.URN...)
	return keyHeadPing.message(m.Version, append(b, m.Tail...))
}

func openHeadPing(c *cursor.Cursor, version uint16) VendorMessage {
	m := &HeadPing{Version: version, Flags: c.U8("flags")}
	m.URN = string(c.Bytes("URN", headURNLen))
	m.Tail = clone(c.Rest())
	return m
}

// GGEP returns the extensions that can be read.
func (m *HeadPing) GGEP() ggep.Blocks { return ggep.ParseAll(m.Tail) }
