package servent_test

import (
	"bytes"
	"compress/zlib"
	"io"
	"strings"
	"testing"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// deflating opens a link whose stream to the node is deflated, and returns the session: the test writes the stream itself.
func deflating(t *testing.T, to string) *handshake.Session {
	t.Helper()
	hello := fields("X-Ultrapeer", "False", "Bye-Packet", "0.1")
	s, err := handshake.DialFunc(within(t), connect(t, to), hello, func(handshake.Fields) handshake.Reply {
		return handshake.Accepted(fields("Content-Encoding", "deflate"))
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bomb is a zlib stream of messages that nobody knows, of so many bytes; it is a thousandth as large.
func bomb(t *testing.T, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	const length = 40000
	for range size / length {
		w.Write(message.Header{Type: 0x77, TTL: 1, Length: length}.Append(nil)) // a bytes.Buffer takes everything
		w.Write(make([]byte, length))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestFaultyStreamsEndLinks: who sends a deflate bomb, a corrupt stream or a message without end gets a BYE, and nobody else
// notices.
func TestFaultyStreamsEndLinks(t *testing.T) {
	t.Parallel()
	const at = "127.30.70.1:6346"
	run(t, ultrapeer(at))
	good := join(t, at)
	long := message.Header{Type: message.TypePing, TTL: 1, Length: 16 << 20}.Append(nil)
	for name, c := range map[string]struct {
		deflated bool
		stream   []byte
		code     uint16
	}{
		"bomb":     {true, bomb(t, 8<<20), 501},
		"corrupt":  {true, append(bomb(t, 1<<20)[:6], "????????????????"...), 501},
		"no zlib":  {true, []byte("GET / HTTP/1.1\r\n\r\n"), 501},
		"too long": {false, long, 400},
	} {
		var s *handshake.Session
		if c.deflated {
			s = deflating(t, at)
		} else {
			var err error
			s, err = handshake.Dial(within(t), connect(t, at), fields("X-Ultrapeer", "False", "Bye-Packet", "0.1"))
			if err != nil {
				t.Fatal(err)
			}
		}
		s.Conn.Write(c.stream) // the node may close before it has read all of it
		s.Deflate = false
		l := linked(t, s)
		if _, bye := next[*message.Bye](t, l); bye.Code != c.code {
			t.Errorf("%s: BYE %d, want %d", name, bye.Code, c.code)
		}
		l.Close()
	}
	good.Send(message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}})
	next[*message.Pong](t, good)
}

// TestHeaderFloods: many who send fields without end at once are cut off, and the node has room for others.
func TestHeaderFloods(t *testing.T) {
	t.Parallel()
	const at = "127.30.71.1:6346"
	run(t, ultrapeer(at))
	line := []byte(strings.Repeat("X-Flood: "+strings.Repeat("y", 100)+"\r\n", 100))
	done := make(chan int)
	const floods = 30
	for range floods {
		conn := connect(t, at)
		go func() {
			sent := 0
			conn.SetDeadline(time.Now().Add(patience))
			conn.Write([]byte("GNUTELLA CONNECT/0.6\r\n"))
			for sent < 64<<20 {
				n, err := conn.Write(line)
				if sent += n; err != nil {
					break
				}
			}
			io.Copy(io.Discard, conn)
			done <- sent
		}()
	}
	for range floods {
		if sent := <-done; sent >= 64<<20 {
			t.Errorf("the node took %d bytes", sent)
		}
	}
	l := join(t, at)
	l.Send(message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}})
	next[*message.Pong](t, l)
}
