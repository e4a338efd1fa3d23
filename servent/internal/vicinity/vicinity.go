// Package vicinity knows from where an address leads to the host that has it: from everywhere, from within a private network, or
// from one machine alone.
package vicinity

import "net/netip"

// A reach is where an address leads to one and the same host.
type reach int

const (
	nowhere reach = iota
	machine
	network
	everywhere
)

// carrierNAT are the addresses that providers give to customers behind a router of theirs (RFC 6598).
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

func of(a netip.Addr) reach {
	switch {
	case a.IsLoopback():
		return machine
	case Private(a) || a.IsLinkLocalUnicast():
		return network
	case a.IsGlobalUnicast():
		return everywhere
	}
	return nowhere
}

// Private tells whether an address is one of a network behind a router.
func Private(a netip.Addr) bool { return a.IsPrivate() || carrierNAT.Contains(a) }

// Tellable tells whether an address may pass between this node and another, because it leads both to the same host: it is one
// that leads there from everywhere, or the other has an address of this machine or of a private network too. An invalid
// other is one that may be anywhere.
func Tellable(a, other netip.Addr) bool {
	r := of(a)
	return r == everywhere || r != nowhere && r == of(other)
}
