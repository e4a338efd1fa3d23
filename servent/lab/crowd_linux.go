//go:build !portable

package lab

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"gnucensus/servent/mmsg"
)

const (
	acceptAgain   = 100 * time.Millisecond // after the process ran out of descriptors
	datagrams     = 128                    // that are taken off the socket, or sent, at a time
	longestAsked  = 512                    // bytes of a datagram that is a request
	deferAccept   = 2                      // seconds for which the kernel keeps a connection that brings no bytes to itself
	loopbackLinks = "lo"                   // the interface of a crowd: nobody else sees its wildcard sockets
)

// open opens the sockets of those who answer, and returns the loops that serve them until they are closed.
func (c *Crowd) open(ctx context.Context, sockets *closers) (loops []func(context.Context) error, err error) {
	early := socketOption{unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, deferAccept} // most hellos are there when it is accepted
	l, err := early.config().Listen(ctx, "tcp4", c.wildcard(0))
	if err != nil {
		return nil, err // it names the operation and the address
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File() // unlike a listener, it lets us wait by the poller and accept by ourselves
	if err != nil {
		return nil, err
	}
	sockets.add(file)
	whom := socketOption{unix.IPPROTO_IP, unix.IP_PKTINFO, 1}
	u, err := whom.config().ListenPacket(ctx, "udp4", c.wildcard(0))
	if err != nil {
		return nil, err
	}
	sockets.add(u)
	conn := u.(*net.UDPConn)
	if err := errors.Join(conn.SetReadBuffer(socketBuffer), conn.SetWriteBuffer(socketBuffer)); err != nil {
		return nil, err
	}
	rawTCP, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	rawUDP, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	return []func(context.Context) error{
		func(ctx context.Context) error { return c.accept(ctx, rawTCP) },
		func(context.Context) error { return c.answerDatagrams(rawUDP) },
	}, nil
}

type socketOption struct{ level, name, value int }

// config opens sockets on the loopback interface, with the option set.
func (o socketOption) config() *net.ListenConfig {
	listen := &net.ListenConfig{Control: func(network, address string, c syscall.RawConn) error {
		var err error
		fault := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), o.level, o.name, o.value) })
		return errors.Join(onLoopback(network, address, c), fault, os.NewSyscallError("setsockopt", err))
	}}
	listen.SetMultipathTCP(false) // it makes connections dearer, and nobody has a second path
	return listen
}

// onLoopback binds a socket to the loopback interface.
func onLoopback(_, _ string, c syscall.RawConn) error {
	var err error
	fault := c.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), loopbackLinks) })
	return errors.Join(fault, os.NewSyscallError("bind to "+loopbackLinks, err))
}

// accept answers whoever connects until the listener is closed.
func (c *Crowd) accept(ctx context.Context, l syscall.RawConn) error {
	late := c.lounge()
	defer late.guests.Wait()
	g := &greeter{clerk: c.clerk(), late: late, size: unix.SizeofSockaddrInet4}
	for {
		var failed error
		err := l.Read(func(fd uintptr) bool {
			for failed = nil; failed == nil; {
				failed = g.next(ctx, fd)
			}
			return failed != unix.EAGAIN
		})
		switch {
		case err != nil:
			return err
		case failed != unix.EMFILE && failed != unix.ENFILE:
			return os.NewSyscallError("accept4", failed)
		}
		select {
		case <-time.After(acceptAgain):
		case <-ctx.Done():
			return nil
		}
	}
}

// A greeter answers connections, one after another: five system calls each, and no goroutine. The calls return at once, so
// they need not tell the scheduler that they might not, which would take about as long as they do.
type greeter struct {
	*clerk
	late  *lounge
	local unix.RawSockaddrInet4
	size  uint32
	hello [maxHello]byte
	reply []byte
}

// next takes a connection off the listener, answers and closes it. If its hello is not complete, it has to wait elsewhere.
func (g *greeter) next(ctx context.Context, listener uintptr) error {
	conn, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, listener, 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	switch {
	case errno == unix.EINTR, errno == unix.ECONNABORTED:
		return nil
	case errno != 0:
		return errno
	}
	unix.RawSyscall(unix.SYS_GETSOCKNAME, conn, uintptr(unsafe.Pointer(&g.local)), uintptr(unsafe.Pointer(&g.size)))
	i, known := g.host(netip.AddrFrom4(g.local.Addr))
	if !known {
		g.served.strays.Add(1)
		unix.RawSyscall(unix.SYS_CLOSE, conn, 0, 0)
		return nil
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, conn, uintptr(unsafe.Pointer(&g.hello)), maxHello, 0, 0, 0)
	switch {
	case errno == unix.EAGAIN:
		return g.seat(ctx, conn, nil)
	case errno == 0 && n > 0 && !complete(g.hello[:n]):
		return g.seat(ctx, conn, g.hello[:n])
	case errno == 0 && n > 0:
		g.reply = g.welcome(g.reply[:0], i, g.hello[:n])
		unix.RawSyscall6(unix.SYS_SENDTO, conn, uintptr(unsafe.Pointer(unsafe.SliceData(g.reply))), uintptr(len(g.reply)),
			unix.MSG_NOSIGNAL, 0, 0) // an answer has room in the buffer of a fresh connection
	}
	unix.RawSyscall(unix.SYS_CLOSE, conn, 0, 0)
	return nil
}

// seat makes a connection of package net out of a descriptor, and lets it wait.
func (g *greeter) seat(ctx context.Context, fd uintptr, read []byte) error {
	file := os.NewFile(fd, "")
	defer file.Close()
	conn, err := net.FileConn(file) // with a descriptor of its own
	if err != nil {
		return err
	}
	g.late.seat(ctx, conn, read)
	return nil
}

// answerDatagrams answers requests by UDP until the socket is closed, from the address that was asked.
func (c *Crowd) answerDatagrams(u syscall.RawConn) error {
	in, out := mmsg.NewReceiver(datagrams, longestAsked), mmsg.NewSender(datagrams)
	k := c.clerk()
	for {
		n, err := in.Receive(u)
		if err != nil {
			return err
		}
		for d := range n {
			i, known := c.host(in.To(d))
			if !known {
				c.served.strays.Add(1)
				continue
			}
			empty := out.Buffer()
			if answer := k.answer(empty, i, in.Datagram(d)); len(answer) > len(empty) {
				out.Add(answer, in.From(d), in.To(d))
			}
		}
		if _, err := out.Send(u); errors.Is(err, net.ErrClosed) {
			return err
		} else if err != nil {
			c.plan.Log.Debug("answers not sent", "err", err)
		}
	}
}
