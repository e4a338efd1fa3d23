package pace

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// A socket is a UDP socket whose datagrams leave through the Pacer. It is a [net.PacketConn].
type socket struct {
	net.PacketConn // reads; what writes is overridden
	pacer          *Pacer
	conn           *net.UDPConn
	open           context.Context // ends by Close
	cancel         context.CancelFunc
}

// ListenPacket opens a UDP socket at a local address, like [net.ListenConfig]. Its WriteTo waits for the turn of the
// datagram until the socket is closed; its WriteToContext, until a context ends. Both give a [*ScopeError] for an address
// that is out of scope or excluded.
func (p *Pacer) ListenPacket(ctx context.Context, network, addr string) (net.PacketConn, error) {
	var lc net.ListenConfig
	pc, err := lc.ListenPacket(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	conn, ok := pc.(*net.UDPConn)
	if !ok {
		pc.Close()
		return nil, net.UnknownNetworkError(network)
	}
	open, cancel := context.WithCancel(context.WithoutCancel(ctx))
	return &socket{PacketConn: conn, pacer: p, conn: conn, open: open, cancel: cancel}, nil
}

// WriteTo sends a datagram to a *net.UDPAddr.
func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, &net.OpError{Op: "write", Net: "udp", Addr: to, Err: net.UnknownNetworkError(to.Network())}
	}
	if err := s.WriteToContext(s.open, b, udp.AddrPort()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// WriteToContext sends a datagram, and gives up waiting for its turn when ctx ends or the socket is closed.
func (s *socket) WriteToContext(ctx context.Context, b []byte, to netip.AddrPort) error {
	err := s.pacer.turn(ctx, s.open.Done(), to, s.pacer.permit)
	if err != nil && s.open.Err() != nil {
		err = fmt.Errorf("send to %v: %w", to, net.ErrClosed)
	}
	if err == nil {
		_, err = s.conn.WriteToUDPAddrPort(b, to)
	}
	return err
}

// SetReadBuffer asks the system for room for so many bytes that wait to be read.
func (s *socket) SetReadBuffer(bytes int) error { return s.conn.SetReadBuffer(bytes) }

// Close closes the socket; who waits in a write or a read gets [net.ErrClosed].
func (s *socket) Close() error {
	s.cancel()
	return s.conn.Close()
}
