package main

import (
	"context"
	"net"
	"net/netip"
)

// A home is a node's sockets, open before it runs: so it has a port that nobody else has.
type home struct {
	*way
	addr netip.AddrPort
	tcp  net.Listener
	udp  net.PacketConn
}

// homeTries is how many ports are tried: one is free for TCP, and has to be for UDP too.
const homeTries = 10

// openHome opens sockets at the address from which a host is reached.
func openHome(ctx context.Context, host netip.AddrPort) (*home, error) {
	addr, err := towards(ctx, host)
	if err != nil {
		return nil, err
	}
	h := &home{way: from(addr)}
	for range homeTries {
		if h.tcp, err = new(net.ListenConfig).Listen(ctx, "tcp", netip.AddrPortFrom(addr, 0).String()); err != nil {
			return nil, err
		}
		h.addr = netip.AddrPortFrom(addr, h.tcp.Addr().(*net.TCPAddr).AddrPort().Port())
		if h.udp, err = new(net.ListenConfig).ListenPacket(ctx, "udp", h.addr.String()); err == nil {
			return h, nil
		}
		h.tcp.Close()
	}
	return nil, err
}

func (h *home) close() {
	h.tcp.Close()
	h.udp.Close()
}

// Listen returns the open listener.
func (h *home) Listen(context.Context, string, string) (net.Listener, error) { return h.tcp, nil }

// ListenPacket returns the open socket.
func (h *home) ListenPacket(context.Context, string, string) (net.PacketConn, error) {
	return h.udp, nil
}
