// Package ggep reads and writes GGEP, the extension blocks that PING, PONG, QUERY, QUERY HIT, PUSH and some vendor messages
// carry.
//
// On the wire the magic byte 0xC3 is followed by 1 to 32 extensions, each of them:
//
//	1      flags: 0x80 the last one, 0x40 data is COBS-coded, 0x20 data is deflated, 0x10 reserved, 0x0F length of the id
//	1…15   id, printable ASCII
//	1…3    length of the data in base 64, high digit first; each byte has either 0x80 (more follow) or 0x40 (the last)
//	…      data: plain, then deflated (a zlib stream) if 0x20, then COBS-coded if 0x40
//
// Parse decodes, Append encodes: a [Block] holds plain data. Because COBS, zlib and the length have more than one form,
// only the blocks survive the round trip, not their bytes; who must repeat the bytes keeps them.
//
// Each key that a census uses has a pair named after it: a function that makes the block and a method of [Blocks] that reads
// it, such as [UP] and [Blocks.UP]; keys of one vendor alone are only read. All other keys are kept, and read with
// [Blocks.Get].
package ggep

import (
	"bytes"
	"errors"
	"fmt"
)

// Limits of GGEP as servents apply them.
const (
	MaxBlocks   = 32        // extensions after one magic byte
	MaxData     = 1<<18 - 1 // bytes of data, as transmitted
	MaxInflated = 64 << 10  // bytes that all deflated extensions of one parse may inflate to, together
)

// Magic is the byte that opens GGEP.
const Magic = 0xC3

// Faults of GGEP, to be tested with errors.Is.
var (
	ErrTruncated = errors.New("truncated")
	ErrMalformed = errors.New("malformed")
	ErrTooLong   = errors.New("too long")
)

// Flags of an extension.
const (
	flagLast    = 0x80
	flagCOBS    = 0x40
	flagDeflate = 0x20
	flagZero    = 0x10
	maskID      = 0x0F
)

// A Block is one extension. Its data are plain, whatever COBS and Deflate say of their way over the wire.
type Block struct {
	ID      string // 1 to 15 printable ASCII characters
	Data    []byte
	COBS    bool // transmit without NUL bytes
	Deflate bool // transmit as a zlib stream
}

// Blocks are extensions in the order of the wire. A key may occur twice.
type Blocks []Block

// Get returns the first block with that id.
func (x Blocks) Get(id string) (Block, bool) {
	for _, b := range x {
		if b.ID == id {
			return b, true
		}
	}
	return Block{}, false
}

// Has tells whether there is a block with that id.
func (x Blocks) Has(id string) bool {
	_, ok := x.Get(id)
	return ok
}

// Parse reads the extensions after the magic byte that b begins with, and returns what follows the last one. Data alias b
// unless they had to be decoded. On a fault it returns the extensions before it; the error is [ErrTruncated], [ErrMalformed]
// or [ErrTooLong].
func Parse(b []byte) (blocks Blocks, rest []byte, err error) {
	budget := MaxInflated
	return parse(b, &budget)
}

// ParseAll reads GGEP as the tail of a message holds it: one magic byte and its extensions after another, until something
// else comes. Faults end the reading without a word, so it gives what can be known of a tail.
func ParseAll(b []byte) Blocks {
	var all Blocks
	budget := MaxInflated
	for len(b) > 0 && b[0] == Magic {
		blocks, rest, err := parse(b, &budget)
		all = append(all, blocks...)
		if err != nil {
			break
		}
		b = rest
	}
	return all
}

// maxSearched is how many magic bytes Find tries, because each of them may cost the reading of all that follows.
const maxSearched = 16

// Find returns the GGEP that begins at the first magic byte from which extensions can be read without a fault, as in the
// private area of a QUERY HIT, where other things may stand before it. It returns nil if there is none.
func Find(b []byte) Blocks {
	_, blocks := Cut(b)
	return blocks
}

// Cut is [Find], and returns what stands before the GGEP too: all of b if there is none.
func Cut(b []byte) (before []byte, blocks Blocks) {
	at := 0
	for range maxSearched {
		i := bytes.IndexByte(b[at:], Magic)
		if i < 0 {
			break
		}
		at += i
		if _, _, err := Parse(b[at:]); err == nil {
			return b[:at], ParseAll(b[at:])
		}
		at++
	}
	return b, nil
}

// parse is Parse; budget is how many bytes may still come out of deflated data.
func parse(b []byte, budget *int) (blocks Blocks, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, fmt.Errorf("read GGEP magic: %w", ErrTruncated)
	}
	if b[0] != Magic {
		return nil, b, fmt.Errorf("read GGEP magic: %w", ErrMalformed)
	}
	rest = b[1:]
	for range MaxBlocks {
		var block Block
		var last bool
		if block, last, rest, err = parseBlock(rest, budget); err != nil {
			return blocks, nil, fmt.Errorf("read GGEP extension %d: %w", len(blocks), err)
		}
		blocks = append(blocks, block)
		if last {
			return blocks, rest, nil
		}
	}
	return blocks, nil, fmt.Errorf("read GGEP: more than %d extensions: %w", MaxBlocks, ErrTooLong)
}

