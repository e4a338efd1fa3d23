package pace

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gnucensus/probe"
)

// An address that nothing comes from gets three packets, whatever they are and whatever the ports; one that answers gets more.
func TestStrangersGetFewPackets(t *testing.T) {
	t.Parallel()
	mute, answers := listen(t, "127.40.5.1"), listen(t, "127.40.5.2")
	p := newPacer(t, Default(Lab))
	s, err := p.ListenPacket(t.Context(), "udp", "127.41.0.5:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var refused int
	for n := range byte(10) {
		to := netip.AddrPortFrom(mute.addr.Addr(), mute.addr.Port())
		if _, err := s.WriteTo([]byte{n}, net.UDPAddrFromAddrPort(to)); probe.Classify(err) == probe.OutOfScope {
			refused++
		}
	}
	if refused != 7 {
		t.Errorf("%d of 10 datagrams were refused, want all but 3", refused)
	}
	other := netip.AddrPortFrom(mute.addr.Addr(), 6346).String()
	if _, err := p.DialContext(t.Context(), "tcp", other); probe.Classify(err) != probe.OutOfScope {
		t.Errorf("another port of it: %v", err)
	}
	b := make([]byte, 8)
	for n := range byte(10) {
		if _, err := s.WriteTo([]byte{n}, net.UDPAddrFromAddrPort(answers.addr)); err != nil {
			t.Fatalf("datagram %d to a host that answers: %v", n, err)
		}
		_, from, err := answers.udp.ReadFromUDPAddrPort(b)
		if err != nil {
			t.Fatal(err)
		}
		if n == 2 {
			answers.udp.WriteToUDPAddrPort([]byte("here"), from)
			s.ReadFrom(b)
		}
	}
	if got := p.Traffic(); got.Datagrams != 13 || got.Bytes != 13 || got.Opens != 0 {
		t.Errorf("let through %+v, want 13 datagrams", got)
	}
}

func TestStrangersNearEachOtherAreFew(t *testing.T) {
	t.Parallel()
	s := newStrangers(3, 4)
	four := func(n int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", n)) }
	six := func(n int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("2001:db8:0:1::%d", n)) }
	for name, at := range map[string]func(int) netip.Addr{"IPv4": four, "IPv6": six} {
		for n := range 4 {
			if reason := s.forbids(at(n), true); reason != "" {
				t.Errorf("%s, stranger %d: %s", name, n, reason)
			}
		}
		if s.forbids(at(5), true) == "" {
			t.Errorf("%s: a fifth stranger is tried", name)
		}
		s.heard(at(9)) // nobody asked it
		if s.heard(at(2)); s.forbids(at(5), true) != "" || s.forbids(at(6), true) == "" {
			t.Errorf("%s: who answers makes room for one other", name)
		}
	}
	if n := len(s.near); n != 2 {
		t.Errorf("%d prefixes, want 2", n)
	}
}

// What an earlier run sent to a stranger, and how many there were near each other, counts.
func TestStrangersAreRecalled(t *testing.T) {
	t.Parallel()
	limits := Default(Lab)
	limits.Attempts, limits.Strangers = 3, 2
	p := newPacer(t, limits)
	one, two, three := netip.MustParseAddr("127.63.20.1"), netip.MustParseAddr("127.63.20.2"), netip.MustParseAddr("127.63.20.3")
	p.Recall(one, 2)
	p.Recall(two, 300)
	ask := func(a netip.Addr) error {
		_, err := p.ask(netip.AddrPortFrom(a, 6346), datagram, 1, p.Permit)
		return err
	}
	for i, step := range []struct {
		to netip.Addr
		ok bool
	}{{one, true}, {one, false}, {two, false}, {three, false}} {
		if err := ask(step.to); (err == nil) != step.ok || err != nil && probe.Classify(err) != probe.OutOfScope {
			t.Errorf("step %d: %v", i, err)
		}
	}
	if p.strangers.heard(one); ask(one) != nil || ask(three) != nil {
		t.Error("who answers is a stranger still")
	}
}

// A packet that this machine could not send does not count: who was not reached for our sake is asked when it can again.
func TestWhatCouldNotLeaveIsNotCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limits := Default(Lab)
		limits.Attempts, limits.Strangers, limits.Log = 3, 1, slog.New(slog.DiscardHandler)
		p := newPacer(t, limits)
		a := netip.MustParseAddr("127.63.21.1")
		near := netip.AddrPortFrom(a.Next(), 6346)
		send := func(k kind) error {
			return p.turn(t.Context(), nil, netip.AddrPortFrom(a, 6346), k, 1, p.Permit)
		}
		for range 5 {
			if err := errors.Join(send(opening), send(datagram)); err != nil {
				t.Fatal(err)
			}
			p.dialled(a, 0, &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)})
			p.sent(a, &net.OpError{Op: "write", Err: os.NewSyscallError("sendto", syscall.ENOBUFS)})
		}
		if err := p.refuse(near, p.Permit); err != nil {
			t.Errorf("nobody near it was tried: %v", err)
		}
		for i := range 4 {
			err := send(opening)
			if (err == nil) != (i < 3) {
				t.Errorf("attempt %d that leaves: %v", i+1, err)
			}
			p.dialled(a, 0, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded})
		}
		if err := p.refuse(near, p.Permit); err == nil {
			t.Error("one near it was tried, and there is room for another")
		}
	})
}

