package gnutella

import (
	"fmt"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"gnucensus/probe"
	"gnucensus/servent/message"
)

// A flood is what a host sends that nobody asked for, from many addresses.
type flood struct {
	sources []net.PacketConn
	over    chan struct{} // closed when all was sent
}

const (
	floodSources   = 16
	floodDatagrams = 100_000
)

func newFlood(t *testing.T) *flood {
	t.Helper()
	f := &flood{over: make(chan struct{})}
	for n := range floodSources {
		c, err := net.ListenPacket("udp4", fmt.Sprintf("127.63.2.%d:0", n+1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		f.sources = append(f.sources, c)
	}
	return f
}

// send floods who asked: with copies of the answer, answers to nothing, halves of datagrams, and the longest that there can
// be.
func (f *flood) send(to net.Addr, answer []byte) {
	defer close(f.over)
	longest := make([]byte, 65_507)
	copy(longest, answer)
	for n := range floodDatagrams {
		b := answer
		switch n % 64 {
		case 0:
			b = longest
		case 1:
			b = answer[:n/64%len(answer)]
		default:
			if n%2 == 0 {
				guid := message.NewGUID()
				b = answering(guid, answer)
			}
		}
		f.sources[n%floodSources].WriteTo(b, to) // what finds no room is lost
	}
}

// answerer plays a host by UDP: answer is told who asked and what the answer is.
func answerer(t *testing.T, ip string, pong []byte, answer func(c net.PacketConn, to net.Addr, pong []byte)) probe.Endpoint {
	t.Helper()
	c, err := net.ListenPacket("udp4", ip+":0")
	if err != nil {
		t.Fatal(err)
	}
	var playing sync.WaitGroup
	t.Cleanup(func() { c.Close(); playing.Wait() })
	playing.Go(func() {
		b := make([]byte, 1000)
		for n, from, err := c.ReadFrom(b); err == nil; n, from, err = c.ReadFrom(b) {
			if n >= message.HeaderLen {
				answer(c, from, append(b[:16:16], pong[16:]...))
			}
		}
	})
	return probe.Endpoint{Network: probe.Gnutella, Addr: host(t, c.LocalAddr().String())}
}

// A host that floods us with PONGs costs nothing but the reading of them: no memory stays with what nobody asked for, the
// flooder has its one answer, and another host, which the flood drowns for a while, is heard after it.
func TestFloodOfDatagrams(t *testing.T) {
	pong := captures(t, "gtk-gnutella.txt")["udp-pong-leaf"]
	for name, wire := range map[string]func() (Wire, error){"alone": nil, "over a wire": labWire} {
		t.Run(name, func(t *testing.T) {
			f := newFlood(t)
			ended := make(chan struct{})
			flooder := answerer(t, "127.63.2.100", pong, func(c net.PacketConn, to net.Addr, pong []byte) {
				c.WriteTo(pong, to)
				go f.send(to, pong)
			})
			drowned := answerer(t, "127.63.2.101", pong, func(c net.PacketConn, to net.Addr, pong []byte) {
				<-f.over
				for again := time.NewTicker(10 * time.Millisecond); ; {
					select {
					case <-again.C:
						c.WriteTo(pong, to)
					case <-ended:
						return
					}
				}
			})
			p := newProber(t, func(c *Config) { c.Methods, c.Wire = []probe.Method{probe.UDPPing}, wire })
			before := memory()
			visits := surveyed(t, p, t.Context(), flooder, drowned)
			close(ended)
			for _, v := range visits {
				if len(v.Observations) != 1 || v.Observations[0].Outcome != probe.Answered || len(v.Observations[0].Peers) != 1 {
					t.Errorf("%v: %+v", v.Endpoint, v.Observations)
				}
			}
			if after := memory(); after > before+8<<20 {
				t.Errorf("%d KiB of memory stay after the flood", (after-before)>>10)
			}
		})
	}
}

// memory is how much is in use.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
