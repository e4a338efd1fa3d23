package mmsg

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A control is the ancillary data of one datagram: the address of this machine that it came to, or leaves from.
type control struct {
	header unix.Cmsghdr
	info   unix.Inet4Pktinfo
	_      [4]byte // the kernel rounds up to whole words
}

// messages are what both directions give the kernel.
type messages struct {
	headers  []unix.Mmsghdr
	iovecs   []unix.Iovec
	names    []unix.RawSockaddrInet4
	controls []control
}

func newMessages(n int) messages {
	m := messages{
		headers: make([]unix.Mmsghdr, n), iovecs: make([]unix.Iovec, n),
		names: make([]unix.RawSockaddrInet4, n), controls: make([]control, n),
	}
	for i := range m.headers {
		h := &m.headers[i].Hdr
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&m.names[i])), unix.SizeofSockaddrInet4
		h.Iov = &m.iovecs[i]
		h.SetIovlen(1)
		h.Control = (*byte)(unsafe.Pointer(&m.controls[i]))
		h.SetControllen(int(unsafe.Sizeof(control{})))
	}
	return m
}

// call makes one system call over the messages from first to end, and returns how many it went through.
func (m *messages) call(number, fd uintptr, first, end int) (int, error) {
	n, _, errno := unix.Syscall6(number, fd, uintptr(unsafe.Pointer(&m.headers[first])), uintptr(end-first),
		unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// A Receiver takes datagrams off a socket.
type Receiver struct {
	messages
	room []byte
	size int
}

// NewReceiver makes room for n datagrams at a time, each of size bytes at most: of a longer one the rest is lost.
func NewReceiver(n, size int) *Receiver {
	r := &Receiver{messages: newMessages(n), room: make([]byte, n*size), size: size}
	for i := range r.iovecs {
		r.iovecs[i].Base = &r.room[i*size]
		r.iovecs[i].SetLen(size)
	}
	return r
}

// Receive takes what is there, and returns the number of datagrams. It waits until there is one, and returns an error when
// the connection is closed or its deadline has passed.
func (r *Receiver) Receive(c syscall.RawConn) (n int, err error) {
	for i := range r.headers {
		h := &r.headers[i].Hdr // the kernel has shortened these
		h.Namelen = unix.SizeofSockaddrInet4
		h.SetControllen(int(unsafe.Sizeof(control{})))
	}
	var failed error
	err = c.Read(func(fd uintptr) bool {
		n, failed = r.call(unix.SYS_RECVMMSG, fd, 0, len(r.headers))
		return failed != unix.EAGAIN && failed != unix.EINTR
	})
	if err == nil {
		err = failed
	}
	return n, err
}

// Datagram returns the i-th datagram of the last call of Receive. It is valid until the next.
func (r *Receiver) Datagram(i int) []byte { return r.room[i*r.size:][:r.headers[i].Len] }

// From returns who sent the i-th datagram.
func (r *Receiver) From(i int) netip.AddrPort { return addrPort(&r.names[i]) }

// To returns to which address of this machine the i-th datagram was sent; the zero Addr when the socket does not tell.
func (r *Receiver) To(i int) netip.Addr {
	c := &r.controls[i]
	if r.headers[i].Hdr.Controllen == 0 || c.header.Level != unix.IPPROTO_IP || c.header.Type != unix.IP_PKTINFO {
		return netip.Addr{}
	}
	return netip.AddrFrom4(c.info.Addr)
}

// A Sender collects datagrams and sends them together.
type Sender struct {
	messages
	arena []byte // the datagrams, one after the other
	ends  []int  // of each in the arena
}

// NewSender makes a Sender of at most n datagrams at a time.
func NewSender(n int) *Sender {
	s := &Sender{messages: newMessages(n), ends: make([]int, 0, n)}
	for i := range s.controls {
		h := &s.controls[i].header
		h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		h.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
	}
	return s
}

// Full tells whether there is no room for one more datagram until Send.
func (s *Sender) Full() bool { return len(s.ends) == cap(s.ends) }

// Buffer returns where the next datagram is to be appended; Add takes it.
func (s *Sender) Buffer() []byte { return s.arena }

// Add takes a datagram that was appended to Buffer. It goes to an address of IPv4, from the given one of this machine; the
// zero Addr leaves the choice to the system.
func (s *Sender) Add(appended []byte, to netip.AddrPort, from netip.Addr) {
	i := len(s.ends)
	s.arena, s.ends = appended, append(s.ends, len(appended))
	setAddrPort(&s.names[i], to)
	h := &s.headers[i].Hdr
	h.Control = nil
	h.SetControllen(0)
	if from.IsValid() {
		s.controls[i].info.Spec_dst = from.As4()
		h.Control = (*byte)(unsafe.Pointer(&s.controls[i]))
		h.SetControllen(int(unsafe.Sizeof(control{})))
	}
}

// Send sends what was added, and forgets it. It returns how many datagrams were sent, which is all of them but for an
// error: that of the first that could not be sent.
func (s *Sender) Send(c syscall.RawConn) (sent int, err error) {
	begin := 0
	for i, end := range s.ends { // only now: the arena may have moved
		s.iovecs[i].SetLen(end - begin)
		s.iovecs[i].Base = unsafe.SliceData(s.arena[begin:end])
		begin = end
	}
	total := len(s.ends)
	var failed error
	for sent < total && err == nil {
		n := 0
		err = c.Write(func(fd uintptr) bool {
			n, failed = s.call(unix.SYS_SENDMMSG, fd, sent, total)
			return failed != unix.EAGAIN && failed != unix.EINTR
		})
		if err == nil {
			err = failed
		}
		sent += n
	}
	s.arena, s.ends = s.arena[:0], s.ends[:0]
	return sent, err
}

// The port of a socket address is in network order, whatever the order of the machine.
func addrPort(a *unix.RawSockaddrInet4) netip.AddrPort {
	port := (*[2]byte)(unsafe.Pointer(&a.Port))
	return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), binary.BigEndian.Uint16(port[:]))
}

func setAddrPort(a *unix.RawSockaddrInet4, to netip.AddrPort) {
	a.Family, a.Addr = unix.AF_INET, to.Addr().Unmap().As4()
	port := (*[2]byte)(unsafe.Pointer(&a.Port))
	binary.BigEndian.PutUint16(port[:], to.Port())
}
