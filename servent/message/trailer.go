package message

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"

	"gnucensus/servent/ggep"
	"gnucensus/servent/internal/cursor"
)

// A QHD is the trailer of a hit ("query hit data"):
//
//	0    4   vendor code
//	4    1   size n of the open data
//	5    n   open data: two bytes of flags, and a size of XML from LimeWire
//	5+n  …   private area: the vendor's own, with GGEP and XML
type QHD struct {
	Vendor  VendorCode
	Open    []byte // at most 255 bytes
	Private []byte
}

// Flags of the open data. Each has a bit in both bytes: one of the bytes says that the flag is known, the other its value.
const (
	hitPush     = 0x01
	hitBusy     = 0x04
	hitUploaded = 0x08
	hitMeasured = 0x10
	hitGGEP     = 0x20
)

// QHD reads the trailer; ok is false when there is none that can be read. Open and Private alias the tail.
func (h *QueryHit) QHD() (q QHD, ok bool) {
	c := cursor.New(h.Tail)
	copy(q.Vendor[:], c.Bytes("vendor code", len(q.Vendor)))
	q.Open = c.Bytes("open data", int(c.U8("open data size")))
	q.Private = c.Rest()
	return q, c.Fault() == nil
}

// Append writes the trailer, to be the tail of a hit.
func (q QHD) Append(b []byte) []byte {
	b = append(b, q.Vendor[:]...)
	b = append(b, byte(len(q.Open)))
	b = append(b, q.Open...)
	return append(b, q.Private...)
}

// HitFlags are what the open data say of the responder. A nil flag is not told.
type HitFlags struct {
	Push     *bool // it is firewalled: files must be asked for by PUSH
	Busy     *bool // all its upload slots are taken
	Uploaded *bool // it has uploaded at least one file
	Measured *bool // the speed was measured, not set by its user
	GGEP     bool  // the private area holds GGEP
}

// Flags reads the flags of the open data.
func (q QHD) Flags() HitFlags {
	if len(q.Open) < 2 {
		return q.oldFlags()
	}
	first, second := q.Open[0], q.Open[1]
	flag := func(bit, known, value byte) *bool {
		if known&bit == 0 {
			return nil
		}
		set := value&bit != 0
		return &set
	}
	return HitFlags{
		Push:     flag(hitPush, second, first), // the one flag whose value is in the first byte
		Busy:     flag(hitBusy, first, second),
		Uploaded: flag(hitUploaded, first, second),
		Measured: flag(hitMeasured, first, second),
		GGEP:     first&second&hitGGEP != 0,
	}
}

// oldFlags reads the one byte of old NapShare, in which a bit is a value.
func (q QHD) oldFlags() HitFlags {
	if len(q.Open) == 0 {
		return HitFlags{}
	}
	push, busy := q.Open[0]&hitPush != 0, q.Open[0]&hitBusy != 0
	return HitFlags{Push: &push, Busy: &busy}
}

// Open returns the two bytes of open data that tell the flags.
func (f HitFlags) Open() []byte {
	open := make([]byte, 2)
	flag := func(bit byte, known, value *byte, set *bool) {
		if set == nil {
			return
		}
		*known |= bit
		if *set {
			*value |= bit
		}
	}
	flag(hitPush, &open[1], &open[0], f.Push)
	flag(hitBusy, &open[0], &open[1], f.Busy)
	flag(hitUploaded, &open[0], &open[1], f.Uploaded)
	flag(hitMeasured, &open[0], &open[1], f.Measured)
	if f.GGEP {
		open[0] |= hitGGEP
		open[1] |= hitGGEP
	}
	return open
}

// GGEP returns the extensions of the private area that can be read.
func (q QHD) GGEP() ggep.Blocks { return ggep.Find(q.Private) }

// maxXML is the longest XML of a hit that is read, in bytes; LimeWire writes no more.
const maxXML = 32 << 10

// XML returns the metadata at the end of the private area, inflated, and nothing when there are none. The open data tell
// their size, with a NUL after them; the XML itself follows a word in braces that says how it is packed. The error is
// [ErrTruncated], [ErrMalformed] or [ErrTooLong].
func (q QHD) XML() ([]byte, error) {
	if len(q.Open) < 4 {
		return nil, nil
	}
	size := int(binary.LittleEndian.Uint16(q.Open[2:]))
	switch {
	case size == 0:
		return nil, nil
	case size > len(q.Private):
		return nil, &Error{Type: TypeQueryHit, Field: "XML", Err: ErrTruncated}
	}
	packed := q.Private[len(q.Private)-size : len(q.Private)-1]
	text, err := unpackXML(packed)
	if err != nil {
		return nil, &Error{Type: TypeQueryHit, Field: "XML", Err: err}
	}
	return text, nil
}

// unpackXML undoes what the word in braces says; without any, the XML is plain.
func unpackXML(b []byte) ([]byte, error) {
	if len(b) == 0 || b[0] != '{' {
		return b, nil
	}
	end := bytes.IndexByte(b, '}')
	if end < 0 {
		return nil, ErrMalformed
	}
	word, packed := string(b[:end+1]), b[end+1:]
	switch word {
	case "{}", "{plaintext}":
		return packed, nil
	case "{deflate}":
		return inflate(packed, maxXML)
	case "{gzip}":
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, ErrMalformed
		}
		return readAll(r, maxXML)
	}
	return nil, ErrMalformed
}
