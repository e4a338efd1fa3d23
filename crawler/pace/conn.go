package pace

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// Seats bound how many connections are open at a time, to all hosts together and to each /24, or /64 of IPv6.
type seats struct {
	all  chan struct{} // nil: no bound
	each int           // 0: no bound

	mu   sync.Mutex
	near map[netip.Addr]*row
}

// A row is the seats of a prefix. It lasts as long as somebody has one or waits for one.
type row struct {
	seats chan struct{}
	users int
}

func newSeats(all, each int) *seats {
	s := &seats{each: each, near: make(map[netip.Addr]*row)}
	if all > 0 {
		s.all = make(chan struct{}, all)
	}
	return s
}

// take waits for a seat, and returns the function that gives it back.
func (s *seats) take(ctx context.Context, a netip.Addr) (leave func(), err error) {
	near, done := s.row(a)
	for i, c := range []chan struct{}{near, s.all} {
		if c == nil {
			continue
		}
		select {
		case c <- struct{}{}:
		case <-ctx.Done():
			if i == 1 && near != nil {
				<-near
			}
			done()
			return nil, fmt.Errorf("wait for a connection to end: %w", ctx.Err())
		}
	}
	return s.leave(near, done), nil
}

// try takes a seat if one is free.
func (s *seats) try(a netip.Addr) (leave func(), free bool) {
	if s.all == nil && s.each == 0 {
		return func() {}, true
	}
	near, done := s.row(a)
	for i, c := range []chan struct{}{near, s.all} {
		if c == nil {
			continue
		}
		select {
		case c <- struct{}{}:
		default:
			if i == 1 && near != nil {
				<-near
			}
			done()
			return nil, false
		}
	}
	return s.leave(near, done), true
}

// leave returns the function that gives a seat back.
func (s *seats) leave(near chan struct{}, done func()) func() {
	return sync.OnceFunc(func() {
		if s.all != nil {
			<-s.all
		}
		if near != nil {
			<-near
		}
		done()
	})
}

// row returns the seats near an address, nil without a bound, and the function that says that they are not used any more.
func (s *seats) row(a netip.Addr) (near chan struct{}, done func()) {
	if s.each == 0 {
		return nil, func() {}
	}
	p := nearPrefix(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.near[p]
	if r == nil {
		r = &row{seats: make(chan struct{}, s.each)}
		s.near[p] = r
	}
	r.users++
	return r.seats, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.users--; r.users == 0 {
			delete(s.near, p)
		}
	}
}

// nearPrefix is the /24 or /64 that an address is in.
func nearPrefix(a netip.Addr) netip.Addr {
	bits := 24
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p.Addr()
}

// A conn is a connection that keeps its seat until it is closed, and whose bytes wait for their turn.
type conn struct {
	*net.TCPConn
	pacer *Pacer
	to    netip.Addr
	open  context.Context // ends by Close
	shut  func()
}

// Write waits until the rate of bytes lets all of b leave, or until Close.
func (c *conn) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		some := b[:min(len(b), byteBucket)]
		if err := c.pacer.drain(c.open, c.to, len(some)); err != nil {
			return n, &net.OpError{Op: "write", Net: "tcp", Addr: c.RemoteAddr(), Err: net.ErrClosed}
		}
		m, err := c.TCPConn.Write(some)
		n += m
		if err != nil {
			return n, err
		}
		b = b[m:]
	}
	return n, nil
}

// Close closes the connection and gives up its seat.
func (c *conn) Close() error {
	c.shut()
	return c.TCPConn.Close()
}
