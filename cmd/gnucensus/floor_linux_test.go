package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
	"gnucensus/servent/mmsg"
)

// A crowd is a crowd of light hosts in a process of its own.
type crowd struct {
	*process
	first netip.AddrPort // and its only seed
	hosts int
}

// newCrowd starts a crowd at ports that nobody else uses.
func newCrowd(t testing.TB, hosts int, flags ...string) crowd {
	t.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		args := []string{"lab", "--crowd", strconv.Itoa(hosts), "--port", strconv.Itoa(port)}
		network := start(t, append(args, flags...)...)
		if seed, ok := <-network.print; ok {
			return crowd{network, netip.MustParseAddrPort(seed), hosts}
		}
		t.Log(network.end(t).stderr)
	}
	t.Fatal("no port is free")
	return crowd{}
}

// stop ends the crowd.
func (c crowd) stop(t testing.TB) result {
	t.Helper()
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	return c.end(t)
}

// host returns the address of a host, all of which must answer.
func (c crowd) host(i int) netip.AddrPort {
	first := c.first.Addr().As4()
	four := binary.BigEndian.AppendUint32(nil, binary.BigEndian.Uint32(first[:])+uint32(i))
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(four)), c.first.Port())
}

// How much the floors have under way at a time: more is no faster.
const (
	floorConnections = 256
	floorDatagrams   = 1024
	floorBatch       = 128
)

const crawlHello = "GNUTELLA CONNECT/0.6\r\nUser-Agent: gnucensus/devel\r\nX-Ultrapeer: False\r\nX-Query-Routing: 0.1\r\n" +
	"Crawler: 0.1\r\n\r\n"

// tcpFloor is the most that a crawler could do by TCP: one epoll loop that opens a connection to each host, sends a crawl
// handshake, reads to the empty line and closes, and nothing else. It returns hosts per second.
func tcpFloor(t testing.TB, c crowd) float64 {
	t.Helper()
	poll, err := unix.EpollCreate1(0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(poll)
	var events [floorConnections]unix.EpollEvent
	buf := make([]byte, 64<<10)
	begun := time.Now()
	for next, open, done := 0, 0, 0; done < c.hosts; {
		for ; open < floorConnections && next < c.hosts; next++ {
			if err := greet(poll, c.host(next)); err != nil {
				t.Fatal(err)
			}
			open++
		}
		n, err := unix.EpollWait(poll, events[:], -1)
		if err != nil && err != unix.EINTR {
			t.Fatal(err)
		}
		for i := range n {
			fd := int(events[i].Fd)
			size, err := unix.Read(fd, buf)
			if err != nil || size == 0 {
				t.Fatalf("a host closed early: %v", err)
			}
			if bytes.HasSuffix(buf[:size], []byte("\r\n\r\n")) {
				unix.Close(fd)
				open--
				done++
			}
		}
	}
	return float64(c.hosts) / time.Since(begun).Seconds()
}

// greet connects, and sends a crawl handshake: on one machine there is nothing to wait for between the two.
func greet(poll int, to netip.AddrPort) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	addr := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: to.Addr().As4()}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&addr.Port))[:], to.Port())
	_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&addr)), unix.SizeofSockaddrInet4)
	if errno != 0 && errno != unix.EINPROGRESS {
		return errno
	}
	if _, err := unix.Write(fd, []byte(crawlHello)); err != nil {
		return err
	}
	return unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// udpFloor is the most that a crawler could do by UDP: it sends PINGs and receives PONGs, many at a time, and does nothing
// else. It returns hosts per second.
func udpFloor(t testing.TB, c crowd) float64 {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadBuffer(4 << 20); err != nil {
		t.Fatal(err)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	ping := floorPing(t)
	out, in := mmsg.NewSender(floorBatch), mmsg.NewReceiver(floorBatch, 1500)
	begun := time.Now()
	for next, open, done, lost := 0, 0, 0, 0; done+lost < c.hosts; {
		for ; open < floorDatagrams && next < c.hosts && !out.Full(); next++ {
			out.Add(append(out.Buffer(), ping...), c.host(next), netip.Addr{})
			open++
		}
		if _, err := out.Send(raw); err != nil {
			t.Fatal(err)
		}
		if next < c.hosts && open <= floorDatagrams-floorBatch {
			continue
		}
		conn.SetReadDeadline(time.Now().Add(time.Second))
		n, err := in.Receive(raw)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			lost, open = lost+open, 0
		case err != nil:
			t.Fatal(err)
		}
		done, open = done+n, open-n
	}
	return float64(c.hosts) / time.Since(begun).Seconds()
}

// floorPing is the PING of a crawl.
func floorPing(t testing.TB) []byte {
	t.Helper()
	tail, err := ggep.Append(nil, ggep.SCP(ggep.SCPUltrapeer|ggep.SCPIPv6))
	if err != nil {
		t.Fatal(err)
	}
	ping, err := message.Append(nil, message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{Tail: tail}})
	if err != nil {
		t.Fatal(err)
	}
	return ping
}

// TestFloors holds the floors to what they say they do: every host of a crowd is asked once.
func TestFloors(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 2000)
	if rate := tcpFloor(t, c); rate <= 0 {
		t.Errorf("%f hosts/s by TCP", rate)
	}
	if rate := udpFloor(t, c); rate <= 0 {
		t.Errorf("%f hosts/s by UDP", rate)
	}
	const want = "answered 2000 handshakes, 2000 PINGs and 0 UDP crawler pings; 0 strays\n"
	if r := c.stop(t); r.code != exitDone || !bytes.HasSuffix([]byte(r.stderr), []byte(want)) {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}
