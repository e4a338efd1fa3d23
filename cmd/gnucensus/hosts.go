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
		if err == nil && (!host.Addr().Is4() || host.Port() == 0) {
			err = fmt.Errorf("%v is not an IPv4 address with a port", host)
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
	c, err := new(net.Dialer).DialContext(ctx, "udp4", host.String())
	if err != nil {
		return netip.Addr{}, err
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

// from is the way out of a node: it dials from the address by which others are to know it.
func from(listen netip.Addr) servent.Internet {
	return servent.Internet{Dialer: net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(listen, 0))}}
}

// vendor is the code of the servents of the command line. Its version means nothing to anybody.
var vendor = ggep.Vendor{Code: [4]byte{'G', 'N', 'U', 'C'}, Version: 0x01}
