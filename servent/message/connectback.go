package message

import (
	"encoding/binary"

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
