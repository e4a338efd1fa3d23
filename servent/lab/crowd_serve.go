package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	maxHello      = 4096             // bytes
	maxGuests     = 4096             // connections that wait for the rest of their hello
	helloWait     = 10 * time.Second // for that rest
	socketBuffer  = 4 << 20          // asked of the system, which may give less: datagrams come in bursts
	deadPort      = 1                // after the port of those who answer: nobody listens there
	silentPort    = 2                // after the port of those who answer: nobody is let in there
	wildcardHosts = "0.0.0.0"
)

// Run answers until ctx ends, and calls ready, unless it is nil, once whoever asks is answered. It returns nil if ctx ended
// it; all that it started has ended then. A crowd runs once.
func (c *Crowd) Run(ctx context.Context, ready func()) error {
	var sockets closers
	defer sockets.close()
	loops, err := c.open(ctx, &sockets)
	if err == nil {
		err = c.shut(ctx, &sockets)
	}
	if err != nil {
		return fmt.Errorf("run crowd: %w", err)
	}
	running, stopping := errgroup.WithContext(ctx)
	defer context.AfterFunc(stopping, sockets.close)()
	for _, loop := range loops {
		running.Go(func() error { return loop(stopping) })
	}
	if ready != nil {
		ready()
	}
	if err := running.Wait(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("run crowd: %w", err)
	}
	return nil
}

// closers are open sockets.
type closers struct {
	mu   sync.Mutex
	open []io.Closer
}

func (s *closers) add(c io.Closer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, c)
}

func (s *closers) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.open {
		c.Close()
	}
	s.open = nil
}

// shut opens the sockets of the silent hosts: a listener that is full, and a socket that nobody reads.
func (c *Crowd) shut(ctx context.Context, sockets *closers) error {
	listen := net.ListenConfig{Control: onLoopback}
	u, err := listen.ListenPacket(ctx, "udp4", c.wildcard(silentPort))
	if err != nil {
		return err // it names the operation and the address
	}
	sockets.add(u)
	l, err := listen.Listen(ctx, "tcp4", c.wildcard(silentPort))
	if err != nil {
		return err
	}
	sockets.add(l)
	plug, err := wall(l.(*net.TCPListener), func() (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp4", netip.AddrPortFrom(c.plan.Base, c.plan.Port+silentPort).String())
	})
	if err != nil {
		return fmt.Errorf("wall %v: %w", l.Addr(), err)
	}
	sockets.add(plug)
	return nil
}

// wildcard is every address of this machine at a port of the crowd.
func (c *Crowd) wildcard(port uint16) string {
	return net.JoinHostPort(wildcardHosts, strconv.Itoa(int(c.plan.Port+port)))
}

// A lounge is where connections wait whose hello is not complete, each in a goroutine of its own.
type lounge struct {
	*Crowd
	seats  chan struct{}
	guests sync.WaitGroup
}

func (c *Crowd) lounge() *lounge { return &lounge{Crowd: c, seats: make(chan struct{}, maxGuests)} }

// seat serves a connection, of which something may have been read. When there is no seat left, it is closed.
func (l *lounge) seat(ctx context.Context, conn net.Conn, read []byte) {
	select {
	case l.seats <- struct{}{}:
	default:
		conn.Close()
		return
	}
	read = append(make([]byte, 0, maxHello), read...)
	l.guests.Go(func() {
		defer func() { <-l.seats }()
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { conn.Close() })()
		if err := l.serve(conn, read); err != nil && !errors.Is(err, net.ErrClosed) {
			l.plan.Log.Debug("no answer", "remote", conn.RemoteAddr(), "err", err)
		}
	})
}

// serve waits for the rest of a hello and answers it.
func (l *lounge) serve(conn net.Conn, hello []byte) error {
	i, known := l.host(addrPort(conn.LocalAddr()).Addr())
	if !known {
		l.served.strays.Add(1)
		return nil
	}
	if err := conn.SetDeadline(time.Now().Add(helloWait)); err != nil {
		return err
	}
	for !complete(hello) {
		if len(hello) == cap(hello) {
			return fmt.Errorf("hello of more than %d bytes", maxHello)
		}
		n, err := conn.Read(hello[len(hello):cap(hello)])
		if err != nil {
			return err
		}
		hello = hello[:len(hello)+n]
	}
	_, err := conn.Write(l.clerk().welcome(nil, i, hello))
	return err
}

// addrPort returns the address of an end of a TCP connection.
func addrPort(a net.Addr) netip.AddrPort {
	end := a.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(end.Addr().Unmap(), end.Port())
}
