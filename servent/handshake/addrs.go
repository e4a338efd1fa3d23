package handshake

import (
	"net/netip"
	"strings"
)

// MaxAddrs is the number of addresses that [ParseAddrs] reads from one list. The longest head holds fewer.
const MaxAddrs = 8192

// ParseAddrs reads a list of addresses as servents write it in Peers, Leaves, X-Try and X-Try-Ultrapeers: separated by
// commas, blanks or both, perhaps with a comma at the end; IPv4 as a.b.c.d:port, IPv6 as [address]:port. What is not an
// address with a port other than 0 is dropped (a date, a host without a port, an address with a zone), and so are
// repetitions. Order is kept.
func ParseAddrs(list string) []netip.AddrPort {
	var addrs []netip.AddrPort
	seen := make(map[netip.AddrPort]struct{})
	for len(addrs) < MaxAddrs {
		list = strings.TrimLeft(list, separators)
		if list == "" {
			break
		}
		word := list
		if end := strings.IndexAny(list, separators); end >= 0 {
			word = list[:end]
		}
		list = list[len(word):]
		addr, err := netip.ParseAddrPort(word)
		if err != nil || addr.Port() == 0 || addr.Addr().Zone() != "" {
			continue
		}
		addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
		if _, dup := seen[addr]; dup {
			continue
		}
		seen[addr] = struct{}{}
		addrs = append(addrs, addr)
	}
	return addrs
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

const separators = ", \t\r\n"
