package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"gnucensus/servent"
	"gnucensus/servent/ggep"
)

const hostHint = "It is the address of a servent, such as 127.1.0.1:6346."

// readHosts looks up the hosts that a flag names.
func readHosts(ctx context.Context, flag string, names []string) ([]netip.AddrPort, error) {
	var hosts []netip.AddrPort
	for _, name := range names {
		host, err := lookUp(ctx, name)
		if err == nil && host.Port() == 0 {
			err = fmt.Errorf("%v has no port", host)
		}
		if err != nil {
			return nil, usage(hostHint, "--%s: %w", flag, err)
		}
		hosts = append(hosts, host)
	}
	return hosts, nil
}

// towards returns the address of this machine that others see who are reached from it. Nothing is sent.
func towards(ctx context.Context, host netip.AddrPort) (netip.Addr, error) {
	c, err := new(net.Dialer).DialContext(ctx, "udp", host.String())
	if err != nil {
		return netip.Addr{}, err
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

// A way is the way out of a node: it dials from the addresses by which others are to know it, where it has one of the family.
type way struct {
	servent.Internet
	own []netip.Addr
}

func from(own ...netip.Addr) *way { return &way{own: own} }

// DialContext dials an address, or a name, from wherever it is reached from.
func (w *way) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	d := w.Dialer
	if to, err := netip.ParseAddrPort(addr); err == nil {
		for _, a := range w.own {
			if a.IsValid() && a.Is4() == to.Addr().Unmap().Is4() {
				d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0))
			}
		}
	}
	return d.DialContext(ctx, network, addr)
}

// vendor is the code of the servents of the command line. Its version means nothing to anybody.
var vendor = ggep.Vendor{Code: [4]byte{'G', 'N', 'U', 'C'}, Version: 0x01}
