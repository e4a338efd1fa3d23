// Package message reads and writes the messages of Gnutella, which the 0.4 specification calls descriptors.
//
// Each has a header of 23 bytes and a payload:
//
//	0   16  GUID of the message
//	16  1   type, "function"
//	17  1   TTL: links that it may still travel
//	18  1   hops: links that it has travelled
//	19  4   length of the payload, little-endian
//	23  …   payload
//
// In payloads numbers are little-endian, addresses in network order, unless the type of the body says otherwise.
//
// A [Body] is one payload. [Parse] copies what it keeps, so the slice may be used again. What a body does not interpret it
// keeps as a tail, in the bytes of the wire: what parses encodes back to the same bytes. Methods such as [Pong.GGEP] open
// the tails. Payloads of a type that has no body of its own are an [Unknown].
package message

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"gnucensus/servent/internal/cursor"
)

// Faults of messages, to be tested with errors.Is.
var (
	ErrTruncated = cursor.ErrTruncated             // the bytes end before the message does
	ErrTooLong   = errors.New("too long")          // longer than its type may be
	ErrMalformed = errors.New("malformed")         // not what the protocol says
	ErrOther     = errors.New("another message")   // a vendor message that the decoder is not for
	ErrInvalid   = errors.New("cannot be written") // a body whose fields do not fit its layout
)

// An Error says which field of a message is at fault.
type Error struct {
	Type   Type
	Field  string // name of the field
	Offset int    // of the field in the payload, in the header for its own fields
	Err    error  // one of the faults above
}

// Error names the type, the field, its offset and the fault.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s at offset %d: %v", e.Type, e.Field, e.Offset, e.Err)
}

// Unwrap returns the fault.
func (e *Error) Unwrap() error { return e.Err }

// A GUID identifies a message, or a servent: 16 bytes.
type GUID [16]byte

// NewGUID returns a random GUID with the marks of a servent of version 0.6: byte 8 is 0xFF, byte 15 is 0.
func NewGUID() GUID {
	var g GUID
	_, _ = rand.Read(g[:]) // never fails: see crypto/rand
	g[8], g[15] = 0xff, 0
	return g
}

// String returns 32 hexadecimal digits.
func (g GUID) String() string { return hex.EncodeToString(g[:]) }

// HeaderLen is the size of a header in bytes.
const HeaderLen = 23

// A Header precedes each payload.
type Header struct {
	GUID   GUID
	Type   Type
	TTL    uint8
	Hops   uint8
	Length uint32 // of the payload in bytes
}

// ParseHeader reads the first 23 bytes of b. The error is [ErrTruncated], or [ErrTooLong] when the payload is longer than
// its type may be, so that nobody makes room for it.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderLen {
		return Header{}, fmt.Errorf("read header: %w", ErrTruncated)
	}
	h := Header{
		GUID:   GUID(b[:16]),
		Type:   Type(b[16]),
		TTL:    b[17],
		Hops:   b[18],
		Length: binary.LittleEndian.Uint32(b[19:]),
	}
	if h.Length > h.Type.MaxLen() {
		return h, &Error{Type: h.Type, Field: "length", Offset: 19, Err: ErrTooLong}
	}
	return h, nil
}

// Append writes the header.
func (h Header) Append(b []byte) []byte {
	b = append(b, h.GUID[:]...)
	b = append(b, byte(h.Type), h.TTL, h.Hops)
	return binary.LittleEndian.AppendUint32(b, h.Length)
}

// A Body is the payload of a message: one of *[Ping], *[Pong], *[Query], *[QueryHit], *[Push], *[Bye], *[Reset], *[Patch],
// *[Vendor], *[HSEP], *[Unknown].
type Body interface {
	Type() Type
	Append(b []byte) []byte // writes the payload, without a header
}

// A Message is a header, without what the body tells, and a body.
type Message struct {
	GUID GUID
	TTL  uint8
	Hops uint8
	Body Body
}

// Parse reads a payload of type t. The error is an *[Error].
func Parse(t Type, payload []byte) (Body, error) {
	if uint64(len(payload)) > uint64(t.MaxLen()) {
		return nil, &Error{Type: t, Field: "payload", Err: ErrTooLong}
	}
	c := cursor.New(payload)
	var body Body
	switch t {
	case TypePing:
		body = parsePing(&c)
	case TypePong:
		body = parsePong(&c)
	case TypeBye:
		body = parseBye(&c)
	case TypeQRP:
		body = parseQRP(&c)
	case TypeVendor, TypeStandardVendor:
		body = parseVendor(&c, t == TypeStandardVendor)
	case TypePush:
		body = parsePush(&c)
	case TypeQuery:
		body = parseQuery(&c)
	case TypeQueryHit:
		body = parseQueryHit(&c)
	case TypeHSEP:
		body = parseHSEP(&c)
	default:
		body = &Unknown{Kind: t, Payload: clone(c.Rest())}
	}
	if err := fault(t, &c); err != nil {
		return nil, err
	}
	return body, nil
}

// fault returns the first fault of a cursor as an *[Error], or nil.
func fault(t Type, c *cursor.Cursor) error {
	e := c.Fault()
	if e == nil {
		return nil
	}
	return &Error{Type: t, Field: e.Field, Offset: e.Offset, Err: e.Err}
}

// Append writes a message. The error is an *[Error] with [ErrTooLong], or with [ErrInvalid] for a body whose fields would
// not be read back as they are, such as words with a NUL in them.
func Append(b []byte, m Message) ([]byte, error) {
	t := m.Body.Type()
	if c, ok := m.Body.(interface{ check() *Error }); ok {
		if err := c.check(); err != nil {
			err.Type = t
			return b, err
		}
	}
	start := len(b)
	b = Header{GUID: m.GUID, Type: t, TTL: m.TTL, Hops: m.Hops}.Append(b)
	b = m.Body.Append(b)
	n := len(b) - start - HeaderLen
	if uint64(n) > uint64(t.MaxLen()) {
		return b[:start], &Error{Type: t, Field: "payload", Err: ErrTooLong}
	}
	binary.LittleEndian.PutUint32(b[start+19:], uint32(n))
	return b, nil
}

// clone copies a slice of the input; nothing stays nil.
func clone(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}
