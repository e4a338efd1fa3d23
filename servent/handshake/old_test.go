package handshake

import (
	"errors"
	"io"
	"testing"
)

// Both sides ours: messages follow at once, in both directions.
func TestOldHandshake(t *testing.T) {
	t.Parallel()
	near, far := tcp(t)
	accepting := make(chan result, 1)
	go func() {
		s, err := AcceptOld(t.Context(), far, func() bool { return true })
		accepting <- result{s, err}
	}()
	dialled, err := DialOld(t.Context(), near)
	accepted := <-accepting
	if err != nil || accepted.err != nil {
		t.Fatal(err, accepted.err)
	}
	if s := accepted.session; s.Conn != far || s.Code != OK || s.Theirs != nil || s.Upgrade || s.Inflate || s.Deflate {
		t.Errorf("session of the acceptor: %+v", s)
	}
	if dialled.Conn != near || dialled.Code != OK {
		t.Errorf("session of the initiator: %+v", dialled)
	}
}

// What others write in their way is understood, and what comes along with it is kept.
func TestOldHandshakeOfOthers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		answer string
		rest   string
		want   error
	}{
		{"GNUTELLA OK\n\n", "", nil},
		{"GNUTELLA OK\r\n\r\n\x01\x02", "\x01\x02", nil},
		{"GNUTELLA OKAY\n\n", "", ErrMalformed},
		{"GNUTELLA/0.6 503 Full\r\n\r\n", "", ErrMalformed},
		{"", "", io.ErrUnexpectedEOF},
	} {
		near, far := tcp(t)
		far.Write([]byte(test.answer))
		far.CloseWrite()
		s, err := DialOld(t.Context(), near)
		if !errors.Is(err, test.want) {
			t.Errorf("%q: error %v, want %v", test.answer, err, test.want)
		}
		if err == nil && string(s.Buffered) != test.rest {
			t.Errorf("%q: rest %q, want %q", test.answer, s.Buffered, test.rest)
		}
		hello := make([]byte, 64)
		if n, _ := far.Read(hello); string(hello[:n]) != "GNUTELLA CONNECT/0.4\n\n" {
			t.Errorf("hello %q", hello[:n])
		}
	}
}

// Who does not want it closes, and sends nothing.
func TestOldHandshakeIsRefusedWithoutAWord(t *testing.T) {
	t.Parallel()
	near, far := tcp(t)
	near.Write([]byte("GNUTELLA CONNECT/0.4\r\n\r\n"))
	var refused *Refused
	if _, err := AcceptOld(t.Context(), far, func() bool { return false }); !errors.As(err, &refused) || !refused.Ours {
		t.Errorf("error %v, want a refusal of ours", err)
	}
	far.Close()
	if b, err := io.ReadAll(near); len(b) > 0 || err != nil {
		t.Errorf("answer %q, %v", b, err)
	}
	for _, hello := range []string{"GNUTELLA CONNECT/0.6\r\n\r\n", "GNUTELLA CONNECT/0.4 \n\n", "GNU"} {
		near, far := tcp(t)
		near.Write([]byte(hello))
		near.CloseWrite()
		accept := func() bool { t.Errorf("%q was taken for a hello of 0.4", hello); return true }
		if s, err := AcceptOld(t.Context(), far, accept); err == nil {
			t.Errorf("%q: session %+v", hello, s)
		}
	}
}
