package link

import (
	"bytes"
	"errors"
	"net"
	"testing"

	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// Whatever a peer sends, messages are its bytes in order, and memory stays within a few times the largest message.
func FuzzReceive(f *testing.F) {
	for name := range captures {
		s := readSession(f, name)
		f.Add(s.wire(), s.deflated)
		f.Add(s.stream(), false)
	}
	f.Fuzz(func(t *testing.T, wire []byte, inflate bool) {
		near, far := net.Pipe()
		far.Close()
		l := New(&handshake.Session{Conn: near, Buffered: wire, Inflate: inflate}, Config{})
		defer l.Close()
		stream := bytes.Clone(wire)
		if inflate {
			stream, _ = drain(newInflater(), wire)
		}
		for {
			m, err := l.Receive(t.Context())
			if c := cap(l.in.buf); c > max(len(wire), 4*(message.HeaderLen+1<<16)) {
				t.Fatalf("buffer of %d bytes", c)
			}
			var payload *PayloadError
			if errors.As(err, &payload) {
				stream = stream[message.HeaderLen+int(payload.Header.Length):]
				continue
			}
			if err != nil {
				return
			}
			b, err := message.Append(nil, m)
			if err != nil || !bytes.HasPrefix(stream, b) {
				t.Fatalf("received %x, %v; want %x", b, err, stream[:min(len(b), len(stream))])
			}
			stream = stream[len(b):]
		}
	})
}
