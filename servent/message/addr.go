package message

import (
	"encoding/binary"
	"net/netip"

	"gnucensus/servent/ggep"
	"gnucensus/servent/internal/cursor"
)

// onlyIPv6 stands in IPv4 fields of hosts that have no IPv4 address; GGEP 6 has the other.
var onlyIPv6 = netip.AddrFrom4([4]byte{127, 0, 0, 0})

// appendIPv4 writes an address in four bytes; no address is written as 0.0.0.0.
func appendIPv4(b []byte, a netip.Addr) []byte {
	a = a.Unmap()
	if a.Is6() {
		a = onlyIPv6
	}
	if !a.IsValid() {
		a = netip.IPv4Unspecified()
	}
	four := a.As4()
	return append(b, four[:]...)
}

// appendAddr writes an IPv4 address and, after it, its port.
func appendAddr(b []byte, a netip.AddrPort) []byte {
	return binary.LittleEndian.AppendUint16(appendIPv4(b, a.Addr()), a.Port())
}

// parseAddr reads an IPv4 address and, after it, its port.
func parseAddr(c *cursor.Cursor) netip.AddrPort {
	a := c.IPv4("address")
	return netip.AddrPortFrom(a, c.LE16("port"))
}

// bothAddrs returns the address of a field, if there is one in it, and that of GGEP 6, with the same port.
func bothAddrs(field netip.AddrPort, extensions ggep.Blocks) (addrs []netip.AddrPort) {
	if field.Port() == 0 {
		return nil
	}
	if four := field.Addr(); four.IsValid() && !four.IsUnspecified() && four != onlyIPv6 {
		addrs = append(addrs, field)
	}
	if six, ok := extensions.IPv6(); ok && six.Is6() && !six.IsUnspecified() {
		addrs = append(addrs, netip.AddrPortFrom(six, field.Port()))
	}
	return addrs
}
