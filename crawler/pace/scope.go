package pace

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// A Scope is the part of the address space that may be sent to.
type Scope int

// Live is the Internet without its reserved ranges and without the ports of well-known services: an address from a poisoned
// list must not aim the crawl at a victim. Lab is 127.0.0.0/8 and nothing else.
const (
	Live Scope = iota
	Lab
)

// ParseScope reads "live" or "lab".
func ParseScope(s string) (Scope, error) {
	i := slices.Index(scopeNames[:], s)
	if i < 0 {
		return Live, fmt.Errorf("unknown scope %q, want live or lab", s)
	}
	return Scope(i), nil
}

var scopeNames = [...]string{Live: "live", Lab: "lab"}

func (s Scope) String() string { return scopeNames[s] }

// A ScopeError is the refusal to send to an address.
type ScopeError struct {
	Addr   netip.AddrPort
	Reason string
}

func (e *ScopeError) Error() string { return fmt.Sprintf("%v is out of scope: %s", e.Addr, e.Reason) }

// OutOfScope tells package probe what the error means.
func (e *ScopeError) OutOfScope() bool { return true }

// Permit returns a [*ScopeError] when nothing may be sent to the address: it is out of scope, or excluded.
func (p *Pacer) Permit(to netip.AddrPort) error {
	if err := p.permitHost(to); err != nil {
		return err
	}
	if reason := p.limits.Scope.forbidsPort(to.Port()); reason != "" {
		return &ScopeError{Addr: to, Reason: reason}
	}
	return nil
}

// permitHost is Permit, whatever the port.
func (p *Pacer) permitHost(to netip.AddrPort) error {
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	reason := p.limits.Scope.forbids(to)
	switch {
	case reason != "":
	case p.own[to.Addr()]:
		reason = "address of this machine"
	case p.limits.Exclude.Contains(to.Addr()):
		reason = "excluded by " + p.limits.Exclude.path
	}
	if reason == "" {
		return nil
	}
	return &ScopeError{Addr: to, Reason: reason}
}

var loopback = netip.MustParsePrefix("127.0.0.0/8")

// forbids returns why the scope does not hold the host, and nothing when it does.
func (s Scope) forbids(to netip.AddrPort) string {
	switch {
	case !to.IsValid() || to.Port() == 0:
		return "not an address with a port"
	case s == Lab && !loopback.Contains(to.Addr()):
		return "outside of 127.0.0.0/8"
	case s == Lab:
		return ""
	case reserved.Contains(to.Addr().WithZone("")):
		return "reserved address range"
	}
	return ""
}

// own returns the addresses of this machine, which are not hosts of the network, whoever names them. In a lab they all are.
func (s Scope) own() (map[netip.Addr]bool, error) {
	if s == Lab {
		return nil, nil
	}
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("look for addresses of this machine: %w", err)
	}
	own := make(map[netip.Addr]bool)
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			own[p.Addr().Unmap()] = true
		}
	}
	return own, nil
}

// forbidsPort returns why the scope does not hold the port, and nothing when it does.
func (s Scope) forbidsPort(port uint16) string {
	if s == Live && (port < 1024 || slices.Contains(servicePorts, port)) {
		return "port of a well-known service"
	}
	return ""
}

// servicePorts are ports from 1024 up at which something else than a servent is known to listen.
var servicePorts = []uint16{
	1080, 1194, 1433, 1434, 1521, 1701, 1723, 1812, 1813, 1883, 1900, 2049, 2375, 2376, 3128, 3306, 3389, 3478, 4500,
	5060, 5061, 5222, 5269, 5353, 5432, 5683, 5900, 5984, 5985, 5986, 6379, 6443, 6666, 6667, 6697, 8086, 8333, 9100,
	9200, 9300, 10250, 11211, 25565, 27015, 27017,
}

// reserved are the ranges that no host of the Internet has, from the special-purpose registries for IPv4 and IPv6. Of IPv6,
// everything but the global unicast space 2000::/3 is reserved; inside it, the ranges that hide an IPv4 address are too.
var reserved = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4",
	"::/3", "4000::/2", "8000::/1", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

func prefixes(list ...string) *bart.Lite {
	t := new(bart.Lite)
	for _, s := range list {
		t.Insert(netip.MustParsePrefix(s))
	}
	return t
}
