package message

import (
	"encoding/binary"

	"gnucensus/servent/internal/cursor"
)

// First bytes of a QRP payload.
const (
	qrpReset = 0
	qrpPatch = 1
)

// A Reset opens a query routing table and empties it:
//
//	0   1   0
//	1   4   number of slots
//	5   1   infinity
//	6   …   nothing, yet
type Reset struct {
	Slots    uint32
	Infinity uint8 // distance that stands for an absent word
	Tail     []byte
}

// Type returns [TypeQRP].
func (r *Reset) Type() Type { return TypeQRP }

// Append writes the payload.
func (r *Reset) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(append(b, qrpReset), r.Slots)
	return append(append(b, r.Infinity), r.Tail...)
}

// A Patch is one part of the changes to a query routing table:
//
//	0   1   1
//	1   1   number of the part, from 1
//	2   1   count of parts
//	3   1   compressor: 0 none, 1 zlib, one stream over all parts
//	4   1   bits of an entry
//	5   …   data
type Patch struct {
	Number, Count uint8
	Compressor    uint8
	EntryBits     uint8
	Data          []byte
}

// Type returns [TypeQRP].
func (p *Patch) Type() Type { return TypeQRP }

// Append writes the payload.
func (p *Patch) Append(b []byte) []byte {
	return append(append(b, qrpPatch, p.Number, p.Count, p.Compressor, p.EntryBits), p.Data...)
}

// parseQRP reads a RESET or a PATCH; what is neither stays unknown.
func parseQRP(c *cursor.Cursor) Body {
	switch variant := c.U8("variant"); variant {
	case qrpReset:
		return &Reset{Slots: c.LE32("slots"), Infinity: c.U8("infinity"), Tail: clone(c.Rest())}
	case qrpPatch:
		p := &Patch{Number: c.U8("number"), Count: c.U8("count")}
		p.Compressor, p.EntryBits = c.U8("compressor"), c.U8("entry bits")
		p.Data = clone(c.Rest())
		return p
	default:
		return &Unknown{Kind: TypeQRP, Payload: append([]byte{variant}, c.Rest()...)}
	}
}
