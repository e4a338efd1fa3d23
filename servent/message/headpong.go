package message

import (
	"encoding/binary"

	"gnucensus/servent/ggep"
	"gnucensus/servent/internal/cursor"
)

// A HeadPong answers a HEAD ping. Version 1 is binary, version 2 is GGEP; Status reads both.
//
//	0   1   version 1: flags of the ping that are answered
//	1   1   code; the rest is missing when the file was not found
//	2   4   vendor code
//	6   1   queue
//	7   …   HeadRanges, unless the file is complete: size, 2, big-endian; then first and last byte, 4 each, big-endian
//	…   …   HeadPush: size, 2, big-endian; then hosts with their push proxies
//	…   …   HeadAlternates: size, 2, big-endian; then packed addresses
type HeadPong struct {
	Version uint16
	Body    []byte
}

// Vendor returns LIME/24v1 or v2.
func (m *HeadPong) Vendor() *Vendor { return keyHeadPong.message(m.Version, m.Body) }

func openHeadPong(c *cursor.Cursor, version uint16) VendorMessage {
	return &HeadPong{Version: version, Body: clone(c.Rest())}
}

// A HeadCode says what there is of the file: the two low bits, and in the others how it can be had.
type HeadCode uint8

// Codes of a HEAD pong. Without HeadComplete and HeadPartial the file was not found.
const (
	HeadComplete    HeadCode = 0x01
	HeadPartial     HeadCode = 0x02
	HeadFirewalled  HeadCode = 0x04
	HeadDownloading HeadCode = 0x08
)

// HeadBusy is the queue of a servent that takes no more uploads.
const HeadBusy = 0x7F

// A Range is a part of a file, its first and its last byte.
type Range struct{ First, Last uint64 }

// HeadStatus is what a HEAD pong says.
type HeadStatus struct {
	Code       HeadCode
	Vendor     VendorCode
	Queue      int8 // uploads that wait, HeadBusy, or minus the number of free slots
	TLS        bool // it accepts TLS connections; version 2 alone tells
	Ranges     []Range
	Alternates []ggep.Host
	Push       []byte // alternate sources behind firewalls, as sent
}

// Status reads the body. The error is an *[Error] with [ErrTruncated] or [ErrMalformed].
func (m *HeadPong) Status() (HeadStatus, error) {
	if m.Version > 1 {
		return m.statusGGEP()
	}
	c := cursor.New(m.Body)
	var s HeadStatus
	flags := c.U8("flags")
	s.Code = HeadCode(c.U8("code"))
	if s.Code&(HeadComplete|HeadPartial) != 0 {
		copy(s.Vendor[:], c.Bytes("vendor code", len(s.Vendor)))
		s.Queue = int8(c.U8("queue"))
		if flags&HeadRanges != 0 && s.Code&HeadComplete == 0 {
			s.Ranges = parseRanges(c.Bytes("ranges", int(c.BE16("size of ranges"))), 4)
		}
		if flags&HeadPush != 0 {
			s.Push = c.Bytes("push locations", int(c.BE16("size of push locations")))
		}
		if flags&HeadAlternates != 0 {
			s.Alternates = ggep.Blocks{{ID: "ALT", Data: c.Bytes("alternates", int(c.BE16("size of alternates")))}}.ALT()
		}
	}
	if e := c.Fault(); e != nil {
		return HeadStatus{}, &Error{Type: TypeVendor, Field: e.Field, Offset: vendorHead + e.Offset, Err: e.Err}
	}
	return s, nil
}

// statusGGEP reads version 2.
func (m *HeadPong) statusGGEP() (s HeadStatus, err error) {
	x := ggep.ParseAll(m.Body)
	code, ok := x.Get("C")
	if !ok || len(code.Data) == 0 {
		return s, &Error{Type: TypeVendor, Field: "code", Offset: vendorHead, Err: ErrMalformed}
	}
	s.Code = HeadCode(code.Data[0])
	if vendor, _ := x.Get("V"); len(vendor.Data) >= len(s.Vendor) {
		s.Vendor = VendorCode(vendor.Data[:len(s.Vendor)])
	}
	if queue, _ := x.Get("Q"); len(queue.Data) > 0 {
		s.Queue = int8(queue.Data[0])
	}
	if features, _ := x.Get("F"); len(features.Data) > 0 {
		s.TLS = features.Data[0]&headTLS != 0
	}
	small, _ := x.Get("R")
	large, _ := x.Get("R5")
	s.Ranges = append(parseRanges(small.Data, 4), parseRanges(large.Data, 5)...)
	push, _ := x.Get("P")
	s.Push = push.Data
	var alternates ggep.Blocks
	for id, short := range headKeys {
		if b, ok := x.Get(short); ok {
			alternates = append(alternates, ggep.Block{ID: id, Data: b.Data})
		}
	}
	s.Alternates = alternates.ALT()
	return s, nil
}

