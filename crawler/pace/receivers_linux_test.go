package pace

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stamp has the kernel tell when each datagram came.
func stamp(t *testing.T, r *receiver) {
	t.Helper()
	raw, err := r.udp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, 1) })
	if err := errors.Join(err, os.NewSyscallError("setsockopt", failed)); err != nil {
		t.Fatal(err)
	}
}

// stamped reads a datagram, and returns when it came.
func stamped(t *testing.T, r *receiver) arrival {
	t.Helper()
	b, control := make([]byte, 2*packetSize), make([]byte, 256)
	n, length, _, _, err := r.udp.ReadMsgUDPAddrPort(b, control)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:length])
	if err != nil || len(messages) != 1 || messages[0].Header.Type != unix.SO_TIMESTAMPNS_NEW {
		t.Fatalf("control messages %v: %v", messages, err)
	}
	data := messages[0].Data
	seconds, nanoseconds := int64(binary.NativeEndian.Uint64(data)), int64(binary.NativeEndian.Uint64(data[8:]))
	return arrival{r.addr.Addr(), time.Unix(seconds, nanoseconds), n}
}

// By the clock of the kernel that receives, too, rates hold in every window, by the socket and by the wire. The burst leaves
// room for a sender who is kept from running, of a packet at each level.
func TestKernelSeesTheRates(t *testing.T) {
	t.Parallel()
	rates := Rates{Total: 5, Near: 3, Host: 2}
	const each = 4
	for name, send := range map[string]func(*testing.T, *Pacer, []*receiver){
		"socket": func(t *testing.T, p *Pacer, to []*receiver) {
			s, err := p.ListenPacket(t.Context(), "udp4", "127.63.19.1:0")
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			var all sync.WaitGroup
			for _, r := range to {
				for range each {
					all.Go(func() { s.WriteTo(make([]byte, packetSize), net.UDPAddrFromAddrPort(r.addr)) })
				}
			}
			all.Wait()
		},
		"wire": func(t *testing.T, p *Pacer, to []*receiver) {
			w, err := p.Wire()
			if err != nil {
				t.Error(err)
				return
			}
			defer w.Close()
			var h told
			for left := each * len(to); left > 0; {
				again := time.Now().Add(time.Hour)
				for i, r := range to {
					if left%len(to) != i { // they take turns
						continue
					}
					wait, err := w.Send(r.addr, make([]byte, packetSize))
					if err != nil {
						t.Error(err)
						return
					}
					if again = time.Now().Add(wait); wait == 0 {
						left--
					}
					break
				}
				w.Poll(again, h.datagram, h.stream)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPacer(t, Limits{Scope: Lab, Datagrams: rates})
			var receivers []*receiver
			for _, ip := range []string{"127.63.21.1", "127.63.21.2", "127.63.22.1"} {
				r := listen(t, ip)
				stamp(t, r)
				receivers = append(receivers, r)
			}
			var sending sync.WaitGroup
			defer sending.Wait()
			sending.Go(func() { send(t, p, receivers) })
			var arrived []arrival
			for _, r := range receivers {
				for range each {
					arrived = append(arrived, stamped(t, r))
				}
			}
			checkArrivals(t, arrived, rates, false)
		})
	}
}
