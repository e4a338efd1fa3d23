package main

import (
	"net"
	"net/netip"
	"testing"

	"gnucensus/servent/lab"
	"gnucensus/storage/storagetest"
)

// TestSeedsByName begins at a host that has a name, given by a flag and in a file: it is visited at its address in scope, and
// at no other.
func TestSeedsByName(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().(*net.TCPAddr).AddrPort()
	l.Close()
	network(t, lab.Plan{Ultrapeers: 4, Leaves: 6, Base: netip.MustParseAddr("127.0.0.1"), Port: at.Port()})
	_, port, _ := net.SplitHostPort(at.String())
	name := net.JoinHostPort("localhost", port)
	crawl := []string{"crawl", "--scope", "lab", "--database", storagetest.DSN(t), "--query-via", "0", "--format", "json"}
	for _, from := range [][]string{{"--seed", name}, {"--seeds", file(t, name)}} {
		if s := decode[summary](t, must(t, append(crawl, from...)...)); s.Heard != 10 || s.Reached != 10 {
			t.Errorf("from %v: %+v", from, s)
		}
	}
}
