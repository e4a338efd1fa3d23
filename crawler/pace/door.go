package pace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// A Door is a narrow way through a Pacer to machines that its user has named: the caches that a walk begins with, which are web
// servers, and its seeds. They alone are looked up by name, and by way of the door reached at the port that they were named with
// even if it is that of a well-known service. Rates, reserved ranges and exclusions hold for them as for all others; their
// look-up itself asks the resolver of this machine, and is not paced.
type Door struct {
	pacer *Pacer
	named map[string]bool
}

// maxAddrs is how many addresses of one machine are tried.
const maxAddrs = 4

// Door opens a way to machines, each named as host:port.
func (p *Pacer) Door(machines ...string) (*Door, error) {
	d := &Door{pacer: p, named: make(map[string]bool)}
	for _, m := range machines {
		if _, _, err := splitHostPort(m); err != nil {
			return nil, fmt.Errorf("open door: %w", err)
		}
		d.named[m] = true
	}
	return d, nil
}

func splitHostPort(machine string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(machine)
	if err != nil {
		return "", 0, err
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil || number == 0 || host == "" {
		return "", 0, fmt.Errorf("%q is not HOST:PORT", machine)
	}
	return host, uint16(number), nil
}

// Resolve looks a machine up, and returns those of its addresses that may be sent to, some of them at most. Its error is a
// [*ScopeError] when the machine was not named, or none of its addresses may be sent to.
func (d *Door) Resolve(ctx context.Context, machine string) ([]netip.AddrPort, error) {
	if !d.named[machine] {
		return nil, &ScopeError{Reason: fmt.Sprintf("%q was not named", machine)}
	}
	host, port, err := splitHostPort(machine)
	if err != nil {
		return nil, err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", host, err)
	}
	var addrs []netip.AddrPort
	for _, ip := range ips {
		addr := netip.AddrPortFrom(ip.Unmap(), port)
		if err = d.pacer.permitHost(addr); err == nil && len(addrs) < maxAddrs {
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) == 0 {
		return nil, err
	}
	return addrs, nil
}

// DialContext connects to a machine, at its first address that answers, as [Pacer.DialContext] does otherwise.
func (d *Door) DialContext(ctx context.Context, network, machine string) (net.Conn, error) {
	if network != "tcp" {
		return nil, net.UnknownNetworkError(network)
	}
	addrs, err := d.Resolve(ctx, machine)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, addr := range addrs {
		c, err := d.pacer.dial(ctx, addr, d.pacer.permitHost)
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}
