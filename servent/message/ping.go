package message

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"gnucensus/servent/ggep"
	"gnucensus/servent/internal/cursor"
)

// A Ping asks who is there:
//
//	0   …   GGEP, or nothing
type Ping struct {
	Tail []byte // GGEP as sent
}

// Type returns [TypePing].
func (p *Ping) Type() Type { return TypePing }

// Append writes the payload.
func (p *Ping) Append(b []byte) []byte { return append(b, p.Tail...) }

// GGEP returns the extensions that can be read.
func (p *Ping) GGEP() ggep.Blocks { return ggep.ParseAll(p.Tail) }

func parsePing(c *cursor.Cursor) *Ping { return &Ping{Tail: clone(c.Rest())} }

// A Pong says that a host, its subject, is there; it need not be the sender:
//
//	0   2   port
//	2   4   IPv4 address
//	6   4   files shared
//	10  4   KiB shared
//	14  …   GGEP, or nothing
type Pong struct {
	Addr  netip.AddrPort // IPv4; an IPv6 one is written as 127.0.0.0, and belongs into GGEP 6
	Files uint32
	KiB   uint32 // ultrapeers round it to a power of two, see UltrapeerKiB
	Tail  []byte // GGEP as sent
}

// Type returns [TypePong].
func (p *Pong) Type() Type { return TypePong }

// Append writes the payload.
func (p *Pong) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, p.Addr.Port())
	b = appendIPv4(b, p.Addr.Addr())
	b = binary.LittleEndian.AppendUint32(b, p.Files)
	b = binary.LittleEndian.AppendUint32(b, p.KiB)
	return append(b, p.Tail...)
}

func parsePong(c *cursor.Cursor) *Pong {
	p := &Pong{}
	port := c.LE16("port")
	p.Addr = netip.AddrPortFrom(c.IPv4("address"), port)
	p.Files = c.LE32("files")
	p.KiB = c.LE32("KiB")
	p.Tail = clone(c.Rest())
	return p
}

// GGEP returns the extensions that can be read.
func (p *Pong) GGEP() ggep.Blocks { return ggep.ParseAll(p.Tail) }

// Addrs returns the addresses at which the subject can be reached: the one of the field, if there is one in it, and that of
// GGEP 6, with the same port.
func (p *Pong) Addrs() []netip.AddrPort { return bothAddrs(p.Addr, p.GGEP()) }

// Bare returns the PONG without its extensions, but for the IPv6 address: what may be passed on of another host's.
func (p *Pong) Bare() Pong {
	bare := Pong{Addr: p.Addr, Files: p.Files, KiB: p.KiB}
	if six, ok := p.GGEP().IPv6(); ok {
		if tail, err := ggep.Append(nil, ggep.IPv6(six)); err == nil {
			bare.Tail = tail
		}
	}
	return bare
}

// Ultrapeer tells whether the KiB bear the mark of an ultrapeer: a power of two, at least 8. One leaf in many bears it by
// chance; GGEP UP is the surer sign where it may be expected.
func (p *Pong) Ultrapeer() bool { return p.KiB >= minUltrapeerKiB && bits.OnesCount32(p.KiB) == 1 }

const minUltrapeerKiB = 8

// UltrapeerKiB returns the KiB that an ultrapeer tells: the nearest power of two, the higher one from the middle on, at
// least 8.
func UltrapeerKiB(kib uint32) uint32 {
	if kib <= minUltrapeerKiB {
		return minUltrapeerKiB
	}
	low := uint32(1) << (bits.Len32(kib) - 1)
	if kib-low >= low/2 && low < 1<<31 {
		return low << 1
	}
	return low
}

// LeafKiB returns the KiB that a leaf tells: an even number becomes odd, so that it does not bear the mark of an ultrapeer.
func LeafKiB(kib uint32) uint32 {
	if kib == 0 {
		return 0
	}
	return kib | 1
}