// headKeys are the keys by which HEAD pongs call the alternates that results of hits have, too.
var headKeys = map[string]string{"ALT": "A", "ALT_TLS": "T", "ALT6": "A6", "ALT6_TLS": "T6"}

// Pong returns the answer to a ping of that version with those flags. Version 1 has no room for alternates with IPv6 and for
// parts beyond 4 GiB; they are left out.
func (s HeadStatus) Pong(version uint16, flags uint8) *HeadPong {
	if version > 1 {
		return &HeadPong{Version: version, Body: s.appendGGEP(flags)}
	}
	b := []byte{flags &^ HeadGGEP, byte(s.Code)}
	if s.Code&(HeadComplete|HeadPartial) == 0 {
		return &HeadPong{Version: version, Body: b}
	}
	b = append(append(b, s.Vendor[:]...), byte(s.Queue))
	if flags&HeadRanges != 0 && s.Code&HeadComplete == 0 {
		small, _ := packRanges(s.Ranges)
		b = appendSized(b, small)
	}
	if flags&HeadPush != 0 {
		b = appendSized(b, s.Push)
	}
	if flags&HeadAlternates != 0 {
		packed, _ := ggep.Blocks(ggep.ALT(s.Alternates...)).Get("ALT")
		b = appendSized(b, packed.Data)
	}
	return &HeadPong{Version: version, Body: b}
}

// appendGGEP writes the body of version 2.
func (s HeadStatus) appendGGEP(flags uint8) []byte {
	blocks := []ggep.Block{{ID: "C", Data: []byte{byte(s.Code)}}}
	add := func(id string, data []byte) {
		if len(data) > 0 {
			blocks = append(blocks, ggep.Block{ID: id, Data: data})
		}
	}
	if s.Code&(HeadComplete|HeadPartial) != 0 {
		add("V", s.Vendor[:])
		add("Q", []byte{byte(s.Queue)})
		if s.TLS {
			add("F", []byte{headTLS})
		}
		if flags&HeadRanges != 0 {
			small, large := packRanges(s.Ranges)
			add("R", small)
			add("R5", large)
		}
		if flags&HeadPush != 0 {
			add("P", s.Push)
		}
		if flags&HeadAlternates != 0 {
			for _, b := range ggep.ALT(s.Alternates...) {
				add(headKeys[b.ID], b.Data)
			}
		}
	}
	b, err := ggep.Append(nil, blocks...)
	if err != nil {
		return nil // lists of hundreds of KiB: no datagram would take them
	}
	return b
}

// headTLS is the bit of key F of a servent that accepts TLS connections.
const headTLS = 0x01

// appendSized writes data after their size, which is big-endian; what has no room is cut off.
func appendSized(b, data []byte) []byte {
	data = data[:min(len(data), 1<<16-1)]
	return append(binary.BigEndian.AppendUint16(b, uint16(len(data))), data...)
}

// packRanges writes ranges as pairs of four bytes, and those beyond 4 GiB as pairs of five.
func packRanges(ranges []Range) (small, large []byte) {
	for _, r := range ranges {
		if r.Last < 1<<32 {
			small = appendNumber(appendNumber(small, r.First, 4), r.Last, 4)
		} else {
			large = appendNumber(appendNumber(large, r.First, 5), r.Last, 5)
		}
	}
	return small, large
}

// appendNumber writes a big-endian number of that many bytes.
func appendNumber(b []byte, n uint64, size int) []byte {
	var eight [8]byte
	binary.BigEndian.PutUint64(eight[:], n)
	return append(b, eight[8-size:]...)
}

// parseRanges reads pairs of big-endian numbers of that many bytes; half a pair is left out.
func parseRanges(b []byte, size int) []Range {
	number := func(b []byte) uint64 {
		var eight [8]byte
		copy(eight[8-size:], b[:size])
		return binary.BigEndian.Uint64(eight[:])
	}
	var ranges []Range
	for ; len(b) >= 2*size; b = b[2*size:] {
		ranges = append(ranges, Range{First: number(b), Last: number(b[size:])})
	}
	return ranges
}
