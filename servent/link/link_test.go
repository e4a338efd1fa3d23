package link

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"

	"gnucensus/servent/handshake"
	"gnucensus/servent/message"

	"github.com/google/go-cmp/cmp"
)

// tcp returns the two ends of a connection on loopback.
func tcp(tb testing.TB) (near, far net.Conn) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.20.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer listener.Close()
	near, err = net.Dial("tcp", listener.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	if far, err = listener.Accept(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}

// run runs the writer of a link until the test has closed it. It returns what Run returned.
func run(tb testing.TB, ctx context.Context, l *Link) (wait func() error) {
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	wait = sync.OnceValue(func() error { return <-done })
	tb.Cleanup(func() {
		l.Close()
		wait()
	})
	return wait
}

// pair returns two links that are connected by a handshake.
func pair(tb testing.TB, deflate bool) (dialled, accepted *Link) {
	tb.Helper()
	near, far := tcp(tb)
	offer := handshake.Fields{{Name: "Accept-Encoding", Value: "deflate"}, {Name: "Bye-Packet", Value: "0.1"}}
	var ours handshake.Fields
	if deflate {
		ours = handshake.Fields{{Name: "Content-Encoding", Value: "deflate"}}
	}
	answered := make(chan *Link, 1)
	go func() {
		s, err := handshake.Accept(tb.Context(), far, func(handshake.Fields) handshake.Reply {
			return handshake.Accepted(append(ours, offer...))
		})
		if err != nil {
			tb.Error(err)
			near.Close()
			close(answered)
			return
		}
		answered <- New(s, Config{})
	}()
	s, err := handshake.DialFunc(tb.Context(), near, offer, func(handshake.Fields) handshake.Reply {
		return handshake.Accepted(ours)
	})
	if err != nil {
		tb.Fatal(err)
	}
	return New(s, Config{}), <-answered
}

func ping(tail ...byte) message.Message {
	return message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{Tail: tail}}
}

func receive(tb testing.TB, l *Link) message.Message {
	tb.Helper()
	m, err := l.Receive(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func TestBothWays(t *testing.T) {
	t.Parallel()
	for name, deflate := range map[string]bool{"plain": false, "deflated": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := pair(t, deflate)
			waitA, waitB := run(t, t.Context(), a), run(t, t.Context(), b)
			for i := range 200 {
				sent := ping(bytes.Repeat([]byte{0xc3, byte(i)}, i)...)
				if i%2 == 1 {
					sent = message.Message{GUID: message.NewGUID(), TTL: 1, Hops: 2, Body: &message.Pong{
						Addr: netip.MustParseAddrPort("192.0.2.1:6346"), Files: uint32(i), KiB: 8,
					}}
				}
				for _, way := range [][2]*Link{{a, b}, {b, a}} {
					if err := way[0].Send(sent); err != nil {
						t.Fatal(err)
					}
					got := receive(t, way[1])
					want, _ := message.Append(nil, sent)
					if again, _ := message.Append(nil, got); !bytes.Equal(again, want) {
						t.Fatalf("message %d: received %x, want %x", i, again, want)
					}
				}
			}
			a.Close()
			b.Close()
			waitA()
			waitB()
			sent, received := a.Counters(), b.Counters()
			if diff := cmp.Diff(sent.Sent, received.Received); diff != "" {
				t.Errorf("counters (-sent +received):\n%s", diff)
			}
			if c := sent.Sent[message.TypePong]; c.Messages != 100 || c.Bytes != 100*37 {
				t.Errorf("PONGs sent: %+v", c)
			}
			total := sent.Sent[message.TypePing].Bytes + sent.Sent[message.TypePong].Bytes
			if sent.WireSent != received.WireReceived || (sent.WireSent < total) != deflate {
				t.Errorf("%d bytes sent, %d received, for messages of %d", sent.WireSent, received.WireReceived, total)
			}
		})
	}
}

// A scripted peer replays the captures, in the captured pieces: each yields its messages before the next is there.
func TestReplayCaptures(t *testing.T) {
	t.Parallel()
	for name := range captures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readSession(t, name)
			near, far := tcp(t)
			first := s.pieces[0]
			l := New(&handshake.Session{Conn: near, Inflate: s.deflated, Buffered: first.wire[:5]}, Config{})
			defer l.Close()
			s.pieces[0].wire = first.wire[5:]
			for i, p := range s.pieces {
				if _, err := far.Write(p.wire); err != nil {
					t.Fatal(err)
				}
				for _, want := range p.messages {
					m := receive(t, l)
					if got, err := message.Append(nil, m); err != nil || !bytes.Equal(got, want) {
						t.Fatalf("piece %d: %x, %v; want %x", i, got, err, want)
					}
				}
			}
			far.Close()
			if m, err := l.Receive(t.Context()); !errors.Is(err, io.EOF) {
				t.Errorf("after the last message: %v, %v; want EOF", m, err)
			}
			if got := l.Counters().WireReceived; got != uint64(len(s.wire())+5) {
				t.Errorf("%d bytes received, want %d", got, len(s.wire())+5)
			}
		})
	}
}

