package message

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"

	"gnucensus/servent/ggep"
	"gnucensus/servent/internal/cursor"
)

// Sizes of the parts of a query hit.
const (
	guidLen   = 16
	hitHead   = 11 // before the results
	maxResult = 255
)

// A QueryHit answers a query:
//
//	0     1   number n of results
//	1     2   port
//	3     4   IPv4 address
//	7     4   speed, kbit/s
//	11    …   n results
//	…     …   trailer (QHD), or nothing
//	L-16  16  GUID of the servent
type QueryHit struct {
	Addr    netip.AddrPort // as the responder states it; IPv4, see Pong.Addr
	Speed   uint32
	Results []Result // at most 255
	Tail    []byte   // what stands between the results and the GUID, as sent; QHD reads it
	Servent GUID
}

// A Result is one file of a hit:
//
//	0   4   index
//	4   4   size in bytes
//	8   …   name, UTF-8, then NUL
//	…   …   extensions: HUGE and, last, GGEP, all without NUL; then NUL
type Result struct {
	Index uint32
	Size  uint32 // 0xFFFFFFFF when GGEP LF tells it; see Bytes
	Name  string // as sent, not checked to be UTF-8
	Tail  []byte // extensions as sent
}

// Type returns [TypeQueryHit].
func (h *QueryHit) Type() Type { return TypeQueryHit }

// Append writes the payload.
func (h *QueryHit) Append(b []byte) []byte {
	b = append(b, byte(len(h.Results)))
	b = binary.LittleEndian.AppendUint16(b, h.Addr.Port())
	b = appendIPv4(b, h.Addr.Addr())
	b = binary.LittleEndian.AppendUint32(b, h.Speed)
	for i := range h.Results {
		b = h.Results[i].append(b)
	}
	b = append(b, h.Tail...)
	return append(b, h.Servent[:]...)
}

func (r *Result) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, r.Index)
	b = binary.LittleEndian.AppendUint32(b, r.Size)
	b = append(b, r.Name...)
	b = append(b, 0)
	b = append(b, r.Tail...)
	return append(b, 0)
}

func (h *QueryHit) check() *Error {
	if len(h.Results) > maxResult {
		return &Error{Field: "number of results", Err: ErrInvalid}
	}
	for _, r := range h.Results {
		if strings.IndexByte(r.Name, 0) >= 0 || bytes.IndexByte(r.Tail, 0) >= 0 {
			return &Error{Field: "result", Offset: hitHead, Err: ErrInvalid}
		}
	}
	return nil
}

func parseQueryHit(c *cursor.Cursor) *QueryHit {
	h := &QueryHit{}
	n := int(c.U8("number of results"))
	port := c.LE16("port")
	h.Addr = netip.AddrPortFrom(c.IPv4("address"), port)
	h.Speed = c.LE32("speed")
	if n > 0 && c.Len() > 0 {
		h.Results = make([]Result, 0, min(n, c.Len()/minResult))
	}
	for range n {
		r := Result{Index: c.LE32("index"), Size: c.LE32("size")}
		r.Name = string(c.Until("name", 0))
		r.Tail = clone(c.Until("extensions", 0))
		if c.Fault() != nil {
			return h
		}
		h.Results = append(h.Results, r)
	}
	if n := c.Len() - guidLen; n > 0 {
		h.Tail = clone(c.Bytes("trailer", n))
	}
	copy(h.Servent[:], c.Bytes("servent GUID", guidLen))
	return h
}

// minResult is the size of a result with no name and no extensions.
const minResult = 10

// GGEP returns the extensions of a result that can be read.
func (r *Result) GGEP() ggep.Blocks { return ggep.Find(r.Tail) }

// Extensions returns what the tail holds.
func (r *Result) Extensions() Extensions { return parseExtensions(r.Tail) }

// Bytes returns the size of the file, from GGEP LF when the field has no room for it.
func (r *Result) Bytes() uint64 {
	if r.Size == 1<<32-1 {
		if size, ok := r.GGEP().LF(); ok {
			return size
		}
	}
	return uint64(r.Size)
}
