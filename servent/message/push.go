package message

import (
	"encoding/binary"
	"net/netip"

	"gnucensus/servent/ggep"
	"gnucensus/servent/internal/cursor"
)

// PushFWTransfer is the index of a PUSH that asks, by way of LimeWire's push proxies, for a transfer over UDP between two
// firewalled hosts.
const PushFWTransfer = 0x7FFFFFFD

// A Push asks a firewalled servent to connect to a downloader:
//
//	0   16  GUID of the servent
//	16  4   index of the file
//	20  4   IPv4 address of the downloader
//	24  2   its port
//	26  …   GGEP, or nothing
type Push struct {
	Servent GUID
	Index   uint32
	Addr    netip.AddrPort // of the downloader; IPv4, see Pong.Addr
	Tail    []byte         // GGEP as sent
}

// Type returns [TypePush].
func (p *Push) Type() Type { return TypePush }

// Append writes the payload.
func (p *Push) Append(b []byte) []byte {
	b = append(b, p.Servent[:]...)
	b = binary.LittleEndian.AppendUint32(b, p.Index)
	b = appendAddr(b, p.Addr)
	return append(b, p.Tail...)
}

func parsePush(c *cursor.Cursor) *Push {
	p := &Push{}
	copy(p.Servent[:], c.Bytes("servent GUID", len(p.Servent)))
	p.Index = c.LE32("index")
	p.Addr = parseAddr(c)
	p.Tail = clone(c.Rest())
	return p
}

// GGEP returns the extensions that can be read.
func (p *Push) GGEP() ggep.Blocks { return ggep.ParseAll(p.Tail) }

// Addrs returns the addresses of the downloader: the one of the field, if there is one in it, and that of GGEP 6, with the same
// port.
func (p *Push) Addrs() []netip.AddrPort { return bothAddrs(p.Addr, p.GGEP()) }
