package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

type refusal struct{ outOfScope bool }

func (refusal) Error() string      { return "not there" }
func (r refusal) OutOfScope() bool { return r.outOfScope }

func TestClassify(t *testing.T) {
	sys := func(op string, e syscall.Errno) error {
		return fmt.Errorf("visit: %w", &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, e)})
	}
	for _, test := range []struct {
		err  error
		want Outcome
	}{
		{nil, Answered},
		{refusal{true}, OutOfScope},
		{refusal{false}, Garbage},
		{fmt.Errorf("dial: %w", refusal{true}), OutOfScope},
		{fmt.Errorf("read: %w", context.Canceled), Cancelled},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), Timeout},
		{fmt.Errorf("read: %w", os.ErrDeadlineExceeded), Timeout},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, ConnectTimeout},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, Timeout},
		{sys("dial", syscall.ETIMEDOUT), ConnectTimeout},
		{sys("read", syscall.ETIMEDOUT), Timeout},
		{sys("dial", syscall.ECONNREFUSED), ConnectionRefused},
		{sys("read", syscall.ECONNREFUSED), ConnectionRefused}, // of a datagram, by ICMP
		{sys("read", syscall.ECONNRESET), Reset},
		{sys("write", syscall.EPIPE), Reset},
		{sys("dial", syscall.EHOSTUNREACH), Unreachable},
		{sys("dial", syscall.ENETUNREACH), Unreachable},
		{sys("socket", syscall.EMFILE), LocalLimit},
		{sys("socket", syscall.ENFILE), LocalLimit},
		{sys("dial", syscall.EADDRNOTAVAIL), LocalLimit},
		{sys("write", syscall.ENOBUFS), LocalLimit},
		{sys("write", syscall.ENOMEM), LocalLimit},
		{sys("write", syscall.EPERM), LocalLimit},
		{fmt.Errorf("read header: %w", io.EOF), Closed},
		{fmt.Errorf("read header: %w", io.ErrUnexpectedEOF), Closed},
		{&net.OpError{Op: "read", Err: net.ErrClosed}, Closed},
		{errors.New("header is longer than 64 KiB"), Garbage},
	} {
		if got := Classify(test.err); got != test.want {
			t.Errorf("%v is %s, want %s", test.err, got, test.want)
		}
	}
}

// The errors of real sockets, as the Go runtime makes them.
func TestClassifyErrorsOfRealSockets(t *testing.T) {
	l, err := net.Listen("tcp", "127.40.9.1:0")
	if err != nil {
		t.Fatal(err)
	}
	meet := func(peer func(*net.TCPConn)) error {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		peer(accepted.(*net.TCPConn))
		if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		_, err = c.Read(make([]byte, 1))
		return err
	}
	check := func(what string, err error, want Outcome) {
		t.Helper()
		if got := Classify(err); got != want {
			t.Errorf("%s: %v is %s, want %s", what, err, got, want)
		}
	}
	check("peer that says nothing", meet(func(*net.TCPConn) {}), Timeout)
	check("peer that closes", meet(func(c *net.TCPConn) { c.Close() }), Closed)
	check("peer that resets", meet(func(c *net.TCPConn) { c.SetLinger(0); c.Close() }), Reset)

	addr := l.Addr().String()
	l.Close()
	_, err = net.Dial("tcp", addr)
	check("nobody listens", err, ConnectionRefused)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = new(net.Dialer).DialContext(ctx, "tcp", addr)
	check("dial that was called off", err, Cancelled)

	past := net.Dialer{Deadline: time.Now().Add(-time.Second)}
	_, err = past.Dial("tcp", addr)
	check("dial that took too long", err, ConnectTimeout)
}

func TestOutcomesTellWhoWasMet(t *testing.T) {
	for o, want := range map[Outcome]struct{ reached, visited bool }{
		Answered: {true, true}, Refused: {true, true}, Unsupported: {true, true},
		Garbage: {false, true}, Closed: {false, true}, Reset: {false, true}, Timeout: {false, true},
		ConnectionRefused: {false, true}, Unreachable: {false, true}, ConnectTimeout: {false, true}, Silent: {false, true},
		OutOfScope: {false, false}, LocalLimit: {false, false}, Cancelled: {false, false},
	} {
		if o.Reached() != want.reached || o.Visited() != want.visited {
			t.Errorf("%s: reached %v, visited %v", o, o.Reached(), o.Visited())
		}
	}
}

func TestOnlyListedLinksAreEdges(t *testing.T) {
	for r, want := range map[Relation]bool{PeerLink: true, LeafLink: true, XTry: false, Cached: false, Ponged: false} {
		if r.Edge() != want {
			t.Errorf("%s is an edge: %v", r, r.Edge())
		}
	}
}