// A stream that stops anywhere but after a message ends in io.ErrUnexpectedEOF.
func TestTruncatedStream(t *testing.T) {
	t.Parallel()
	stream := readSession(t, "limewire-plain").pieces[0].messages[0]
	for n := range stream {
		near, far := tcp(t)
		far.Write(stream[:n])
		far.Close()
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if _, err := New(&handshake.Session{Conn: near}, Config{}).Receive(t.Context()); !errors.Is(err, want) {
			t.Errorf("%d of %d bytes: error %v, want %v", n, len(stream), err, want)
		}
	}
}

// Contexts that end in the middle of a message lose nothing of it.
func TestReceiveResumes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"limewire-plain", "gtk-gnutella-leaf"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readSession(t, name)
			near, far := net.Pipe() // a write has arrived when it returns
			l := New(&handshake.Session{Conn: near, Inflate: s.deflated}, Config{})
			defer far.Close()
			type result struct {
				m   message.Message
				err error
			}
			var got []byte
			for _, b := range s.wire() {
				ctx, cancel := context.WithCancel(t.Context())
				results := make(chan result)
				go func() {
					for {
						m, err := l.Receive(ctx)
						results <- result{m, err}
						if err != nil {
							return
						}
					}
				}()
				if _, err := far.Write([]byte{b}); err != nil {
					t.Fatal(err)
				}
				cancel()
				for r := range results {
					if r.err == nil {
						got, _ = message.Append(got, r.m)
						continue
					}
					if !errors.Is(r.err, context.Canceled) {
						t.Fatal(r.err)
					}
					break
				}
			}
			far.Close()
			for len(got) < len(s.stream()) { // what the last byte completed
				got, _ = message.Append(got, receive(t, l))
			}
			if want := s.stream(); !bytes.Equal(got, want) {
				t.Errorf("received %x, want %x", got, want)
			}
		})
	}
}

func TestReceiveDeadline(t *testing.T) {
	t.Parallel()
	near, _ := tcp(t)
	l := New(&handshake.Session{Conn: near}, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 1)
	defer cancel()
	_, err := l.Receive(ctx)
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("error %v, want a timeout", err)
	}
	if l.Err() != nil {
		t.Errorf("the link is closed: %v", l.Err())
	}
}

func TestReceiveRefuses(t *testing.T) {
	t.Parallel()
	header := strings.Repeat("\x00", 16)
	for name, test := range map[string]struct {
		wire    string
		inflate bool
		want    error
	}{
		"4 GiB":   {header + "\x00\x01\x00\xff\xff\xff\xff", false, message.ErrTooLong},
		"corrupt": {"GNUTELLA", true, ErrCorrupt},
		"ended":   {zlibHeader + "\x03\x00", true, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far := tcp(t)
			far.Write([]byte(test.wire))
			l := New(&handshake.Session{
				Conn: near, Inflate: test.inflate, Theirs: handshake.Fields{{Name: "Bye-Packet", Value: "0.1"}},
			}, Config{})
			for range 2 {
				if _, err := l.Receive(t.Context()); !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
			}
			if test.want != io.EOF {
				far.(*net.TCPConn).CloseWrite() // the goodbye waits for it
				if err := l.Bye(t.Context(), 400, "Message too large"); err != nil {
					t.Errorf("goodbye after a fault: %v", err)
				}
			}
			said, err := io.ReadAll(far)
			if err != nil || (len(said) > 0) != (test.want != io.EOF) {
				t.Errorf("%d bytes before the end of the connection, %v", len(said), err)
			}
		})
	}
}

// One payload that cannot be read is no reason to give the link up.
func TestPayloadError(t *testing.T) {
	t.Parallel()
	near, far := tcp(t)
	l := New(&handshake.Session{Conn: near}, Config{})
	short := message.Header{Type: message.TypePong, TTL: 1, Length: 3}.Append(nil)
	good, _ := message.Append(nil, ping())
	far.Write(append(append(short, 1, 2, 3), good...))
	_, err := l.Receive(t.Context())
	var payload *PayloadError
	if !errors.As(err, &payload) || payload.Header.Type != message.TypePong || !errors.Is(err, message.ErrTruncated) {
		t.Fatalf("error %v, want a truncated PONG", err)
	}
	if m := receive(t, l); m.Body.Type() != message.TypePing {
		t.Errorf("then %v, want a PING", m)
	}
	if got := l.Counters().Received[message.TypePong]; got != (Count{Messages: 1, Bytes: 26}) {
		t.Errorf("PONGs received: %+v", got)
	}
}

