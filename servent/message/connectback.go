package message

import (
	"encoding/binary"
	"net/netip"

	"gnucensus/servent/internal/cursor"
)

// TCPConnectBack asks the peer to connect to us, at the address of the link, so that we learn whether we are firewalled.
// Its body:
//
//	0   2   port
type TCPConnectBack struct {
	Port uint16
	Tail []byte
}

// Vendor returns BEAR/7v1.
func (m *TCPConnectBack) Vendor() *Vendor {
	b := binary.LittleEndian.AppendUint16(nil, m.Port)
	return keyTCPConnectBack.message(1, append(b, m.Tail...))
}

func openTCPConnectBack(c *cursor.Cursor, _ uint16) VendorMessage {
	return &TCPConnectBack{Port: c.LE16("port"), Tail: clone(c.Rest())}
}

// UDPConnectBack asks the peer to send a PING by UDP, to the address of the link. Its body:
//
//	0   2   port
//	2   16  version 1: GUID for the PING; in version 2 that is the one of the message
type UDPConnectBack struct {
	Version uint16
	Port    uint16
	GUID    GUID // only in version 1
	Tail    []byte
}

// Vendor returns GTKG/7v1 or v2.
func (m *UDPConnectBack) Vendor() *Vendor {
	b := binary.LittleEndian.AppendUint16(nil, m.Port)
	if m.Version <= 1 {
		b = append(b, m.GUID[:]...)
	}
	return keyUDPConnectBack.message(m.Version, append(b, m.Tail...))
}

func openUDPConnectBack(c *cursor.Cursor, version uint16) VendorMessage {
	m := &UDPConnectBack{Version: version, Port: c.LE16("port")}
	if version <= 1 {
		copy(m.GUID[:], c.Bytes("GUID", len(m.GUID)))
	}
	m.Tail = clone(c.Rest())
	return m
}

// ConnectBackRedirect passes on the wish of somebody else to be connected to: who is not linked to a host can tell better
// whether it is firewalled. A node that heeds it can be aimed at anybody. Its body:
//
//	0   4   IPv4 address
//	4   2   port
type ConnectBackRedirect struct {
	UDP  bool // by a PING with the GUID of the message, else by TCP
	Addr netip.AddrPort
	Tail []byte
}

// Vendor returns LIME/7v1, or LIME/8v1 for UDP.
func (m *ConnectBackRedirect) Vendor() *Vendor {
	key := keyTCPRedirect
	if m.UDP {
		key = keyUDPRedirect
	}
	return key.message(1, append(appendAddr(nil, m.Addr), m.Tail...))
}

func openTCPRedirect(c *cursor.Cursor, _ uint16) VendorMessage {
	return &ConnectBackRedirect{Addr: parseAddr(c), Tail: clone(c.Rest())}
}

func openUDPRedirect(c *cursor.Cursor, _ uint16) VendorMessage {
	return &ConnectBackRedirect{UDP: true, Addr: parseAddr(c), Tail: clone(c.Rest())}
}
