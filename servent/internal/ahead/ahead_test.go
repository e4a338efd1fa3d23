package ahead

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
)

func pipe(t *testing.T) (near, far net.Conn) {
	near, far = net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

func atLeast(n int) func([]byte) bool { return func(read []byte) bool { return len(read) >= n } }

// What was read ahead comes first, whatever the size of the reads.
func TestReadAhead(t *testing.T) {
	t.Parallel()
	near, far := pipe(t)
	go func() {
		io.WriteString(far, "ab")
		io.WriteString(far, "cdef")
		far.Close()
	}()
	c := New(near, nil)
	for _, n := range []int{1, 3} { // the second time, it goes on from what is there
		if err := c.Until(t.Context(), 4, atLeast(n)); err != nil || len(c.ahead) < n {
			t.Errorf("read ahead %q, error %v", c.ahead, err)
		}
	}
	b := make([]byte, 1)
	if n, err := c.Read(b); n != 1 || b[0] != 'a' || err != nil {
		t.Errorf("first byte %q, error %v", b, err)
	}
	if rest, err := io.ReadAll(c); string(rest) != "bcdef" || err != nil {
		t.Errorf("rest %q, error %v", rest, err)
	}
}

func TestUntilEnds(t *testing.T) {
	t.Parallel()
	near, far := pipe(t)
	go io.WriteString(far, "abcd")
	c := New(near, nil)
	if err := c.Until(t.Context(), 2, atLeast(3)); err != nil || string(c.ahead) != "ab" {
		t.Errorf("at its size: %q, error %v", c.ahead, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Until(ctx, 9, atLeast(9)); !errors.Is(err, context.Canceled) {
		t.Errorf("at the end of its context: %v", err)
	}
	near, far = pipe(t)
	far.Close()
	if err := New(near, []byte("a")).Until(t.Context(), 9, atLeast(2)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("at the end of the stream: %v", err)
	}
	if err := New(near, nil).CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("half of a pipe closed: %v", err)
	}
}
