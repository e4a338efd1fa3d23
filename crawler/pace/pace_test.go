package pace

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gnucensus/probe"
)

func newPacer(t *testing.T, l Limits) *Pacer {
	t.Helper()
	p, err := New(l)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLimitsAreValidated(t *testing.T) {
	polite := Default(Live)
	for name, change := range map[string]func(*Limits){
		"scope":             func(l *Limits) { l.Scope = 7 },
		"negative rate":     func(l *Limits) { l.Opens.Host = -1 },
		"rate that is none": func(l *Limits) { l.Visits = 0 / zero },
		"infinite rate":     func(l *Limits) { l.Visits = 1 / zero },
		"negative time":     func(l *Limits) { l.Connect = -1 },
		"no limit, live":    func(l *Limits) { l.Datagrams.Near = 0 },
		"no bound, live":    func(l *Limits) { l.Attempts = 0 },
		"negative bound":    func(l *Limits) { l.Connections = -1 },
		"negative jitter":   func(l *Limits) { l.Jitter = -1 },
	} {
		l := polite
		change(&l)
		if _, err := New(l); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, s := range []Scope{Live, Lab} {
		if _, err := New(Default(s)); err != nil {
			t.Errorf("defaults of %v: %v", s, err)
		}
	}
}

var zero float64

// departures lets n packets go to each of the addresses, all at once, and returns when each left.
func departures(t *testing.T, p *Pacer, n int, to ...string) map[netip.Addr][]time.Time {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	left := map[netip.Addr][]time.Time{}
	for _, s := range to {
		addr := netip.MustParseAddrPort(s)
		for range n {
			wg.Go(func() {
				if err := p.turn(t.Context(), nil, addr, datagram, 0, p.Permit); err != nil {
					t.Errorf("turn of %v: %v", addr, err)
				}
				mu.Lock()
				defer mu.Unlock()
				left[addr.Addr()] = append(left[addr.Addr()], time.Now())
			})
		}
	}
	wg.Wait()
	return left
}

// checkWindows fails when any window holds more than rate·W + burst events. The times are in order.
func checkWindows(t *testing.T, what string, times []time.Time, rate float64, burst int) {
	t.Helper()
	for i := range times {
		for j := i; j < len(times); j++ {
			window := times[j].Sub(times[i]).Seconds()
			if n := j - i + 1; float64(n) > rate*window+float64(burst)+1e-3 {
				t.Fatalf("%s: %d in %.3f s, want at most %.3f", what, n, window, rate*window+float64(burst))
			}
		}
	}
}

func TestHostAndPrefixRatesHoldInEveryWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := Default(Live)
		limits.Datagrams = Rates{Total: 1000, Wide: 8, Near: 5, Host: 2}
		limits.Attempts, limits.Strangers = 1000, 1000
		p := newPacer(t, limits)
		hosts := []string{"8.8.8.1:6346", "8.8.8.2:6346", "8.8.8.3:6346", "8.9.9.1:6346", "[2a00::1]:6346", "[2a00::2]:6346"}
		started := time.Now()
		left := departures(t, p, 30, hosts...)
		var prefix []time.Time
		for addr, times := range left {
			checkWindows(t, addr.String(), times, 2, HostBurst)
			if p := netip.MustParsePrefix("8.8.8.0/24"); p.Contains(addr) {
				prefix = append(prefix, times...)
			}
		}
		slices.SortFunc(prefix, time.Time.Compare)
		checkWindows(t, "8.8.8.0/24", prefix, 5, NearBurst)

		// The limits are used to the full: 90 packets to the prefix at 5 a second, 30 to the lone host at 2 a second.
		if took := prefix[len(prefix)-1].Sub(started); took > 18*time.Second {
			t.Errorf("90 packets to the prefix took %v", took)
		}
		lone := left[netip.MustParseAddr("8.9.9.1")]
		if took := lone[len(lone)-1].Sub(started); took > 14*time.Second {
			t.Errorf("30 packets to the lone host took %v", took)
		}
	})
}

func TestVisitRateHoldsInEveryWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(t, Limits{Scope: Lab, Visits: 50})
		var mu sync.Mutex
		var wg sync.WaitGroup
		var times []time.Time
		for range 20 {
			wg.Go(func() {
				for range 20 {
					for granted, wait := p.Admit(1); granted == 0; granted, wait = p.Admit(1) {
						time.Sleep(wait)
					}
					mu.Lock()
					times = append(times, time.Now())
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		checkWindows(t, "visits", times, 50, TotalBurst(50))
		if took := times[len(times)-1].Sub(times[0]); took > 8*time.Second {
			t.Errorf("400 visits at 50 a second took %v", took)
		}
	})
}

func TestAdmitGrantsSome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(t, Limits{Scope: Lab, Visits: 50})
		if granted, _ := p.Admit(2); granted != 2 {
			t.Errorf("%d of 2 visits may begin", granted)
		}
		if granted, _ := p.Admit(100); granted != totalBucket(50)-2 {
			t.Errorf("%d visits more may begin", granted)
		}
		granted, wait := p.Admit(1)
		if granted != 0 || wait <= 0 {
			t.Errorf("%d visits more may begin, the next after %v", granted, wait)
		}
		time.Sleep(wait)
		if granted, _ := p.Admit(2); granted != 1 {
			t.Errorf("%d visits may begin after the wait", granted)
		}
		unlimited := newPacer(t, Limits{Scope: Lab})
		if granted, _ := unlimited.Admit(1 << 20); granted != 1<<20 {
			t.Errorf("%d visits may begin without a limit", granted)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(t, Limits{Scope: Lab, Opens: Rates{Host: 0.001}})
		to := netip.MustParseAddrPort("127.40.0.1:6346")
		p.packet[opening].take(to.Addr(), hostBucket, 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started := time.Now()
		if _, err := p.DialContext(ctx, "tcp", to.String()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("DialContext: %v", err)
		}
		if took := time.Since(started); took != time.Second {
			t.Errorf("waits ended after %v, want 1s", took)
		}
	})
}

func TestMeterForgetsIdleHosts(t *testing.T) {
	var now time.Duration
	m := newMeter(1, hostBucket, 32, 128)
	addr := netip.MustParseAddr("127.40.0.0")
	for range 20 * sweepFrom {
		m.take(addr, 1, now)
		addr = addr.Next()
		now += 10 * time.Millisecond // a host is idle again after 1 s, when a hundred others were sent to
	}
	if n := len(m.full); n > sweepFrom {
		t.Errorf("%d prefixes kept for about 100 busy hosts", n)
	}
	busy := newMeter(1, hostBucket, 32, 128)
	for range 3 * sweepFrom {
		busy.take(addr, 1, now)
		addr = addr.Next()
	}
	if n := len(busy.full); n != 3*sweepFrom {
		t.Errorf("%d prefixes kept of %d busy hosts", n, 3*sweepFrom)
	}
}

// A receiver is a host that listens by TCP and UDP on one address and port.
type receiver struct {
	tcp  net.Listener
	udp  *net.UDPConn
	addr netip.AddrPort
}

func listen(t *testing.T, ip string) *receiver {
	t.Helper()
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(ip)}) // first: many sockets have ports of UDP at all addresses
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close() })
	addr := netip.MustParseAddrPort(udp.LocalAddr().String())
	tcp, err := net.Listen("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tcp.Close() })
	return &receiver{tcp: tcp, udp: udp, addr: addr}
}

