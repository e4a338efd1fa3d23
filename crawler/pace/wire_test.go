package pace

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// newWire opens a wire that is closed when the test ends; there is none but on Linux.
func newWire(t *testing.T, l Limits) Wire {
	t.Helper()
	w, err := newPacer(t, l).Wire()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// A told is what a wire tells, as text.
type told []string

func (h *told) datagram(from netip.AddrPort, b []byte, unsent error) {
	*h = append(*h, fmt.Sprintf("%v %q %v", from, b[:min(len(b), 20)], unsent))
}

func (h *told) stream(number uint32, b []byte, err error) {
	*h = append(*h, fmt.Sprintf("%d %q %v", number, b, err))
}

// poll lets a wire tell until it has told so much.
func poll(t *testing.T, w Wire, n int) told {
	t.Helper()
	var h told
	for deadline := time.Now().Add(30 * time.Second); len(h) < n; {
		if err := w.Poll(deadline, h.datagram, h.stream); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("told in time: %q", h)
		}
	}
	return h
}

func TestWireSendsAndReceivesDatagrams(t *testing.T) {
	t.Parallel()
	w := newWire(t, Limits{Scope: Lab})
	echo, err := net.ListenPacket("udp", "127.26.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		b := make([]byte, 100)
		for n, from, err := echo.ReadFrom(b); err == nil; n, from, err = echo.ReadFrom(b) {
			echo.WriteTo(b[:n], from)
		}
	}()
	to := netip.MustParseAddrPort(echo.LocalAddr().String())
	var want []string
	for i := range 3 * datagramsOfTest {
		b := fmt.Sprintf("datagram %d", i)
		if wait, err := w.Send(to, []byte(b)); wait != 0 || err != nil {
			t.Fatalf("Send: %v, %v", wait, err)
		}
		want = append(want, fmt.Sprintf("%v %q %v", to, b, nil))
	}
	if got := strings.Join(poll(t, w, len(want)), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the wire tells:\n%s", got)
	}
}

// datagramsOfTest is more than go at once when thrice as many are sent.
const datagramsOfTest = 30

func TestWireHoldsConversationsOnConnections(t *testing.T) {
	t.Parallel()
	w := newWire(t, Limits{Scope: Lab})
	for name, test := range map[string]struct {
		serve func(*net.TCPConn)
		want  []string
	}{
		"answers and closes": {func(c *net.TCPConn) { c.Write([]byte("welcome")) }, []string{`"" <nil>`, `"welcome" <nil>`, `"" EOF`}},
		"closes":             {func(*net.TCPConn) {}, []string{`"" <nil>`, `"" EOF`}},
		"resets": {func(c *net.TCPConn) { c.SetLinger(0) },
			[]string{`"" <nil>`, `"" read tcp: read: connection reset by peer`}},
	} {
		l, err := net.Listen("tcp", "127.26.0.3:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		heard := make(chan string, 1)
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			b := make([]byte, 5)
			io.ReadFull(c, b)
			heard <- string(b)
			test.serve(c.(*net.TCPConn))
		}()
		number, wait, err := w.Connect(netip.MustParseAddrPort(l.Addr().String()), []byte("hello"))
		if wait != 0 || err != nil {
			t.Fatalf("%s: Connect: %v, %v", name, wait, err)
		}
		got := poll(t, w, len(test.want))
		for i, line := range test.want {
			if got[i] != fmt.Sprintf("%d %s", number, line) {
				t.Errorf("%s: the wire tells %q, want %q", name, got, test.want)
			}
		}
		if hello := <-heard; hello != "hello" {
			t.Errorf("%s: the host heard %q", name, hello)
		}
		w.Hang(number)
	}
}

func TestWireTellsWhenNobodyListens(t *testing.T) {
	t.Parallel()
	w := newWire(t, Limits{Scope: Lab})
	number, _, err := w.Connect(netip.MustParseAddrPort("127.26.0.4:9"), []byte("hello"))
	if err != nil {
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("Connect: %v", err)
		}
		return
	}
	if got := poll(t, w, 1); !strings.Contains(got[0], "dial tcp: connect: connection refused") {
		t.Errorf("the wire tells %q of connection %d", got, number)
	}
}