// parseBlock reads one extension.
func parseBlock(b []byte, budget *int) (block Block, last bool, rest []byte, err error) {
	if len(b) == 0 {
		return block, false, nil, fmt.Errorf("flags: %w", ErrTruncated)
	}
	flags, b := b[0], b[1:]
	n := int(flags & maskID)
	switch {
	case n == 0 || flags&flagZero != 0:
		return block, false, nil, fmt.Errorf("flags %#02x: %w", flags, ErrMalformed)
	case n > len(b):
		return block, false, nil, fmt.Errorf("id: %w", ErrTruncated)
	case !printable(b[:n]):
		return block, false, nil, fmt.Errorf("id %q: %w", b[:n], ErrMalformed)
	}
	block = Block{ID: string(b[:n]), COBS: flags&flagCOBS != 0, Deflate: flags&flagDeflate != 0}
	size, b, err := parseLength(b[n:])
	if err != nil {
		return block, false, nil, fmt.Errorf("length of %s: %w", block.ID, err)
	}
	if size > len(b) {
		return block, false, nil, fmt.Errorf("data of %s: %w", block.ID, ErrTruncated)
	}
	block.Data, rest = b[:size:size], b[size:]
	if block.COBS {
		if block.Data, err = decodeCOBS(block.Data); err != nil {
			return block, false, nil, fmt.Errorf("data of %s: %w", block.ID, err)
		}
	}
	if block.Deflate {
		if block.Data, err = inflate(block.Data, *budget); err != nil {
			return block, false, nil, fmt.Errorf("data of %s: %w", block.ID, err)
		}
		*budget -= len(block.Data)
	}
	return block, flags&flagLast != 0, rest, nil
}

func parseLength(b []byte) (n int, rest []byte, err error) {
	for i, c := range b[:min(3, len(b))] {
		n = n<<6 | int(c&0x3f)
		switch c & 0xc0 {
		case 0x40:
			return n, b[i+1:], nil
		case 0x80:
		default:
			return 0, nil, fmt.Errorf("digit %#02x: %w", c, ErrMalformed)
		}
	}
	if len(b) < 3 {
		return 0, nil, ErrTruncated
	}
	return 0, nil, fmt.Errorf("more than 3 digits: %w", ErrMalformed)
}

// Append writes the magic byte and the blocks to b; without blocks it writes nothing. The error is [ErrMalformed] for an id
// that cannot be written, [ErrTooLong] for too many blocks or too much data.
func Append(b []byte, blocks ...Block) ([]byte, error) { return appendBlocks(b, blocks, false) }

// AppendNULFree is [Append] for places that end at a NUL, such as QUERY and the records of a QUERY HIT: it COBS-codes every
// block that would otherwise put a NUL on the wire.
func AppendNULFree(b []byte, blocks ...Block) ([]byte, error) { return appendBlocks(b, blocks, true) }

func appendBlocks(b []byte, blocks []Block, nulFree bool) ([]byte, error) {
	if len(blocks) == 0 {
		return b, nil
	}
	if len(blocks) > MaxBlocks {
		return b, fmt.Errorf("write %d GGEP extensions: %w", len(blocks), ErrTooLong)
	}
	out := append(b, Magic)
	for i, block := range blocks {
		if len(block.ID) == 0 || len(block.ID) > maskID || !printable([]byte(block.ID)) {
			return b, fmt.Errorf("write GGEP id %q: %w", block.ID, ErrMalformed)
		}
		flags, data := byte(len(block.ID)), block.Data
		if i == len(blocks)-1 {
			flags |= flagLast
		}
		if block.Deflate {
			flags |= flagDeflate
			data = deflate(data)
		}
		if block.COBS || nulFree && bytes.IndexByte(data, 0) >= 0 {
			flags |= flagCOBS
			data = encodeCOBS(data)
		}
		if len(data) > MaxData {
			return b, fmt.Errorf("write %d bytes of GGEP %s: %w", len(data), block.ID, ErrTooLong)
		}
		out = append(out, flags)
		out = append(out, block.ID...)
		out = appendLength(out, len(data))
		out = append(out, data...)
	}
	return out, nil
}

func appendLength(b []byte, n int) []byte {
	if n > 0xfff {
		b = append(b, 0x80|byte(n>>12))
	}
	if n > 0x3f {
		b = append(b, 0x80|byte(n>>6)&0x3f)
	}
	return append(b, 0x40|byte(n)&0x3f)
}

func printable(id []byte) bool {
	for _, c := range id {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
