package servent

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
)

// listen serves a peer that says nothing, and returns what it hears until the node parts from it, and after how long.
func listen(t *testing.T, role Role) (pings int, bye *message.Bye, after time.Duration) {
	t.Helper()
	n, err := New(Config{Addr: netip.MustParseAddrPort("127.30.60.1:6346"), Role: Ultrapeer})
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	p := newPeer(nil, netip.AddrPort{})
	p.role = role
	began := time.Now()
	served := make(chan struct{})
	go func() {
		defer close(served)
		n.serve(t.Context(), p, &handshake.Session{Conn: ours, Theirs: handshake.Fields{{Name: "Bye-Packet", Value: "0.1"}}})
	}()
	l := link.New(&handshake.Session{Conn: theirs}, link.Config{})
	for {
		m, err := l.Receive(t.Context())
		if errors.Is(err, io.EOF) {
			<-served
			return pings, bye, time.Since(began)
		}
		if err != nil {
			t.Fatal(err)
		}
		switch body := m.Body.(type) {
		case *message.Ping:
			pings++
		case *message.Bye:
			bye = body
		}
	}
}

func TestQuietPeersAreAskedAndDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pings, bye, after := listen(t, Leaf)
		if pings != 1+aliveTries || bye == nil || bye.Code != 406 || after != (1+aliveTries)*aliveAfter {
			t.Errorf("%d PINGs, BYE %v, after %v", pings, bye, after)
		}
	})
}

func TestVisitsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if pings, bye, after := listen(t, visitor); pings != 0 || bye != nil || after != visitTime {
			t.Errorf("%d PINGs, BYE %v, after %v", pings, bye, after)
		}
	})
}
