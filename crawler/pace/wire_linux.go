package pace

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"gnucensus/servent/mmsg"

	"golang.org/x/sys/unix"
)

// A wire is a [Wire] by epoll(7), recvmmsg(2) and sendmmsg(2).
type wire struct {
	pacer *Pacer
	epoll int

	udp     *net.UDPConn
	raw     syscall.RawConn
	in      *mmsg.Receiver
	out     *mmsg.Sender
	waiting []letter // to be sent by the next Poll
	spare   []letter // its room, while they are sent

	lines  []line   // by number
	free   []uint32 // numbers of closed ones
	opened []opened // connected at once, which Poll is to tell

	events []unix.EpollEvent
	room   []byte // what a connection is read into

	mu     sync.Mutex
	wake   int // an eventfd
	closed bool
}

// A letter is a datagram that is to be sent.
type letter struct {
	to    netip.AddrPort
	bytes []byte
}

// A line is a connection of a wire.
type line struct {
	fd      int
	opening uint32 // how often the number was used: an event may be of an earlier connection
	begun   time.Duration
	hello   []byte // to be sent as soon as there is a connection; nil: it was
	to      netip.Addr
	leave   func() // gives up its seat
}

// An opened connection, by its number and the opening that it stands for.
type opened struct{ number, opening uint32 }

// Numbers that events bear in the place of that of a connection.
const (
	socketEvent = -1
	wakeEvent   = -2
)

const (
	datagrams     = 64       // at a time
	datagramSize  = 16 << 10 // longer than any answer that a servent sends
	eventsAtOnce  = 1024
	rounds        = 16 // of reading datagrams, after which others have their turn
	streamRoom    = 64 << 10
	receiveBuffer = 4 << 20 // asked of the system, which may give less
)

// Wire opens a [Wire].
func (p *Pacer) Wire() (Wire, error) {
	w := &wire{
		pacer: p, epoll: -1, wake: -1,
		in: mmsg.NewReceiver(datagrams, datagramSize), out: mmsg.NewSender(datagrams),
		events: make([]unix.EpollEvent, eventsAtOnce), room: make([]byte, streamRoom),
	}
	if err := w.open(); err != nil {
		w.Close()
		return nil, fmt.Errorf("open wire: %w", err)
	}
	return w, nil
}

func (w *wire) open() (err error) {
	if w.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if w.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	if w.udp, err = net.ListenUDP("udp4", nil); err != nil {
		return err
	}
	if err := w.udp.SetReadBuffer(receiveBuffer); err != nil {
		return err
	}
	if w.raw, err = w.udp.SyscallConn(); err != nil {
		return err
	}
	if err := w.watch(w.wake, unix.EPOLLIN, wakeEvent, 0); err != nil {
		return err
	}
	var watched error
	err = w.raw.Control(func(fd uintptr) { watched = w.watch(int(fd), unix.EPOLLIN, socketEvent, 0) })
	return errors.Join(err, watched)
}

func (w *wire) watch(fd int, events uint32, number int32, opening uint32) error {
	e := unix.EpollEvent{Events: events, Fd: number, Pad: int32(opening)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &e))
}

func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for i := range w.lines {
		if w.lines[i].fd >= 0 {
			unix.Close(w.lines[i].fd)
		}
	}
	if w.udp != nil {
		w.udp.Close()
	}
	for _, fd := range []int{w.epoll, w.wake} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	return nil
}

func (w *wire) Wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		one := [8]byte{7: 1}
		unix.Write(w.wake, one[:]) // it fails only when it is full, and then it wakes too
	}
}

// now is the time as the pacer counts it.
func (w *wire) now() time.Duration { return time.Since(w.pacer.started) }

func (w *wire) Jitter() time.Duration { return w.pacer.limits.Jitter }

func (w *wire) Send(to netip.AddrPort, b []byte) (wait time.Duration, err error) {
	if len(b) > byteBucket {
		return 0, fmt.Errorf("send to %v: %d bytes are too many for a datagram of a census", to, len(b))
	}
	if wait, err := w.pacer.ask(to, datagram, len(b), w.pacer.Permit); wait > 0 || err != nil {
		return wait, err
	}
	n := len(w.waiting)
	if n == cap(w.waiting) {
		w.waiting = append(w.waiting, letter{})
	}
	w.waiting = w.waiting[:n+1]
	w.waiting[n].to, w.waiting[n].bytes = to, append(w.waiting[n].bytes[:0], b...)
	return 0, nil
}

// flush sends what waits, and returns how many datagrams could not be sent. These do not keep those behind them.
func (w *wire) flush(tell DatagramFunc) (unsent int) {
	sending := w.waiting
	w.waiting, w.spare = w.spare[:0], nil // tell may send more
	for rest := sending; len(rest) > 0; {
		some := rest[:min(len(rest), datagrams)]
		for _, d := range some {
			w.out.Add(append(w.out.Buffer(), d.bytes...), d.to, netip.Addr{})
		}
		sent, err := w.out.Send(w.raw)
		if err != nil {
			d := some[sent]
			err = &net.OpError{Op: "write", Net: "udp", Err: os.NewSyscallError("sendmmsg", err)}
			tell(d.to, d.bytes, w.pacer.sent(d.to.Addr().Unmap(), err))
			sent++
			unsent++
		}
		rest = rest[sent:]
	}
	w.spare = sending[:0]
	return unsent
}

