package handshake

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

func newTLS(t *testing.T) *TLS {
	t.Helper()
	s, err := NewTLS()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serveAsync makes the server's side of a TLS handshake.
func serveAsync(t *testing.T, s *TLS, c net.Conn) <-chan error {
	served := make(chan error, 1)
	go func() {
		secure, err := s.Server(t.Context(), c)
		if err == nil {
			_, err = io.Copy(secure, secure) // an echo
			secure.Close()
		}
		served <- err
	}()
	return served
}

func TestDirectTLS(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]uint16{"1.0": tls.VersionTLS10, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		near, far := tcp(t)
		served := serveAsync(t, newTLS(t), far)
		ours := newTLS(t)
		ours.config.MaxVersion = version
		c, err := ours.Client(t.Context(), near)
		if err != nil {
			t.Fatalf("TLS %s: %v", name, err)
		}
		c.Write([]byte("hello"))
		c.(interface{ CloseWrite() error }).CloseWrite()
		if b, err := io.ReadAll(c); string(b) != "hello" || err != nil {
			t.Errorf("TLS %s: echo %q, error %v", name, b, err)
		}
		if err := <-served; err != nil {
			t.Errorf("TLS %s: server: %v", name, err)
		}
	}
}

// LimeWire's hello holds one cipher suite, which is anonymous. No TLS client that we have can send it: here are its bytes.
func TestAnonymousTLSIsTold(t *testing.T) {
	t.Parallel()
	hello := append([]byte{0x16, 3, 1, 0, 47, 1, 0, 0, 43, 3, 1}, make([]byte, 32)...) // record, message, TLS 1.0, random
	hello = append(hello, 0, 0, 4, 0, 0x34, 0, 0xff, 1, 0)                             // no session, two suites, no compression
	hello[4], hello[8] = byte(len(hello)-5), byte(len(hello)-9)
	near, far := tcp(t)
	near.Write(hello)
	if _, err := newTLS(t).Server(t.Context(), far); !errors.Is(err, ErrAnonymous) {
		t.Errorf("error %v, want %v", err, ErrAnonymous)
	}
}

func TestTLSHandshakeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	_, far := tcp(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := newTLS(t).Server(ctx, far); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// TestUpgrade makes the whole way from a plain hello to a message within TLS.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer, ack Fields
		want        bool
	}{
		"agreed":                 {UpgradeFields, UpgradeFields, true},
		"agreed as gtk-gnutella": {UpgradeFields, Fields{{"connection", "upgrade"}}, true},
		"not acknowledged":       {UpgradeFields, nil, false},
		"not answered":           {nil, UpgradeFields, false},
	} {
		near, far := tcp(t)
		accepting := acceptAsync(t.Context(), far, func(hello Fields) Reply {
			if !hello.Lists("Upgrade", "TLS/1.0") {
				t.Errorf("%s: the hello does not offer TLS: %v", name, hello)
			}
			return Accepted(test.answer)
		})
		dialled, err := DialFunc(t.Context(), near, Fields{UpgradeOffer}, func(Fields) Reply { return Accepted(test.ack) })
		accepted := <-accepting
		if err != nil || accepted.err != nil {
			t.Fatal(err, accepted.err)
		}
		if dialled.Upgrade != test.want || accepted.session.Upgrade != test.want {
			t.Errorf("%s: upgrade %v and %v", name, dialled.Upgrade, accepted.session.Upgrade)
		}
		if !test.want {
			continue
		}
		secured := make(chan error, 1)
		go func() { secured <- accepted.session.Secure(t.Context(), newTLS(t).Server) }()
		if err := errors.Join(dialled.Secure(t.Context(), newTLS(t).Client), <-secured); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		go dialled.Conn.Write([]byte("ping"))
		b := make([]byte, 4)
		if _, err := io.ReadFull(accepted.session.Conn, b); string(b) != "ping" || err != nil {
			t.Errorf("%s: read %q, %v", name, b, err)
		}
	}
}

// TestUpgradeOfWhatCameAlong: an initiator may send its first TLS record together with the ack.
func TestUpgradeOfWhatCameAlong(t *testing.T) {
	t.Parallel()
	near, far := tcp(t)
	ours := newTLS(t)
	dialling := make(chan error, 1)
	go func() {
		_, err := ours.Client(t.Context(), near)
		dialling <- err
	}()
	record := make([]byte, 64)
	if _, err := io.ReadFull(far, record); err != nil {
		t.Fatal(err)
	}
	s := &Session{Conn: far, Buffered: record}
	if err := errors.Join(s.Secure(t.Context(), ours.Server), <-dialling); err != nil || s.Buffered != nil {
		t.Errorf("error %v, %d bytes left over", err, len(s.Buffered))
	}
}
