package servent

import (
	"net/netip"
	"slices"

	"gnucensus/servent/ggep"
	"gnucensus/servent/handshake"
)

// own returns the addresses of the node, as others know it, the IPv4 one first where it has one.
func (n *Node) own() []netip.AddrPort {
	if !n.cfg.Addr6.IsValid() {
		return []netip.AddrPort{n.addr()}
	}
	return []netip.AddrPort{n.addr(), n.cfg.Addr6}
}

// six returns the IPv6 address of the node; it is not valid where there is none.
func (n *Node) six() netip.AddrPort {
	if last := n.own()[len(n.own())-1]; last.Addr().Is6() {
		return last
	}
	return netip.AddrPort{}
}

// Families are the kinds of addresses that a host can use.
type families struct{ four, six bool }

// families are those of the node itself.
func (n *Node) families() families {
	return families{four: n.cfg.Addr.Addr().Is4(), six: n.six().IsValid()}
}

// readFamilies reads X-Features, as gtk-gnutella writes them: IP/6.0 for both, IP/6.4 for IPv6 alone, nothing for IPv4 alone.
func readFamilies(f handshake.Fields) families {
	alone := f.Lists("X-Features", "IP/6.4")
	return families{four: !alone, six: alone || f.Lists("X-Features", "IP/6.0")}
}

// feature is the word of X-Features for the families, empty for IPv4 alone.
func (f families) feature() string {
	switch {
	case f.four && f.six:
		return "IP/6.0"
	case f.six:
		return "IP/6.4"
	}
	return ""
}

// wished reads the wishes of an SCP.
func wished(flags uint8) families {
	return families{four: flags&ggep.SCPNoIPv4 == 0, six: flags&ggep.SCPIPv6 != 0}
}

// wishes are those that the families make in an SCP.
func (f families) wishes() (flags uint8) {
	if f.six {
		flags |= ggep.SCPIPv6
	}
	if !f.four {
		flags |= ggep.SCPNoIPv4
	}
	return flags
}

// has tells whether an address is of one of the families.
func (f families) has(a netip.AddrPort) bool {
	return a.Addr().Is4() && f.four || a.Addr().Is6() && f.six
}

// preferred returns the address by which a host is known that says it has all of these: the first one of IPv4, by which most
// others know it, else the first.
func preferred(addrs []netip.AddrPort) netip.AddrPort {
	if i := slices.IndexFunc(addrs, func(a netip.AddrPort) bool { return a.Addr().Is4() }); i >= 0 {
		return addrs[i]
	}
	if len(addrs) > 0 {
		return addrs[0]
	}
	return netip.AddrPort{}
}
