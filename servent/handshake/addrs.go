package handshake

import (
	"net/netip"
	"strings"
)

// MaxAddrs is the number of addresses that [ParseAddrs] reads from one list. The longest head holds fewer.
const MaxAddrs = 8192

// ParseAddrs reads a list of addresses as servents write it in Peers, Leaves, X-Try and X-Try-Ultrapeers: separated by
// commas, blanks or both, perhaps with a comma at the end; IPv4 as a.b.c.d:port, IPv6 as [address]:port. What is not an
// address with a port other than 0 is dropped (a date, a host without a port, an address with a zone). Order is kept, and
// repetitions are.
func ParseAddrs(list string) []netip.AddrPort {
	const dots = 3 // of an IPv4 address
	addrs := make([]netip.AddrPort, 0, min(strings.Count(list, ".")/dots, MaxAddrs))
	for word := range strings.FieldsFuncSeq(list, separates) {
		addr, err := netip.ParseAddrPort(word)
		if err != nil || addr.Port() == 0 || addr.Addr().Zone() != "" {
			continue
		}
		if len(addrs) == MaxAddrs {
			break
		}
		addrs = append(addrs, netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()))
	}
	return addrs
}

func separates(r rune) bool {
	switch r {
	case ',', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

// FormatAddrs writes a list that [ParseAddrs] reads, separated by comma and blank.
func FormatAddrs(addrs []netip.AddrPort) string {
	var b []byte
	for i, addr := range addrs {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = addr.AppendTo(b)
	}
	return string(b)
}
