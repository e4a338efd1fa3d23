package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A station is the sockets of one host. It is its way into the network, a [servent.Net]: what the host dials leaves from its
// own address, by which others know it.
type station struct {
	addr      netip.AddrPort
	behaviour Behaviour
	plan      Plan
	strangers atomic.Int64  // their connections and datagrams until now, where the host leaves
	leave     chan struct{} // closed when it has had its visits

	tcp  *net.TCPListener
	udp  *net.UDPConn
	plug net.Conn // fills the backlog of a firewalled host
}

// openStation binds the sockets of a host.
func openStation(ctx context.Context, h Host, p Plan) (_ *station, err error) {
	s := &station{addr: h.Addr, behaviour: h.Behaviour, plan: p, leave: make(chan struct{})}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp4", h.Addr.String())
	if err != nil {
		return nil, err // it names the operation and the address
	}
	s.tcp = l.(*net.TCPListener)
	u, err := listen.ListenPacket(ctx, "udp4", h.Addr.String())
	if err != nil {
		return nil, err
	}
	s.udp = u.(*net.UDPConn)
	if h.Behaviour == Firewalled { // datagrams are lost too, since nobody reads them
		s.plug, err = wall(s.tcp, func() (net.Conn, error) { return s.DialContext(ctx, "tcp4", s.addr.String()) })
		if err != nil {
			return nil, fmt.Errorf("wall %v: %w", h.Addr, err)
		}
	}
	return s, nil
}

// wall makes the kernel drop whoever connects: Linux ignores a SYN when a listener's backlog is full, and one connection
// that nobody accepts, the plug, fills a backlog of 0.
func wall(l *net.TCPListener, dial func() (net.Conn, error)) (plug net.Conn, err error) {
	raw, err := l.SyscallConn()
	if err != nil {
		return nil, err
	}
	var listenErr error
	if err := raw.Control(func(fd uintptr) { listenErr = unix.Listen(int(fd), 0) }); err != nil {
		return nil, err
	}
	if listenErr != nil {
		return nil, fmt.Errorf("shorten backlog: %w", listenErr)
	}
	return dial()
}

func (s *station) close() {
	if s == nil {
		return
	}
	if s.plug != nil {
		s.plug.Close()
	}
	if s.tcp != nil {
		s.tcp.Close()
	}
	if s.udp != nil {
		s.udp.Close()
	}
}

// DialContext dials from the host's address.
func (s *station) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(s.addr.Addr(), 0)), KeepAlive: -1}
	return d.DialContext(ctx, network, addr)
}

// ListenPacket returns the host's UDP socket.
func (s *station) ListenPacket(context.Context, string, string) (net.PacketConn, error) {
	switch s.behaviour {
	case Slow:
		return &slowPackets{UDPConn: s.udp, slowness: newSlowness(s.plan.Delay)}, nil
	case Leaving:
		return &leavingPackets{UDPConn: s.udp, station: s}, nil
	}
	return s.udp, nil
}

// Listen returns the host's TCP listener.
func (s *station) Listen(context.Context, string, string) (net.Listener, error) {
	switch s.behaviour {
	case Slow:
		return &slowListener{TCPListener: s.tcp, delay: s.plan.Delay}, nil
	case Leaving:
		return &leavingListener{TCPListener: s.tcp, station: s}, nil
	}
	return s.tcp, nil
}

// stays counts strangers, and tells whether the host is there for this one. The first after those that it wants to see finds
// it leaving: it answers nobody any more.
func (s *station) stays(from netip.AddrPort) bool {
	most := int64(s.plan.LeaveAfter)
	if most == 0 || s.plan.holds(from) {
		return true
	}
	n := s.strangers.Add(1)
	if n == most+1 {
		s.tcp.Close()
		close(s.leave)
	}
	return n <= most
}

// A leavingListener accepts connections while the host stays.
type leavingListener struct {
	*net.TCPListener
	station *station
}

// Accept waits for the next connection.
func (l *leavingListener) Accept() (net.Conn, error) {
	conn, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	if !l.station.stays(conn.RemoteAddr().(*net.TCPAddr).AddrPort()) {
		conn.Close()
		return nil, net.ErrClosed
	}
	return conn, nil
}

// leavingPackets receive datagrams while the host stays.
type leavingPackets struct {
	*net.UDPConn
	station *station
}

// ReadFrom waits for the next datagram. Those of strangers are lost once the host is leaving.
func (c *leavingPackets) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.UDPConn.ReadFrom(b)
		if err != nil || c.station.stays(from.(*net.UDPAddr).AddrPort()) {
			return n, from, err
		}
	}
}

// A slowListener accepts connections that hesitate.
type slowListener struct {
	*net.TCPListener
	delay time.Duration
}

// Accept waits for the next connection.
func (l *slowListener) Accept() (net.Conn, error) {
	conn, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return &slowConn{TCPConn: conn, slowness: newSlowness(l.delay)}, nil
}

// A slowConn waits before each step that it takes.
type slowConn struct {
	*net.TCPConn
	slowness
}

// Write waits, then writes.
func (c *slowConn) Write(b []byte) (int, error) {
	if !c.wait() {
		return 0, net.ErrClosed
	}
	return c.TCPConn.Write(b)
}

// Close closes the connection.
func (c *slowConn) Close() error {
	c.stop()
	return c.TCPConn.Close()
}

// slowPackets answer one datagram after another, each after a wait.
type slowPackets struct {
	*net.UDPConn
	slowness
}

// WriteTo waits, then sends.
func (c *slowPackets) WriteTo(b []byte, to net.Addr) (int, error) {
	if !c.wait() {
		return 0, net.ErrClosed
	}
	return c.UDPConn.WriteTo(b, to)
}

// Close closes the socket.
func (c *slowPackets) Close() error {
	c.stop()
	return c.UDPConn.Close()
}

// A slowness is a wait that closing ends.
type slowness struct {
	delay time.Duration
	done  chan struct{}
	once  *sync.Once
}

func newSlowness(delay time.Duration) slowness {
	return slowness{delay: delay, done: make(chan struct{}), once: new(sync.Once)}
}

func (s slowness) stop() { s.once.Do(func() { close(s.done) }) }

// wait tells whether nobody closed meanwhile.
func (s slowness) wait() bool {
	t := time.NewTimer(s.delay)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.done:
		return false
	}
}
