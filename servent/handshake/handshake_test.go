package handshake

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tcp returns the two ends of a connection on loopback.
func tcp(tb testing.TB) (near, far *net.TCPConn) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.20.0.2:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer listener.Close()
	dialled, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	accepted, err := listener.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		dialled.Close()
		accepted.Close()
	})
	return dialled.(*net.TCPConn), accepted.(*net.TCPConn)
}

// result is what one side's handshake came to.
type result struct {
	session *Session
	err     error
}

func acceptAsync(ctx context.Context, c net.Conn, decide func(Fields) Reply) <-chan result {
	results := make(chan result, 1)
	go func() {
		session, err := Accept(ctx, c, decide)
		results <- result{session, err}
	}()
	return results
}

var deflateOffered = Field{"Accept-Encoding", "deflate"}
var deflateDone = Field{"Content-Encoding", "deflate"}

// Both sides ours: each sees what the other sent.
func TestDialAndAccept(t *testing.T) {
	t.Parallel()
	near, far := tcp(t)
	offer := Fields{{"User-Agent", "gnucensus/1"}, {"X-Ultrapeer", "False"}, deflateOffered, {"x-Odd", ""}, {"X-Odd", "2"}}
	answer := Fields{{"User-Agent", "other/2"}, deflateOffered, deflateDone}
	ack := Fields{{"X-Ultrapeer", "False"}}
	accepting := acceptAsync(t.Context(), far, func(hello Fields) Reply {
		if diff := cmp.Diff(offer, hello); diff != "" {
			t.Errorf("hello (-sent +received):\n%s", diff)
		}
		return Accepted(answer)
	})
	dialled, err := DialFunc(t.Context(), near, offer, func(theirs Fields) Reply {
		if diff := cmp.Diff(answer, theirs); diff != "" {
			t.Errorf("answer (-sent +received):\n%s", diff)
		}
		return Accepted(ack)
	})
	accepted := <-accepting
	if err != nil || accepted.err != nil {
		t.Fatal(err, accepted.err)
	}
	ignoreConn := cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Conn" }, cmp.Ignore())
	want := &Session{Ours: offer, Theirs: answer, Ack: ack, Code: 200, Reason: "OK", Inflate: true}
	if diff := cmp.Diff(want, dialled, ignoreConn); diff != "" {
		t.Errorf("session of the initiator (-want +got):\n%s", diff)
	}
	want = &Session{Ours: answer, Theirs: offer, Ack: ack, Code: 200, Reason: "OK", Deflate: true}
	if diff := cmp.Diff(want, accepted.session, ignoreConn); diff != "" {
		t.Errorf("session of the acceptor (-want +got):\n%s", diff)
	}
	if dialled.Conn != near || accepted.session.Conn != far {
		t.Error("sessions hold other connections")
	}
}

// Nobody refuses without the other side learning code, reason and fields.
func TestRefusals(t *testing.T) {
	t.Parallel()
	refusal := Reply{Code: 503, Reason: "No room", Fields: Fields{
		{"User-Agent", "other/2"}, {"X-Try", "192.0.2.1:1"}, {"X-Try-Ultrapeers", "192.0.2.2:2,"},
	}}
	hello := Fields{{"User-Agent", "gnucensus/1"}}
	for name, test := range map[string]struct {
		answer, ack        Reply
		dialling, accepted *Refused
	}{
		"by the acceptor": {
			answer:   refusal,
			dialling: &Refused{Code: 503, Reason: "No room", Theirs: refusal.Fields},
			accepted: &Refused{Code: 503, Reason: "No room", Theirs: hello, Ours: true},
		},
		"by the initiator": {
			answer: Accepted(nil), ack: refusal,
			dialling: &Refused{Code: 503, Reason: "No room", Ours: true},
			accepted: &Refused{Code: 503, Reason: "No room", Theirs: refusal.Fields},
		},
		"with a code that is nearly 200": {
			answer:   Reply{Code: 204},
			dialling: &Refused{Code: 204},
			accepted: &Refused{Code: 204, Theirs: hello, Ours: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far := tcp(t)
			accepting := acceptAsync(t.Context(), far, func(Fields) Reply { return test.answer })
			_, err := DialFunc(t.Context(), near, hello, func(Fields) Reply { return test.ack })
			var refused *Refused
			if !errors.As(err, &refused) {
				t.Fatalf("Dial: %v, want a refusal", err)
			}
			if diff := cmp.Diff(test.dialling, refused); diff != "" {
				t.Errorf("refusal of the initiator (-want +got):\n%s", diff)
			}
			if !errors.As((<-accepting).err, &refused) {
				t.Fatalf("Accept: %v, want a refusal", err)
			}
			if diff := cmp.Diff(test.accepted, refused); diff != "" {
				t.Errorf("refusal of the acceptor (-want +got):\n%s", diff)
			}
		})
	}
	theirs := &Refused{Code: 503, Reason: "No room", Theirs: refusal.Fields}
	if got := FormatAddrs(theirs.TryUltrapeers()); got != "192.0.2.2:2, 192.0.2.1:1" {
		t.Errorf("TryUltrapeers = %s", got)
	}
	if theirs.Agent() != "other/2" || theirs.Error() != "refused: 503 No room" {
		t.Errorf("agent %q, error %q", theirs.Agent(), theirs)
	}
}

