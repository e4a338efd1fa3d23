package pace

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"
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

// ReadFrom reads a datagram. Who sends one is a stranger no more.
func (s *socket) ReadFrom(b []byte) (n int, from net.Addr, err error) {
	n, addr, err := s.conn.ReadFromUDPAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	s.pacer.strangers.heard(addr.Addr().Unmap())
	s.pacer.brake.came(time.Since(s.pacer.started))
	return n, net.UDPAddrFromAddrPort(addr), nil
}

// WriteToContext sends a datagram, and gives up waiting for its turn when ctx ends or the socket is closed.
func (s *socket) WriteToContext(ctx context.Context, b []byte, to netip.AddrPort) error {
	if len(b) > byteBucket {
		return fmt.Errorf("send to %v: %d bytes are too many for a datagram of a census", to, len(b))
	}
	for attempt := 0; ; attempt++ {
		err := s.send(ctx, b, to)
		if !tryAgain(err, attempt) {
			return err
		}
		if err := sleep(ctx, s.open.Done(), time.Second<<attempt); err != nil {
			return err
		}
	}
}

func (s *socket) send(ctx context.Context, b []byte, to netip.AddrPort) error {
	err := s.pacer.turn(ctx, s.open.Done(), to, datagram, len(b), s.pacer.Permit)
	if err != nil && s.open.Err() != nil {
		return fmt.Errorf("send to %v: %w", to, net.ErrClosed)
	}
	if err != nil {
		return err
	}
	_, err = s.conn.WriteToUDPAddrPort(b, to)
	return s.pacer.sent(to.Addr().Unmap(), err)
}

// SetReadBuffer asks the system for room for so many bytes that wait to be read.
func (s *socket) SetReadBuffer(bytes int) error { return s.conn.SetReadBuffer(bytes) }

// Close closes the socket; who waits in a write or a read gets [net.ErrClosed].
func (s *socket) Close() error {
	s.cancel()
	return s.conn.Close()
}