func (w *wire) Connect(to netip.AddrPort, hello []byte) (number uint32, wait time.Duration, err error) {
	a := to.Addr().Unmap()
	leave, free := w.pacer.seats.try(a)
	if !free {
		return 0, seatWait, nil
	}
	if wait, err := w.pacer.ask(to, opening, len(hello), w.pacer.Permit); wait > 0 || err != nil {
		leave()
		return 0, wait, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		leave()
		return 0, 0, w.dialled(a, "socket", err)
	}
	number = w.number()
	l := &w.lines[number]
	*l = line{fd: fd, opening: l.opening + 1, begun: w.now(), hello: hello, to: a, leave: leave}
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: a.As4()})
	if err != nil && err != unix.EINPROGRESS {
		w.Hang(number)
		return 0, 0, w.dialled(a, "connect", err)
	}
	edges := uint32(unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET)
	switch _, err := unix.Write(fd, hello); err { // with a host of this machine all is decided by now
	case nil:
		w.connected(l)
		w.opened = append(w.opened, opened{number, l.opening})
		edges &^= unix.EPOLLOUT
	case unix.EAGAIN, unix.ENOTCONN:
	default:
		w.Hang(number)
		return 0, 0, w.dialled(a, "connect", err)
	}
	if err := w.watch(fd, edges, int32(number), l.opening); err != nil {
		w.Hang(number)
		return 0, 0, err
	}
	return number, 0, nil
}

// seatWait is how long to wait for one of the connections to end that are as many as may be.
const seatWait = 20 * time.Millisecond

// connected notes that there is a connection, and that its hello was sent.
func (w *wire) connected(l *line) {
	l.hello = nil
	w.pacer.strangers.heard(l.to)
	w.pacer.dialled(l.to, l.begun, nil)
}

// dialled returns the error of an attempt to connect to an address.
func (w *wire) dialled(a netip.Addr, call string, err error) error {
	return w.pacer.dialled(a, w.now(), &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError(call, err)})
}

func (w *wire) number() uint32 {
	if last := len(w.free) - 1; last >= 0 {
		n := w.free[last]
		w.free = w.free[:last]
		return n
	}
	w.lines = append(w.lines, line{fd: -1})
	return uint32(len(w.lines) - 1)
}

func (w *wire) Write(number uint32, b []byte) {
	l := &w.lines[number]
	if w.pacer.spare(l.to, len(b)) {
		unix.Write(l.fd, b) // whoever does not hear it has answered all the same
	}
}

func (w *wire) Hang(number uint32) {
	l := &w.lines[number]
	unix.Close(l.fd)
	l.leave()
	l.fd, l.hello, l.leave = -1, nil, nil
	w.free = append(w.free, number)
}

func (w *wire) GiveUp(number uint32) error {
	a, begun := w.lines[number].to, w.lines[number].begun
	w.Hang(number)
	return w.pacer.dialled(a, begun, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded})
}

func (w *wire) Poll(until time.Time, datagram DatagramFunc, stream StreamFunc) error {
	if w.flush(datagram) > 0 {
		until = time.Time{}
	}
	for i := 0; i < len(w.opened); i++ { // stream may open more
		o := w.opened[i]
		if l := &w.lines[o.number]; l.fd >= 0 && l.opening == o.opening {
			stream(o.number, nil, nil)
		}
		until = time.Time{}
	}
	w.opened = w.opened[:0]
	milliseconds := 0
	if wait := time.Until(until); wait > 0 {
		milliseconds = int(min((wait+time.Millisecond-1)/time.Millisecond, math.MaxInt32))
	}
	n, err := unix.EpollWait(w.epoll, w.events, milliseconds)
	if err != nil && err != unix.EINTR {
		return fmt.Errorf("wait for events: %w", os.NewSyscallError("epoll_wait", err))
	}
	for _, e := range w.events[:max(n, 0)] {
		switch e.Fd {
		case wakeEvent:
			var count [8]byte
			unix.Read(w.wake, count[:])
		case socketEvent:
			if err := w.receive(datagram); err != nil {
				return err
			}
		default:
			w.serve(uint32(e.Fd), uint32(e.Pad), e.Events, stream)
		}
	}
	return nil
}

// receive takes the datagrams that are there, unless more come all the time.
func (w *wire) receive(tell DatagramFunc) error {
	for range rounds {
		n, err := w.in.Receive(ready{w.raw})
		if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("read datagrams: %w", err)
		}
		if n > 0 {
			w.pacer.brake.came(w.now())
		}
		for i := range n {
			from := w.in.From(i)
			w.pacer.strangers.heard(from.Addr())
			tell(from, w.in.Datagram(i), nil)
		}
		if n < datagrams {
			break
		}
	}
	return nil
}

// A ready connection is one that is not waited for.
type ready struct{ syscall.RawConn }

func (r ready) Read(f func(fd uintptr) bool) error {
	return r.Control(func(fd uintptr) { f(fd) })
}

// serve says hello on a connection that was made, and takes what came.
func (w *wire) serve(number, opening, events uint32, tell StreamFunc) {
	l := &w.lines[number]
	if l.fd < 0 || l.opening != opening {
		return // it was hung up in this round
	}
	if l.hello != nil {
		switch _, err := unix.Write(l.fd, l.hello); {
		case err == unix.EAGAIN:
			return
		case err != nil:
			tell(number, nil, w.dialled(l.to, "connect", err))
			return
		}
		w.connected(l)
		tell(number, nil, nil)
	}
	for events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 && w.lines[number].opening == opening {
		fd := w.lines[number].fd
		if fd < 0 {
			return
		}
		n, err := unix.Read(fd, w.room)
		switch {
		case err == unix.EAGAIN:
			return
		case err == unix.EINTR:
		case err != nil:
			tell(number, nil, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", err)})
			return
		case n == 0:
			tell(number, nil, io.EOF)
			return
		default:
			tell(number, w.room[:n], nil)
			if n < len(w.room) && events&unix.EPOLLRDHUP == 0 {
				return // there is no more, and the end of the stream would have shown
			}
		}
	}
}
