package mmsg

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// open opens a socket that tells to which address a datagram was sent.
func open(t *testing.T, addr string) (*net.UDPConn, syscall.RawConn) {
	t.Helper()
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		fault := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1) })
		return errors.Join(fault, err)
	}}
	conn, err := lc.ListenPacket(t.Context(), "udp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	raw, err := conn.(*net.UDPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	return conn.(*net.UDPConn), raw
}

func local(c net.PacketConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

// TestThereAndBack sends a batch to several addresses of one socket, which answers each from the address that was asked.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	client, fromClient := open(t, "127.25.0.1:0")
	server, fromServer := open(t, "0.0.0.0:0")
	asked := []netip.Addr{
		netip.MustParseAddr("127.25.0.2"), netip.MustParseAddr("127.25.3.4"), netip.MustParseAddr("127.25.255.254"),
	}
	out := NewSender(len(asked))
	for i, a := range asked {
		question := append(out.Buffer(), bytes.Repeat([]byte{byte('a' + i)}, 1000*i)...)
		out.Add(question, netip.AddrPortFrom(a, local(server).Port()), netip.Addr{})
	}
	if !out.Full() {
		t.Error("there is room for more")
	}
	send(t, out, fromClient, len(asked))

	in := NewReceiver(8, 1500)
	collect(t, in, fromServer, len(asked), func(i int) {
		at := int(in.To(i).As4()[3])
		if in.From(i) != local(client) {
			t.Errorf("a datagram from %v", in.From(i))
		}
		out.Add(append(out.Buffer(), byte(at), byte(len(in.Datagram(i))>>8)), in.From(i), in.To(i))
		send(t, out, fromServer, 1)
	})
	got := map[netip.AddrPort]byte{}
	collect(t, in, fromClient, len(asked), func(i int) { got[in.From(i)] = in.Datagram(i)[1] })
	for i, a := range asked {
		from := netip.AddrPortFrom(a, local(server).Port())
		if size, answered := got[from]; !answered || size != byte(min(1000*i, 1500)>>8) { // longer ones are cut
			t.Errorf("%v: answered %v, %d of 256 bytes", from, answered, size)
		}
	}
}

func send(t *testing.T, s *Sender, c syscall.RawConn, want int) {
	t.Helper()
	if n, err := s.Send(c); n != want || err != nil {
		t.Fatalf("sent %d of %d: %v", n, want, err)
	}
}

// collect receives n datagrams, in as many batches as it takes.
func collect(t *testing.T, r *Receiver, c syscall.RawConn, n int, take func(i int)) {
	t.Helper()
	for n > 0 {
		got, err := r.Receive(c)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			take(i)
		}
		n -= got
	}
}

func TestWithoutPacketInfoNobodyKnowsWhoWasAsked(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(t.Context(), "udp4", "127.25.0.5:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.UDPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	s, r := NewSender(1), NewReceiver(1, 10)
	s.Add(append(s.Buffer(), 'x'), local(conn), netip.Addr{})
	send(t, s, raw, 1)
	collect(t, r, raw, 1, func(i int) {
		if r.To(i).IsValid() {
			t.Errorf("to %v", r.To(i))
		}
	})
}

func TestErrorsOfTheSocket(t *testing.T) {
	t.Parallel()
	conn, raw := open(t, "127.25.0.6:0")
	if err := conn.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := NewReceiver(1, 10).Receive(raw); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	s := NewSender(2)
	s.Add(append(s.Buffer(), 'x'), netip.MustParseAddrPort("127.25.0.7:0"), netip.Addr{})
	if n, err := s.Send(raw); n != 0 || !errors.Is(err, unix.EINVAL) {
		t.Errorf("to port 0: %d sent, %v", n, err)
	}
	conn.Close()
	if _, err := NewReceiver(1, 10).Receive(raw); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the closing: %v", err)
	}
}