// script plays a captured acceptor on c: it reads a hello, sends answer, and returns what comes then, up to the end.
func script(c *net.TCPConn, answer []byte) <-chan []byte {
	rest := make(chan []byte, 1)
	go func() {
		for hello := []byte{}; !bytes.HasSuffix(hello, []byte("\r\n\r\n")); {
			b := make([]byte, 1)
			if _, err := c.Read(b); err != nil {
				break
			}
			hello = append(hello, b...)
		}
		c.Write(answer)
		then, _ := io.ReadAll(c)
		rest <- then
	}()
	return rest
}

func TestCrawlCaptures(t *testing.T) {
	t.Parallel()
	const ack = "GNUTELLA/0.6 200 OK\r\n\r\n"
	for source, want := range map[string]struct {
		code          int
		reason        string
		peers, leaves string
		then          string
	}{
		"1.2.3 on loopback, crawl of an ultrapeer": {200, "OK", "127.0.0.14:6346", "127.0.0.13:6346, 127.0.0.12:6346", ack},
		"1.2.3 on loopback, crawl of a leaf":       {200, "OK", "127.0.0.11:6346", "", ack},
		"5.5 on loopback, crawl of an ultrapeer":   {593, "Hi", "127.0.3.2:6347", "127.0.3.3:6348", ""},
		"5.5 on loopback, crawl of a leaf":         {593, "Hi", "127.0.3.1:6346, 127.0.3.2:6347", "", ""},
		"a leaf is refused by a full ultrapeer":    {503, "Too many leaf connections (25 max)", "", "", ""},
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			near, far := tcp(t)
			then := script(far, capture(t, "answer", source))
			code, reason, theirs, err := Crawl(t.Context(), near, Fields{{"Crawler", "0.1"}})
			if err != nil || code != want.code || reason != want.reason {
				t.Fatalf("Crawl: %d %q, %v", code, reason, err)
			}
			if got := FormatAddrs(theirs.Addrs("Peers")); got != want.peers {
				t.Errorf("Peers: %s, want %s", got, want.peers)
			}
			if got := FormatAddrs(theirs.Addrs("Leaves")); got != want.leaves {
				t.Errorf("Leaves: %s, want %s", got, want.leaves)
			}
			near.Close()
			if got := <-then; string(got) != want.then {
				t.Errorf("then we sent %q, want %q", got, want.then)
			}
		})
	}
}

// The beginning of the stream may come along with the answer, as it may with the ack.
func TestBuffered(t *testing.T) {
	t.Parallel()
	stream := []byte("first message")
	near, far := tcp(t)
	script(far, append(capture(t, "answer", "LimeWire 5.5 on loopback, a leaf with deflate is accepted"), stream...))
	dialled, err := Dial(t.Context(), near, Fields{deflateOffered})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(dialled.Buffered, stream) || !dialled.Inflate || dialled.Deflate {
		t.Errorf("Dial: buffered %q, inflate %v, deflate %v", dialled.Buffered, dialled.Inflate, dialled.Deflate)
	}
	near, far = tcp(t)
	hello := capture(t, "hello", "a leaf with deflate is accepted")
	ack := capture(t, "ack", "a leaf with deflate is accepted")
	near.Write(append(append(hello, ack...), stream...)) // an initiator that does not wait
	accepted, err := Accept(t.Context(), far, func(hello Fields) Reply { return Accepted(nil) })
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(accepted.Buffered, stream) || !accepted.Inflate || accepted.Deflate {
		t.Errorf("Accept: buffered %q, inflate %v, deflate %v", accepted.Buffered, accepted.Inflate, accepted.Deflate)
	}
}

// Each prefix of a captured answer, and then the end, is an error that says so.
func TestDialTruncated(t *testing.T) {
	t.Parallel()
	answer := capture(t, "answer", "5.5 on loopback, crawl of a leaf")
	for n := range answer {
		near, far := tcp(t)
		far.Write(answer[:n])
		far.CloseWrite()
		if _, err := Dial(t.Context(), near, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d of %d bytes: %v", n, len(answer), err)
		}
	}
}

func TestAcceptRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want error
		says string
	}{
		"0.4":           {"GNUTELLA CONNECT/0.4\n\n", ErrVersion, "read hello: version 0.4"},
		"0.5":           {"GNUTELLA CONNECT/0.5\r\n", ErrVersion, "version 0.5"},
		"no version":    {"GNUTELLA CONNECT/\r\n", ErrMalformed, "version"},
		"odd version":   {"GNUTELLA CONNECT/0.6.1\r\n", ErrMalformed, "version"},
		"HTTP":          {"GET / HTTP/1.1\r\n\r\n", ErrMalformed, "GET /"},
		"connect back":  {"\n\n", ErrMalformed, `\n`},
		"endless":       {"GNUTELLA CONNECT/0.6\r\n" + strings.Repeat("A: 1\r\n", 200), ErrTooLong, "more than 128 lines"},
		"too large":     {"GNUTELLA CONNECT/0.6\r\nA: " + strings.Repeat("a", 16<<10), ErrTooLong, "more than 16384 bytes"},
		"malformed ack": {"GNUTELLA CONNECT/0.6\r\n\r\nGNUTELLA/0.6 OK\r\n", ErrMalformed, "read ack: status line"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far := tcp(t)
			near.Write([]byte(test.text))
			_, err := Accept(t.Context(), far, func(Fields) Reply { return Accepted(nil) })
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %v that says %q", err, test.want, test.says)
			}
			far.Close()
			if sent, _ := io.ReadAll(near); name != "malformed ack" && len(sent) > 0 {
				t.Errorf("we answered %q", sent)
			}
		})
	}
}

// Versions after 0.6 are spoken to.
func TestAcceptNewer(t *testing.T) {
	t.Parallel()
	near, far := tcp(t)
	near.Write([]byte("GNUTELLA CONNECT/0.7\r\n\r\nGNUTELLA/0.7 200 OK\r\n\r\n"))
	if _, err := Accept(t.Context(), far, func(Fields) Reply { return Accepted(nil) }); err != nil {
		t.Error(err)
	}
}

// An endless head costs what its limit is.
func TestDialEndless(t *testing.T) {
	t.Parallel()
	near, far := tcp(t)
	sent := make(chan int)
	go func() {
		total, _ := far.Write([]byte("GNUTELLA/0.6 200 OK\r\nA: "))
		for {
			n, err := far.Write(bytes.Repeat([]byte("a"), 1<<10))
			if total += n; err != nil {
				sent <- total
				return
			}
		}
	}()
	if _, err := Dial(t.Context(), near, nil); !errors.Is(err, ErrTooLong) {
		t.Errorf("error %v, want too long", err)
	}
	near.Close()
	if total := <-sent; total <= diallerLimits.bytes {
		t.Errorf("the peer sent %d bytes before we gave up", total)
	}
}

// The end of the context ends each wait, by the context's own error, and leaves no deadline behind.
func TestContext(t *testing.T) {
	t.Parallel()
	hello := "GNUTELLA CONNECT/0.6\r\n\r\n"
	offered := func(ctx context.Context, c net.Conn) error {
		_, err := Dial(ctx, c, nil)
		return err
	}
	crawled := func(ctx context.Context, c net.Conn) error {
		_, _, _, err := Crawl(ctx, c, nil)
		return err
	}
	accepted := func(ctx context.Context, c net.Conn) error {
		_, err := Accept(ctx, c, func(Fields) Reply { return Accepted(nil) })
		return err
	}
	for name, test := range map[string]struct {
		wait  func(context.Context, net.Conn) error
		first string // what the peer sends before it falls silent
	}{
		"Dial": {offered, ""}, "Dial, in the answer": {offered, "GNUTELLA/0.6 200 OK\r\nA: "}, "Crawl": {crawled, "GNU"},
		"Accept": {accepted, ""}, "Accept, in the hello": {accepted, hello[:20]}, "Accept, in the ack": {accepted, hello},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far := tcp(t)
			far.Write([]byte(test.first))
			ctx, cancel := context.WithCancel(t.Context())
			reading := &watched{Conn: near, after: len(test.first), cancel: cancel}
			err := test.wait(ctx, reading)
			if !errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("cancelled: %v", err)
			}
			far.Write([]byte("x"))
			if n, err := near.Read(make([]byte, 1)); n != 1 || err != nil {
				t.Errorf("read afterwards: %d, %v", n, err)
			}

			ctx, cancel = context.WithDeadline(t.Context(), time.Unix(1, 0))
			defer cancel()
			var timeout net.Error
			if err := test.wait(ctx, near); !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("out of time: %v", err)
			}
		})
	}
}

// watched cancels a context when so many bytes were read and more are waited for.
type watched struct {
	net.Conn
	after  int
	cancel func()
}

func (w *watched) Read(p []byte) (int, error) {
	if w.after <= 0 {
		w.cancel()
	}
	n, err := w.Conn.Read(p)
	w.after -= n
	return n, err
}