// A number that is used again bears nothing of the connection before, though events of that may be under way.
func TestWireForgetsWhatWasHungUp(t *testing.T) {
	t.Parallel()
	w := newWire(t, Limits{Scope: Lab})
	l, err := net.Listen("tcp", "127.26.0.5:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	to := netip.MustParseAddrPort(l.Addr().String())
	first, _, err := w.Connect(to, []byte("first"))
	if err != nil {
		t.Fatal(err)
	}
	w.Hang(first)
	second, _, err := w.Connect(to, []byte("second"))
	if err != nil || second != first {
		t.Fatalf("the second connection is %d, %v; the first was %d", second, err, first)
	}
	if got := poll(t, w, 1); len(got) != 1 || got[0] != fmt.Sprintf("%d %q %v", second, "", nil) {
		t.Errorf("the wire tells %q", got)
	}
}

func TestWireLeavesThroughThePacer(t *testing.T) {
	t.Parallel()
	w := newWire(t, Limits{Scope: Lab, Datagrams: Rates{Host: 0.001}, Opens: Rates{Host: 0.001}})
	var scope *ScopeError
	outside := netip.MustParseAddrPort("192.0.2.1:6346")
	if _, err := w.Send(outside, nil); !errors.As(err, &scope) {
		t.Errorf("Send out of scope: %v", err)
	}
	if _, _, err := w.Connect(outside, nil); !errors.As(err, &scope) {
		t.Errorf("Connect out of scope: %v", err)
	}
	to := netip.MustParseAddrPort("127.26.0.6:9")
	for range hostBucket {
		if wait, err := w.Send(to, []byte("x")); wait != 0 || err != nil {
			t.Fatalf("Send within the burst: %v, %v", wait, err)
		}
	}
	if wait, err := w.Send(to, []byte("x")); wait <= 0 || err != nil {
		t.Errorf("Send beyond the burst: %v, %v", wait, err)
	}
	for range hostBucket {
		w.Connect(to, []byte("x")) // nobody listens there
	}
	if _, wait, err := w.Connect(to, []byte("x")); wait <= 0 || err != nil {
		t.Errorf("Connect beyond the burst: %v, %v", wait, err)
	}
}

// No more connections are open over a wire than allowed, in all and near each other; who is hung up makes room.
func TestConnectionsOfAWireAreBounded(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]Limits{
		"in all": {Scope: Lab, Connections: 2}, "near": {Scope: Lab, Connections: 9, ConnectionsNear: 2},
	} {
		w, host := newWire(t, limits), listen(t, "127.63.23.1")
		open := func() (number uint32, free bool) {
			t.Helper()
			number, wait, err := w.Connect(host.addr, []byte("hello"))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return number, wait == 0
		}
		first, one := open()
		_, two := open()
		if _, three := open(); !one || !two || three {
			t.Errorf("%s: of three connections these were made: %v, %v, %v", name, one, two, three)
		}
		w.Hang(first)
		if _, again := open(); !again {
			t.Errorf("%s: no room after a connection was hung up", name)
		}
	}
}

func TestWireIsWoken(t *testing.T) {
	t.Parallel()
	w := newWire(t, Limits{Scope: Lab})
	started := time.Now()
	go w.Wake()
	var h told
	if err := w.Poll(started.Add(time.Hour), h.datagram, h.stream); err != nil || len(h) > 0 {
		t.Errorf("Poll: %v, %q", err, h)
	}
	if err := w.Poll(time.Now().Add(time.Millisecond), h.datagram, h.stream); err != nil || len(h) > 0 {
		t.Errorf("Poll until its time: %v, %q", err, h)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	w.Wake() // does nothing
}

func TestWireHasNoDescriptorLeft(t *testing.T) {
	before := descriptors(t)
	for range 3 {
		w, err := newPacer(t, Limits{Scope: Lab}).Wire()
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.26.0.7:0")
		if err != nil {
			t.Fatal(err)
		}
		w.Connect(netip.MustParseAddrPort(l.Addr().String()), []byte("x"))
		l.Close()
		w.Close()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors, before %d", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(all)
}