// Bytes are bounded at the receiver, on connections too: each left when the clock of the test says.
func TestRateOfBytesHoldsInEveryWindow(t *testing.T) {
	t.Parallel()
	const rate, size, writes = 1000, 700, 30
	r := listen(t, "127.40.5.3")
	var left []time.Time
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(t, Limits{Scope: Lab, Bytes: Rates{Near: rate}})
		c, err := p.DialContext(t.Context(), "tcp", r.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for range writes {
			if _, err := c.Write(make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			for range size {
				left = append(left, time.Now())
			}
		}
	})
	c, err := r.tcp.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n, err := io.Copy(io.Discard, c); err != nil || n != writes*size {
		t.Errorf("%d bytes came: %v", n, err)
	}
	marks := map[time.Time]int{}
	for _, at := range left {
		marks[at]++
	}
	var sum int
	for i, at := range left {
		if i == 0 || at != left[i-1] {
			sum += marks[at]
			if most := rate*at.Sub(left[0]).Seconds() + ByteBurst + 1; float64(sum) > most {
				t.Fatalf("%d bytes in %v, want at most %.0f", sum, at.Sub(left[0]), most)
			}
		}
	}
	if took := left[len(left)-1].Sub(left[0]); took > 19*time.Second {
		t.Errorf("%d bytes at %d a second took %v", len(left), rate, took)
	}
}

// All levels at once: hosts in several prefixes, and what leaves to each level stays within its rate in every window.
func TestEveryLevelHoldsInEveryWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limits := Limits{Scope: Lab, Datagrams: Rates{Total: 20, Wide: 8, Near: 3, Host: 1}, Jitter: 100 * time.Millisecond}
		p := newPacer(t, limits)
		var hosts []string
		for i := range 24 {
			hosts = append(hosts, fmt.Sprintf("127.%d.%d.%d:6346", i%2, i%6, i))
		}
		levels := map[netip.Prefix][]time.Time{}
		for addr, times := range departures(t, p, 12, hosts...) {
			for _, bits := range []int{0, 16, 24, 32} {
				prefix, _ := addr.Prefix(bits)
				levels[prefix] = append(levels[prefix], times...)
			}
		}
		for prefix, times := range levels {
			slices.SortFunc(times, time.Time.Compare)
			rate, burst := limits.Datagrams.Host, HostBurst
			switch prefix.Bits() {
			case 0:
				rate, burst = limits.Datagrams.Total, TotalBurst(limits.Datagrams.Total)
			case 16:
				rate, burst = limits.Datagrams.Wide, WideBurst
			case 24:
				rate, burst = limits.Datagrams.Near, NearBurst
			}
			checkWindows(t, prefix.String(), times, rate, burst)
		}
	})
}

func TestJitterPutsPacketsOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		left := departures(t, newPacer(t, Limits{Scope: Lab, Jitter: time.Second}), 100, "127.40.0.1:6346")
		times := left[netip.MustParseAddr("127.40.0.1")]
		first, last := times[0].Sub(started), times[len(times)-1].Sub(started)
		if first == last || last > time.Second {
			t.Errorf("100 packets left between %v and %v", first, last)
		}
	})
}

