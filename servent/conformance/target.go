package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"gnucensus/servent/internal/interrupt"
)

// A turn keeps a pause between the beginnings of conversations of one kind.
type turn struct {
	pause time.Duration
	last  time.Time
}

// wait waits for the next turn.
func (t *turn) wait(ctx context.Context) error {
	if !t.last.IsZero() {
		timer := time.NewTimer(time.Until(t.last.Add(t.pause)))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	t.last = time.Now()
	return nil
}

// A connectError says that the target could not be connected to.
type connectError struct{ err error }

func (e *connectError) Error() string { return "connect: " + e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

// dial connects to the target when it is our turn. The caller closes the connection. The trace begins anew.
func (t *Target) dial(ctx context.Context) (*tracedConn, error) {
	t.trace = trace{}
	if err := t.handshakes.wait(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := t.patience(ctx)
	defer cancel()
	c, err := t.cfg.Net.DialContext(ctx, "tcp", t.cfg.Addr.String())
	if err != nil {
		return nil, &connectError{err}
	}
	return &tracedConn{Conn: c, trace: &t.trace}, nil
}

// patience bounds a wait for the target.
func (t *Target) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, t.cfg.Patience)
}

// quiet bounds a wait for what should not come.
func (t *Target) quiet(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, t.cfg.Quiet)
}

func (t *Target) close() {
	if t.udp != nil {
		t.udp.Close()
	}
}

// write writes bytes as they are, within the patience.
func (t *Target) write(ctx context.Context, w io.Writer, c net.Conn, b []byte) error {
	ctx, cancel := t.patience(ctx)
	defer cancel()
	stop := interrupt.Until(ctx, c.SetWriteDeadline)
	defer stop()
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("send: %w", interrupt.Err(ctx, err))
	}
	return nil
}

// maxSaid is how much of what a target says on a connection is read before it closes.
const maxSaid = 64 << 10

// hearOut reads a connection until the target closes it, and returns what it said. A target that keeps it open longer than
// ctx lasts has failed.
func hearOut(ctx context.Context, c net.Conn) (said []byte, err error) {
	stop := interrupt.Until(ctx, c.SetReadDeadline)
	defer stop()
	said, err = io.ReadAll(io.LimitReader(c, maxSaid))
	switch err = interrupt.Err(ctx, err); {
	case err == nil && len(said) == maxSaid:
		return said, fmt.Errorf("it says more than %d bytes", maxSaid)
	case err == nil, hungUp(err):
		return said, nil
	case errors.Is(err, context.DeadlineExceeded):
		return said, errors.New("it keeps the connection open")
	}
	return said, err
}

// hungUp tells whether an error is that the target closed the connection, gently or not.
func hungUp(err error) bool {
	for _, closed := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed} {
		if errors.Is(err, closed) {
			return true
		}
	}
	return false
}

// endOf returns the address of one end of a connection.
func endOf(a net.Addr) netip.AddrPort {
	end, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(end.Addr().Unmap(), end.Port())
}
