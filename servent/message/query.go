package message

import (
	"bytes"
	"encoding/binary"
	"strings"

	"gnucensus/servent/ggep"
	"gnucensus/servent/internal/cursor"
)

// Flags of a query. Without QueryMark the field is the minimum speed of servents before 2002.
const (
	QueryMark        = 0x8000 // the field holds flags; always set
	QueryFirewalled  = 0x4000 // the sender is firewalled
	QueryXML         = 0x2000 // it wants XML metadata
	QueryGuided      = 0x1000 // it is a leaf that guides dynamic querying
	QueryH           = 0x0800 // it reads GGEP H
	QueryOOB         = 0x0400 // it wants hits out of band, at the address in the GUID
	QueryFWTransfer  = 0x0200 // it can transfer between two firewalled hosts
	QueryReliableUDP = 0x0100 // it can receive semi-reliable UDP (gtk-gnutella)
	QueryMaxHits     = 0x00FF // mask: how many hits it wants at most, 0 not stated
)

// A Query asks for files:
//
//	0   2   flags, big-endian
//	2   …   words, UTF-8, then NUL
//	…   …   extensions: HUGE, XML and, last, GGEP without NUL; or nothing
type Query struct {
	Flags uint16
	Words string // as sent, not checked to be UTF-8
	Tail  []byte // extensions as sent
}

// Type returns [TypeQuery].
func (q *Query) Type() Type { return TypeQuery }

// Append writes the payload.
func (q *Query) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, q.Flags)
	b = append(b, q.Words...)
	b = append(b, 0)
	return append(b, q.Tail...)
}

func (q *Query) check() *Error {
	if strings.IndexByte(q.Words, 0) >= 0 {
		return &Error{Field: "words", Offset: 2, Err: ErrInvalid}
	}
	return nil
}

func parseQuery(c *cursor.Cursor) *Query {
	q := &Query{}
	q.Flags = c.BE16("flags")
	q.Words = string(c.Until("words", 0))
	q.Tail = clone(c.Rest())
	return q
}

// Text returns all of the words: LimeWire cuts them after 30 characters, and puts the whole of them into GGEP XQ. If what is there
// does not begin with them it is the rest, as other specifications have it.
func (q *Query) Text() string {
	if !bytes.Contains(q.Tail, []byte("XQ")) { // hardly any query has it, and reading extensions takes long
		return q.Words
	}
	long, _ := q.GGEP().XQ()
	if strings.HasPrefix(long, q.Words) {
		return long
	}
	return q.Words + long
}

// GGEP returns the extensions that can be read.
func (q *Query) GGEP() ggep.Blocks { return ggep.Find(q.Tail) }

// Extensions returns what the tail holds.
func (q *Query) Extensions() Extensions { return parseExtensions(q.Tail) }