// No more connections are open than allowed, in all and near each other; who closes one lets another in.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSeats(3, 2)
		near, far := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1")
		leaveNear, err := s.take(t.Context(), near)
		if err != nil {
			t.Fatal(err)
		}
		taken := make(chan netip.Addr, 3)
		for _, a := range []netip.Addr{near.Next(), near, far} {
			go func() {
				if _, err := s.take(t.Context(), a); err == nil {
					taken <- a
				}
			}()
		}
		synctest.Wait()
		if one, other := <-taken, <-taken; len(taken) > 0 || one != far && other != far {
			t.Errorf("seats taken by %v and %v, want one near and one far", one, other)
		}
		leaveNear()
		leaveNear() // once is enough
		if synctest.Wait(); len(taken) != 1 {
			t.Error("a seat that was left is not taken")
		}
	})
}

// A machine out of descriptors makes the pacer slow down, say so, and come back; the failures are not the hosts'.
func TestOwnLimitsSlowDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said strings.Builder
		b := &brake{log: slog.New(slog.NewTextHandler(&said, nil))}
		started := time.Now()
		now := func() time.Duration { return time.Since(started) }
		send := func(n int) time.Duration {
			begun := now()
			for range n {
				for wait := b.wait(now()); wait > 0; wait = b.wait(now()) {
					time.Sleep(wait)
				}
				b.pass(now())
			}
			return now() - begun
		}
		if took := send(100); took != 0 {
			t.Errorf("without trouble 100 packets took %v", took)
		}
		err := b.dialled(now(), now(), &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)})
		if probe.Classify(err) != probe.LocalLimit {
			t.Errorf("out of descriptors: %v is %v", err, probe.Classify(err))
		}
		if err := b.sent(now(), syscall.ENOBUFS); probe.Classify(err) != probe.LocalLimit {
			t.Errorf("out of buffers is %v", probe.Classify(err))
		}
		if took := send(101); took < 1900*time.Millisecond || took > 2100*time.Millisecond {
			t.Errorf("after trouble at 100 a second 101 packets took %v, want 2 s", took)
		}
		time.Sleep(calm)
		if took := send(100); took != 0 {
			t.Errorf("after calm 100 packets took %v", took)
		}
		for _, want := range []string{"slowing down", "too many open files", "back to full pace"} {
			if !strings.Contains(said.String(), want) {
				t.Errorf("nothing said of %q:\n%s", want, said.String())
			}
		}
	})
}

// Which errors of the system are ours, and which are the hosts'.
func TestErrorsOfThisMachineAreOurs(t *testing.T) {
	t.Parallel()
	for errno, ours := range map[syscall.Errno]bool{
		syscall.EMFILE: true, syscall.ENFILE: true, syscall.EADDRNOTAVAIL: true, syscall.ENOBUFS: true, syscall.ENOMEM: true,
		syscall.EPERM: true, syscall.ECONNREFUSED: false, syscall.ECONNRESET: false, syscall.EHOSTUNREACH: false,
		syscall.ENETUNREACH: false, syscall.ETIMEDOUT: false,
	} {
		for call, fail := range map[string]func(*brake, error) error{
			"connect": func(b *brake, err error) error { return b.dialled(0, 0, err) },
			"sendmsg": func(b *brake, err error) error { return b.sent(0, err) },
		} {
			b := &brake{log: slog.New(slog.DiscardHandler)}
			err := fail(b, &net.OpError{Op: "dial", Err: os.NewSyscallError(call, errno)})
			if got := probe.Classify(err) == probe.LocalLimit; got != ours || (b.rate > 0) != ours {
				t.Errorf("%s: %v is our own: %v, slowed down to %v", call, errno, got, b.rate)
			}
		}
	}
}

