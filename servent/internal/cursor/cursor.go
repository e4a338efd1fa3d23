// Package cursor reads fields from a byte slice and remembers the first one that was not there.
//
// A decoder reads field after field without asking after each, and looks at [Cursor.Fault] once, at its end. After a fault
// every read gives zero values, so no field holds bytes of another.
package cursor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// ErrTruncated says that the bytes end before the field does.
var ErrTruncated = errors.New("truncated")

// An Error is a field that could not be read.
type Error struct {
	Field  string // name of the field, as its protocol calls it
	Offset int    // where the field begins, in bytes from the start of the slice
	Err    error  // ErrTruncated, or what the decoder found wrong with the field
}

// Error names the field, its offset and the fault.
func (e *Error) Error() string {
	return fmt.Sprintf("read %s at offset %d: %v", e.Field, e.Offset, e.Err)
}

// Unwrap returns the fault.
func (e *Error) Unwrap() error { return e.Err }

// A Cursor is a slice and a position in it. Slices that it returns alias the slice that it reads.
type Cursor struct {
	b   []byte
	off int
	err *Error // the first fault
}

// New returns a cursor at the start of b.
func New(b []byte) Cursor { return Cursor{b: b} }

// Fault returns the first fault, or nil.
func (c *Cursor) Fault() *Error { return c.err }

// Offset tells how many bytes have been read.
func (c *Cursor) Offset() int { return c.off }

// Len tells how many bytes are left, 0 after a fault.
func (c *Cursor) Len() int {
	if c.err != nil {
		return 0
	}
	return len(c.b) - c.off
}

// Fail records a fault of the field that begins at offset, unless there is one already.
func (c *Cursor) Fail(field string, offset int, err error) {
	if c.err == nil {
		c.err = &Error{Field: field, Offset: offset, Err: err}
	}
}

// Bytes reads n bytes, which alias the slice; nil when they are not there.
func (c *Cursor) Bytes(field string, n int) []byte {
	if n > c.Len() || c.err != nil {
		c.Fail(field, c.off, ErrTruncated)
		return nil
	}
	c.off += n
	return c.b[c.off-n : c.off : c.off]
}

// Rest reads all that is left.
func (c *Cursor) Rest() []byte { return c.Bytes("rest", c.Len()) }

// Until reads to the next byte that equals end, and skips that byte. Not to find one is to be truncated.
func (c *Cursor) Until(field string, end byte) []byte {
	n := -1
	if c.err == nil {
		n = bytes.IndexByte(c.b[c.off:], end)
	}
	if n < 0 {
		c.Fail(field, c.off, ErrTruncated)
		return nil
	}
	b := c.Bytes(field, n)
	c.off++
	return b
}

// U8 reads one byte.
func (c *Cursor) U8(field string) uint8 {
	if b := c.Bytes(field, 1); b != nil {
		return b[0]
	}
	return 0
}

// LE16 reads a little-endian number of two bytes.
func (c *Cursor) LE16(field string) uint16 {
	if b := c.Bytes(field, 2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// BE16 reads a big-endian number of two bytes.
func (c *Cursor) BE16(field string) uint16 {
	if b := c.Bytes(field, 2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// LE32 reads a little-endian number of four bytes.
func (c *Cursor) LE32(field string) uint32 {
	if b := c.Bytes(field, 4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// IPv4 reads an address of four bytes.
func (c *Cursor) IPv4(field string) netip.Addr {
	if b := c.Bytes(field, 4); b != nil {
		return netip.AddrFrom4([4]byte(b))
	}
	return netip.Addr{}
}