// A peer that does not read has its link closed, by the sender.
func TestQueueFull(t *testing.T) {
	t.Parallel()
	a, b := pair(t, false)
	wait := run(t, t.Context(), a)
	big := ping(make([]byte, 30<<10)...)
	var err error
	for sent := 0; err == nil && sent < 1<<15; sent++ {
		err = a.Send(big)
	}
	if !errors.Is(err, ErrQueueFull) {
		t.Fatalf("send: %v, want a full queue", err)
	}
	if err := wait(); !errors.Is(err, ErrQueueFull) {
		t.Errorf("Run: %v, want a full queue", err)
	}
	if err := a.Send(ping()); !errors.Is(err, ErrQueueFull) {
		t.Errorf("send again: %v, want the reason", err)
	}
	if _, err := a.Receive(t.Context()); !errors.Is(err, ErrQueueFull) {
		t.Errorf("receive: %v, want the reason", err)
	}
	for err = nil; err == nil; {
		_, err = b.Receive(t.Context())
	}
}

// The largest messages pass through a queue that is smaller, and leave no memory occupied.
func TestSmallQueue(t *testing.T) {
	t.Parallel()
	near, far := tcp(t)
	a, b := New(&handshake.Session{Conn: near}, Config{Queue: 1}), New(&handshake.Session{Conn: far}, Config{})
	run(t, t.Context(), a)
	for range 3 {
		if err := a.Send(ping(make([]byte, message.TypePing.MaxLen())...)); err != nil {
			t.Fatal(err)
		}
		receive(t, b)
	}
	if held := cap(b.in.buf); held > 4*readSize {
		t.Errorf("%d bytes are held", held)
	}
}

func TestSendRefuses(t *testing.T) {
	t.Parallel()
	a, b := pair(t, false)
	run(t, t.Context(), a)
	if err := a.Send(ping(make([]byte, 1<<20)...)); !errors.Is(err, message.ErrTooLong) {
		t.Errorf("error %v, want too long", err)
	}
	if err := a.Send(ping()); err != nil {
		t.Errorf("the link does not go on: %v", err)
	}
	receive(t, b)
	if got := b.Counters().WireReceived; got != message.HeaderLen {
		t.Errorf("%d bytes received, want one PING", got)
	}
}

func TestBye(t *testing.T) {
	t.Parallel()
	for name, deflate := range map[string]bool{"plain": false, "deflated": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := pair(t, deflate)
			b.conn.Write(make([]byte, 100)) // unread by a: closing at once would reset the connection
			if err := a.Send(ping()); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- a.Bye(t.Context(), 200, "leaving") }()
			receive(t, b)
			bye, ok := receive(t, b).Body.(*message.Bye)
			if !ok || bye.Code != 200 || !strings.HasPrefix(bye.Text, "leaving") {
				t.Errorf("received %+v, want a BYE", bye)
			}
			if _, err := b.Receive(t.Context()); !errors.Is(err, io.EOF) {
				t.Errorf("after the BYE: %v, want EOF", err)
			}
			if err := a.Send(ping()); !errors.Is(err, net.ErrClosed) { // it waits for the peer to close
				t.Errorf("send after the BYE: %v", err)
			}
			b.Close()
			if err := <-done; err != nil || a.Err() != nil {
				t.Errorf("Bye: %v, reason %v", err, a.Err())
			}
		})
	}
}

// A peer that neither reads nor closes holds up a goodbye no longer than its context.
func TestByeEnds(t *testing.T) {
	t.Parallel()
	near, _ := tcp(t)
	l := New(&handshake.Session{Conn: near}, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Bye(ctx, 200, "leaving"); err != nil {
		t.Errorf("without Bye-Packet there is nothing to send: %v", err)
	}
	if _, err := near.Write([]byte{1}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the connection was not closed: %v", err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	a, b := pair(t, false)
	wait := run(t, t.Context(), a)
	received := make(chan error, 1)
	go func() {
		_, err := a.Receive(t.Context())
		received <- err
	}()
	a.Close()
	if err := <-received; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Receive: %v, want closed", err)
	}
	if err := wait(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if _, err := b.Receive(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("the peer: %v, want EOF", err)
	}
	if err := b.Err(); !errors.Is(err, io.EOF) {
		t.Errorf("the peer's reason: %v, want EOF", err)
	}
}

func TestRunEndsWithContext(t *testing.T) {
	t.Parallel()
	a, _ := pair(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	wait := run(t, ctx, a)
	cancel()
	if err := wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v, want cancelled", err)
	}
	if _, err := a.Receive(t.Context()); !errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Receive: %v, want cancelled", err)
	}
}