// When nothing comes back any more from anybody, this side is to blame, until it has been so for long at half of the pace.
func TestSilenceOfAllIsOurs(t *testing.T) {
	t.Parallel()
	b := &brake{log: slog.New(slog.DiscardHandler)}
	timeout := &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	var now time.Duration
	dial := func(err error) probe.Outcome {
		now += 100 * time.Millisecond
		return probe.Classify(b.dialled(now, now, err))
	}
	for range 400 {
		for _, err := range []error{nil, timeout, os.NewSyscallError("connect", syscall.ECONNREFUSED)} {
			if o := dial(err); o == probe.LocalLimit {
				t.Fatalf("a third of silent hosts is taken for our limit")
			}
		}
	}
	silent := 0
	for ; dial(timeout) == probe.ConnectTimeout; silent++ {
		if silent > 100 {
			t.Fatal("a hundred silent hosts in a row are not noticed")
		}
	}
	if silent < 10 || b.rate == 0 {
		t.Errorf("noticed after %d silent hosts, slowed down to %v", silent, b.rate)
	}
	if dial(nil); dial(timeout) != probe.ConnectTimeout {
		t.Error("after an answer a timeout is still ours")
	}
	ours := 0
	for range 5000 {
		if dial(timeout) == probe.LocalLimit {
			ours++
		}
	}
	if most := int(suspicion/(100*time.Millisecond)) + 2; ours == 0 || ours > most || dial(timeout) != probe.ConnectTimeout {
		t.Errorf("%d of 5000 timeouts are ours, want at most %d", ours, most)
	}
}

// Timeouts come late: those of a crawl's silent hosts may come in a row when all others have answered long ago.
func TestLateTimeoutsAreTheHosts(t *testing.T) {
	t.Parallel()
	b := &brake{log: slog.New(slog.DiscardHandler)}
	timeout := &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	for range 1000 {
		if err := b.dialled(time.Second, time.Second, nil); err != nil {
			t.Fatal(err)
		}
	}
	b.came(2 * time.Second)
	for range 500 {
		if o := probe.Classify(b.dialled(time.Second, 6*time.Second, timeout)); o != probe.ConnectTimeout {
			t.Fatalf("a host that others answered after is %s", o)
		}
	}
	ours := false
	for range 500 {
		ours = ours || probe.Classify(b.dialled(3*time.Second, 8*time.Second, timeout)) == probe.LocalLimit
	}
	if !ours {
		t.Error("that nobody answered afterwards is not noticed")
	}
}

func TestOwnAddressesAreOutOfScope(t *testing.T) {
	t.Parallel()
	p := newPacer(t, Default(Live))
	own := netip.MustParseAddr("8.8.4.4") // as if this machine had it
	p.own = map[netip.Addr]bool{own: true}
	var scope *ScopeError
	if err := p.Permit(netip.AddrPortFrom(own, 6346)); !errors.As(err, &scope) || scope.Reason != "address of this machine" {
		t.Errorf("own address: %v", err)
	}
	if err := p.Permit(netip.AddrPortFrom(own.Next(), 6346)); err != nil {
		t.Errorf("another address: %v", err)
	}
	list, err := Live.own()
	if err != nil || !list[netip.MustParseAddr("127.0.0.1")] {
		t.Errorf("addresses of this machine: %v, %v", list, err)
	}
}

// An opt-out is in force for the visit that is admitted after the file was saved, without any time to pass.
func TestOptOutTakesEffectWithinOneVisit(t *testing.T) {
	t.Parallel()
	file := write(t, filepath.Join(t.TempDir(), "excluded.txt"), "# nobody\n")
	x, err := LoadExclusions(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := newPacer(t, Limits{Scope: Lab, Exclude: x})
	to := netip.MustParseAddrPort("127.40.5.9:6346")
	p.Admit(1)
	if err := p.Permit(to); err != nil {
		t.Errorf("before the opt-out: %v", err)
	}
	write(t, file, "127.40.5.9 # asked to\n")
	if p.Admit(1); p.Permit(to) == nil {
		t.Error("a visit after the opt-out may begin")
	}
}

func BenchmarkAsk(b *testing.B) {
	for name, limits := range map[string]Limits{
		"lab":   Default(Lab),
		"rates": {Scope: Lab, Attempts: 3, Datagrams: Rates{Total: 1e9, Wide: 1e6, Near: 1e6, Host: 1e6}},
	} {
		b.Run(name, func(b *testing.B) {
			p, err := New(limits)
			if err != nil {
				b.Fatal(err)
			}
			addr := netip.MustParseAddr("127.1.0.0")
			for i := range b.N {
				if i%1_000_000 == 0 {
					addr = netip.MustParseAddr("127.1.0.0")
				}
				addr = addr.Next()
				p.ask(netip.AddrPortFrom(addr, 6346), datagram, 30, p.Permit)
			}
		})
	}
}
