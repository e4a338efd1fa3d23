package message

import (
	"encoding/binary"
	"net/netip"

	"gnucensus/servent/internal/cursor"
)

// PushProxyRequest asks an ultrapeer to be a push proxy. The GUID of the message is that of the servent, the body is empty.
type PushProxyRequest struct{ Tail []byte }

// Vendor returns LIME/21v1.
func (m *PushProxyRequest) Vendor() *Vendor { return keyPushProxyRequest.message(1, m.Tail) }

func openPushProxyRequest(c *cursor.Cursor, _ uint16) VendorMessage {
	return &PushProxyRequest{Tail: clone(c.Rest())}
}

// PushProxyAck grants it, with the GUID of the request, and tells the address to advertise. Its body:
//
//	0   4   IPv4 address; not in version 1, where it is that of the link
//	…   2   port
type PushProxyAck struct {
	Version uint16
	Addr    netip.AddrPort // in version 1 only its port counts
	Tail    []byte
}

// Vendor returns LIME/22v1 or v2.
func (m *PushProxyAck) Vendor() *Vendor {
	var b []byte
	if m.Version > 1 {
		b = appendIPv4(b, m.Addr.Addr())
	}
	b = binary.LittleEndian.AppendUint16(b, m.Addr.Port())
	return keyPushProxyAck.message(m.Version, append(b, m.Tail...))
}

func openPushProxyAck(c *cursor.Cursor, version uint16) VendorMessage {
	m := &PushProxyAck{Version: version}
	var addr netip.Addr
	if version > 1 {
		addr = c.IPv4("address")
	}
	m.Addr = netip.AddrPortFrom(addr, c.LE16("port"))
	m.Tail = clone(c.Rest())
	return m
}

// PushProxyCancel ends it: the sender needs its push proxy no more. The body is empty.
type PushProxyCancel struct{ Tail []byte }

// Vendor returns GTKG/21v1.
func (m *PushProxyCancel) Vendor() *Vendor { return keyPushProxyCancel.message(1, m.Tail) }

func openPushProxyCancel(c *cursor.Cursor, _ uint16) VendorMessage {
	return &PushProxyCancel{Tail: clone(c.Rest())}
}
