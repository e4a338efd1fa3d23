package pace

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestWireTellsOfDatagramsThatCannotBeSent(t *testing.T) {
	t.Parallel()
	w := newWire(t, Limits{Scope: Lab})
	echo, err := net.ListenPacket("udp", "127.26.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	to := netip.MustParseAddrPort(echo.LocalAddr().String())
	out := w.(*wire)
	out.waiting = append(out.waiting, letter{to, make([]byte, 70_000)}) // longer than a datagram can be
	w.Send(to, []byte("next"))
	if got := poll(t, w, 1); !strings.Contains(got[0], "message too long") {
		t.Errorf("the wire tells %q", got)
	}
	b := make([]byte, 100)
	if n, _, err := echo.ReadFrom(b); string(b[:n]) != "next" {
		t.Errorf("the datagram after it is %q, %v", b[:n], err)
	}
}
