package pace

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// An arrival is a packet as its receiver saw it, at the time at which it left by the clock of the test.
type arrival struct {
	to    netip.Addr
	at    time.Time
	bytes int
}

const (
	packetsEach = 25 // that each host gets
	packetSize  = 200
)

// Receivers in two networks are sent to all at once. What arrives, to all of them, to a /16, a /24 and a host, stays within
// rate·W + burst over every window W, in packets and in bytes, and the rates are used.
func TestReceiversSeeTheRates(t *testing.T) {
	t.Parallel()
	packets := Rates{Total: 12, Wide: 10, Near: 6, Host: 4}
	bytes := Rates{Total: 1900, Wide: 1800, Near: 1000, Host: 600}
	for name, test := range map[string]struct {
		limits Limits
		send   func(*testing.T, *Pacer, []*receiver) map[string]time.Time
		heard  func(*testing.T, *receiver) []string
		packet Rates // limits on packets; none: those on bytes are the tighter ones
		byte   Rates
		most   time.Duration
	}{
		"datagrams": {Limits{Datagrams: packets}, sendDatagrams, hearDatagrams, packets, Rates{}, 12 * time.Second},
		"bytes":     {Limits{Bytes: bytes}, sendDatagrams, hearDatagrams, Rates{}, bytes, 13 * time.Second},
		"opens":     {Limits{Opens: packets}, dialAll, hearConnections, packets, Rates{}, 12 * time.Second},
		"jitter": {Limits{Datagrams: packets, Bytes: bytes, Jitter: 300 * time.Millisecond}, sendDatagrams, hearDatagrams,
			packets, bytes, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.limits.Scope = Lab
			var receivers []*receiver
			for _, ip := range []string{"127.63.16.1", "127.63.16.2", "127.63.17.1", "127.63.17.2"} {
				receivers = append(receivers, listen(t, ip))
			}
			var left map[string]time.Time
			synctest.Test(t, func(t *testing.T) {
				p := newPacer(t, test.limits)
				begun := time.Now()
				if left = test.send(t, p, receivers); time.Since(begun) > test.most {
					t.Errorf("it took %v, want at most %v", time.Since(begun), test.most)
				}
			})
			var arrived []arrival
			for _, r := range receivers {
				for _, name := range test.heard(t, r) {
					at, sent := left[name]
					if !sent {
						t.Fatalf("%q came, which nobody sent", name)
					}
					arrived = append(arrived, arrival{r.addr.Addr(), at, packetSize})
				}
			}
			if len(arrived) != packetsEach*len(receivers) {
				t.Fatalf("%d packets came", len(arrived))
			}
			checkArrivals(t, arrived, test.packet, false)
			checkArrivals(t, arrived, test.byte, true)
		})
	}
}

// checkArrivals holds arrivals to rates of packets, or of bytes, at every level.
func checkArrivals(t *testing.T, arrived []arrival, rates Rates, inBytes bool) {
	t.Helper()
	slices.SortFunc(arrived, func(a, b arrival) int { return a.at.Compare(b.at) })
	for i, level := range []struct {
		bits, burst int
	}{{0, TotalBurst(rates.Total)}, {16, WideBurst}, {24, NearBurst}, {32, HostBurst}} {
		rate, burst := rates.each()[i], float64(level.burst)
		if inBytes {
			burst = ByteBurst
			if i == 0 {
				burst += rate / 10
			}
		}
		if rate == 0 {
			continue
		}
		groups := map[netip.Prefix][]arrival{}
		for _, a := range arrived {
			prefix, _ := a.to.Prefix(level.bits)
			groups[prefix] = append(groups[prefix], a)
		}
		for prefix, all := range groups {
			for first := range all {
				sum := 0.0
				for _, a := range all[first:] {
					if sum++; inBytes {
						sum += float64(a.bytes) - 1
					}
					if window := a.at.Sub(all[first].at).Seconds(); sum > rate*window+burst+1e-3 {
						t.Fatalf("%v: %v in %.3f s, want at most %.3f (bytes: %v)", prefix, sum, window, rate*window+burst, inBytes)
					}
				}
			}
		}
	}
}

// sendDatagrams sends to all receivers at once, and tells when each datagram left, by what it holds.
func sendDatagrams(t *testing.T, p *Pacer, to []*receiver) map[string]time.Time {
	s, err := p.ListenPacket(t.Context(), "udp", "127.63.18.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return toAll(to, func(r *receiver, n int) string {
		b := fmt.Appendf(make([]byte, 0, packetSize), "%v %d ", r.addr, n)
		if _, err := s.WriteTo(b[:packetSize], net.UDPAddrFromAddrPort(r.addr)); err != nil {
			t.Errorf("send to %v: %v", r.addr, err)
		}
		return string(b[:packetSize])
	})
}

// dialAll connects to all receivers at once, and tells when, by the addresses of both ends.
func dialAll(t *testing.T, p *Pacer, to []*receiver) map[string]time.Time {
	return toAll(to, func(r *receiver, _ int) string {
		c, err := p.DialContext(t.Context(), "tcp", r.addr.String())
		if err != nil {
			t.Errorf("connect to %v: %v", r.addr, err)
			return ""
		}
		t.Cleanup(func() { c.Close() }) // and not before: the system would give another the address
		return fmt.Sprint(c.LocalAddr(), r.addr)
	})
}

func toAll(to []*receiver, send func(r *receiver, n int) (name string)) map[string]time.Time {
	var mu sync.Mutex
	var wg sync.WaitGroup
	left := map[string]time.Time{}
	for _, r := range to {
		for n := range packetsEach {
			wg.Go(func() {
				name := send(r, n)
				mu.Lock()
				defer mu.Unlock()
				left[name] = time.Now()
			})
		}
	}
	wg.Wait()
	return left
}

func hearDatagrams(t *testing.T, r *receiver) (names []string) {
	b := make([]byte, 2*packetSize)
	for range packetsEach {
		n, _, err := r.udp.ReadFromUDPAddrPort(b)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, string(b[:n]))
	}
	return names
}

func hearConnections(t *testing.T, r *receiver) (names []string) {
	for range packetsEach {
		c, err := r.tcp.Accept()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, fmt.Sprint(c.RemoteAddr(), r.addr))
		c.Close()
	}
	return names
}