// heard returns the first connection's address and the first datagram that arrive. The test sends it a last one of each, so
// that it need not wait for what must not come.
func (r *receiver) heard(t *testing.T, sender string) (tcp netip.Addr, datagram string) {
	t.Helper()
	local := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(sender), 0))
	d := net.Dialer{LocalAddr: local}
	last, err := d.DialContext(t.Context(), "tcp", r.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer last.Close()
	c, err := r.tcp.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	u, err := net.Dial("udp", r.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if _, err := u.Write([]byte("last")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64)
	n, _, err := r.udp.ReadFromUDPAddrPort(b)
	if err != nil {
		t.Fatal(err)
	}
	return netip.MustParseAddrPort(c.RemoteAddr().String()).Addr(), string(b[:n])
}

func TestNothingLeavesOutOfScope(t *testing.T) {
	x := exclusions(t, "127.40.3.0/24 # asked on Monday\n127.40.2.7\n")
	for name, test := range map[string]struct {
		limits Limits
		to     string
		leaves bool
	}{
		"live, loopback":       {Default(Live), "127.40.2.1", false},
		"lab, excluded host":   {Limits{Scope: Lab, Exclude: x}, "127.40.2.7", false},
		"lab, excluded prefix": {Limits{Scope: Lab, Exclude: x}, "127.40.3.9", false},
		"lab, mapped":          {Limits{Scope: Lab, Exclude: x}, "127.40.3.10", false},
		"lab, other":           {Limits{Scope: Lab, Exclude: x}, "127.40.2.8", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, r := newPacer(t, test.limits), listen(t, test.to)
			to := r.addr
			if name == "lab, mapped" {
				to = netip.AddrPortFrom(netip.AddrFrom16(to.Addr().As16()), to.Port())
			}
			if err := send(t, p, to); (err == nil) != test.leaves {
				t.Errorf("send by UDP: %v", err)
			} else if !test.leaves && probe.Classify(err) != probe.OutOfScope {
				t.Errorf("send by UDP: %v is %v, want out of scope", err, probe.Classify(err))
			}
			c, err := p.DialContext(t.Context(), "tcp", to.String())
			if (err == nil) != test.leaves {
				t.Errorf("dial: %v", err)
			} else if !test.leaves && probe.Classify(err) != probe.OutOfScope {
				t.Errorf("dial: %v is %v, want out of scope", err, probe.Classify(err))
			} else if test.leaves {
				defer c.Close()
			}
			const sender = "127.41.0.1"
			tcp, datagram := r.heard(t, sender)
			if left := datagram != "last" || tcp.String() != sender; left != test.leaves {
				t.Errorf("receiver got a connection from %v and datagram %q", tcp, datagram)
			}
		})
	}
}

func send(t *testing.T, p *Pacer, to netip.AddrPort) error {
	t.Helper()
	s, err := p.ListenPacket(t.Context(), "udp", "127.41.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.WriteTo([]byte("paced"), net.UDPAddrFromAddrPort(to))
	return err
}

// The receiver knows the datagrams by number; the sender knows when, by the clock of the test, each of them left.
func TestReceiverSeesTheRate(t *testing.T) {
	r := listen(t, "127.40.4.1")
	const packets, perHost = 60, 3
	var left [packets]time.Time
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(t, Limits{Scope: Lab, Datagrams: Rates{Host: perHost}})
		s, err := p.ListenPacket(t.Context(), "udp", "127.41.0.3:0")
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for n := range byte(packets) {
			if _, err := s.WriteTo([]byte{n}, net.UDPAddrFromAddrPort(r.addr)); err != nil {
				t.Fatal(err)
			}
			left[n] = time.Now()
		}
	})
	var times []time.Time
	b := make([]byte, 1)
	for range packets {
		if _, _, err := r.udp.ReadFromUDPAddrPort(b); err != nil {
			t.Fatal(err)
		}
		times = append(times, left[b[0]])
	}
	checkWindows(t, "receiver", times, perHost, HostBurst)
}

func TestDialRefusesNamesAndOtherNetworks(t *testing.T) {
	p := newPacer(t, Default(Lab))
	if _, err := p.DialContext(t.Context(), "tcp", "localhost:6346"); probe.Classify(err) != probe.OutOfScope {
		t.Errorf("a name gives %v", err)
	}
	if _, err := p.DialContext(t.Context(), "udp", "127.40.0.1:6346"); !errors.As(err, new(net.UnknownNetworkError)) {
		t.Errorf("udp gives %v", err)
	}
	if s, err := p.ListenPacket(t.Context(), "unixgram", t.TempDir()+"/s"); err == nil {
		s.Close()
		t.Error("a unix socket is opened")
	}
}

func TestClosedSocketEndsTheWaitOfWriters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(t, Limits{Scope: Lab, Datagrams: Rates{Host: 0.001}})
		s, err := p.ListenPacket(t.Context(), "udp", "127.41.0.4:0")
		if err != nil {
			t.Fatal(err)
		}
		to := netip.MustParseAddrPort("127.40.0.1:6346")
		departures(t, p, hostBucket, to.String())
		time.AfterFunc(time.Second, func() { s.Close() })
		started := time.Now()
		if _, err := s.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(to)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write to a socket that was closed meanwhile: %v", err)
		}
		if took := time.Since(started); took != time.Second {
			t.Errorf("write ended after %v", took)
		}
	})
}
