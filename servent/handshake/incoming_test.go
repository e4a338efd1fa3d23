package handshake

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Incoming reads what Crawl reads, however the bytes are cut into pieces.
func TestIncomingReadsWhatCrawlReads(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		"GNUTELLA/0.6 200 OK\r\nPeers: 10.0.0.1:1,\r\n 10.0.0.2:2\r\nLeaves:\r\n\r\nmore",
		"GNUTELLA/0.6 593 Hi\nUser-Agent: LimeWire/4.18\n\n",
		"GNUTELLA/0.6 503\r\n\r\n",
		"GNUTELLA/0.6 2000 OK\r\n\r\n",
		"GNUTELLA/0.6 200 OK\r\n folds nothing\r\n\r\n",
		"HTTP/1.0 200 OK\r\n\r\n",
	} {
		want := struct {
			Code   int
			Reason string
			Fields Fields
		}{}
		var wantErr error
		ours, theirs := net.Pipe()
		go func() {
			io.WriteString(theirs, answer)
			theirs.Close()
		}()
		want.Code, want.Reason, want.Fields, wantErr = Crawl(context.Background(), readerOnly{ours}, nil)

		var in Incoming
		var done bool
		var err error
		for n := 1; n <= len(answer) && !done && err == nil; n++ {
			done, err = in.Read([]byte(answer[:n]))
		}
		if (err == nil) != (wantErr == nil) || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: error %v, want %v", answer, err, wantErr)
		}
		if err != nil {
			continue
		}
		got := want
		got.Code, got.Reason, got.Fields = in.Code, in.Reason, in.Fields
		if diff := cmp.Diff(want, got); diff != "" || !done {
			t.Errorf("%q: done %v (-want +got):\n%s", answer, done, diff)
		}
	}
}

// A readerOnly swallows what is written.
type readerOnly struct{ net.Conn }

func (readerOnly) Write(b []byte) (int, error) { return len(b), nil }

func TestAppendHelloIsWhatDialSends(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	offer := Fields{{"User-Agent", "x/1"}, {"Crawler", "0.1"}}
	go func() {
		Crawl(context.Background(), ours, offer)
		ours.Close()
	}()
	want := AppendHello(nil, offer)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(theirs, got); err != nil || string(got) != string(want) {
		t.Errorf("a crawl begins with %q, AppendHello gives %q: %v", got, want, err)
	}
	go io.WriteString(theirs, "GNUTELLA/0.6 200 OK\r\n\r\n")
	ack := AppendAck(nil)
	got = make([]byte, len(ack))
	if _, err := io.ReadFull(theirs, got); err != nil || string(got) != string(ack) {
		t.Errorf("a crawl goes on with %q, AppendAck gives %q: %v", got, ack, err)
	}
}
