package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/ggep"
	"gnucensus/servent/lab"
	"gnucensus/servent/message"
	"gnucensus/storage/storagetest"
)

// beside returns the nth address of those that a lab of the test leaves free.
func beside(hosts *lab.Net, n int) netip.AddrPort {
	block := binary.BigEndian.Uint32(hosts.Truth()[0].Addr.Addr().AsSlice()) &^ 0x7ff
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], block+1024+uint32(n))
	return netip.AddrPortFrom(netip.AddrFrom4(a), 6346)
}

// A victim counts the packets and connections that come.
type victim struct {
	packets atomic.Int64
	addr    netip.AddrPort
}

// serve plays a host that has no TCP port and answers datagrams as told, until the test ends.
func (v *victim) serve(t *testing.T, answer func(m message.Message) []byte) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(v.addr))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-done })
	go func() {
		defer close(done)
		b := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			v.packets.Add(1)
			if m, err := message.ParseDatagram(b[:n]); err == nil && answer != nil {
				conn.WriteToUDPAddrPort(answer(m), from)
			}
		}
	}()
}

// listen counts connections too.
func (v *victim) listen(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp4", v.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			v.packets.Add(1)
			c.Close()
		}
	}()
}

const (
	liars    = 40
	liesEach = 2500
	oneWord  = 5
)

// invented is the nth of 100,000 addresses at which nobody is: some of 127.27.0.0/16, some that belong to others.
func invented(n int) netip.AddrPort {
	if n%10 == 0 {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{8, byte(n >> 16), byte(n >> 8), byte(n)}), 6346)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 27, byte(n >> 8), byte(n)}), uint16(6350+(n>>16)))
}

// liar answers every PING with names of hosts, those of the victims first.
func liar(t *testing.T, n int, victims []*victim) func(m message.Message) []byte {
	var names []netip.AddrPort
	for _, v := range victims {
		names = append(names, v.addr)
	}
	for i := range liesEach {
		names = append(names, invented(n*liesEach+i))
	}
	return naming(t, names)
}

// naming answers every PING with names of hosts.
func naming(t *testing.T, names []netip.AddrPort) func(m message.Message) []byte {
	var hosts []ggep.Host
	for _, a := range names {
		hosts = append(hosts, ggep.Host{Addr: a})
	}
	tail, err := ggep.Append(nil, ggep.IPP(hosts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return func(m message.Message) []byte {
		if m.Body.Type() != message.TypePing {
			return nil
		}
		pong := &message.Pong{Addr: netip.MustParseAddrPort("127.0.0.0:6346"), Tail: tail}
		b, err := message.Append(nil, message.Message{GUID: m.GUID, TTL: 1, Body: pong})
		if err != nil {
			t.Error(err)
		}
		return b
	}
}

// TestPoisonedNetwork lets forty hosts name a hundred thousand others that do not exist, or that are victims: these are
// counted as rumours, few of them are tried, those who opted out are not, and what is said of real hosts stays as it is.
func TestPoisonedNetwork(t *testing.T) {
	t.Parallel()
	hosts := network(t, lab.Plan{Ultrapeers: 10, Leaves: 40, Seed: 9})
	clean := storagetest.DSN(t)
	must(t, seeded(hosts, clean, "--query-via", "0")...)

	tried, excluded := &victim{addr: beside(hosts, 100)}, &victim{addr: beside(hosts, 101)}
	for _, v := range []*victim{tried, excluded} {
		v.serve(t, nil)
	}
	excluded.listen(t)
	args := []string{"--query-via", "0", "--one-word", fmt.Sprint(oneWord), "--exclude", file(t, excluded.addr.Addr().String())}
	for n := range liars {
		v := &victim{addr: beside(hosts, n)}
		v.serve(t, liar(t, n, []*victim{tried, excluded}))
		args = append(args, "--seed", v.addr.String())
	}
	dsn := storagetest.DSN(t)
	s := decode[summary](t, must(t, seeded(hosts, dsn, args...)...))
	const lies = liars * liesEach
	if s.State != "complete" || s.Heard != 50+liars+2+lies || s.Rumours < lies {
		t.Errorf("summary: %+v", s)
	}
	poisoned := open(t, dsn)
	visited := rows(t, poisoned, `
		SELECT count(*) FILTER (WHERE visited AND host LIKE '127.27.%'), count(*) FILTER (WHERE visited AND host LIKE '8.%')
		FROM report.host`)[0]
	if visited[0].(int64) > liars*oneWord || visited[0].(int64) == 0 || visited[1].(int64) != 0 {
		t.Errorf("%v invented hosts were tried and %v out of scope, want at most %d and none", visited[0], visited[1], liars*oneWord)
	}
	if n := tried.packets.Load(); n > 3 {
		t.Errorf("%d packets came to a victim, want at most 3", n)
	}
	if n := excluded.packets.Load(); n > 0 {
		t.Errorf("%d packets came to a host that had opted out", n)
	}
	var real []string
	for _, h := range hosts.Truth() {
		real = append(real, h.Addr.String())
	}
	const figures = `
		SELECT h.host, h.role, h.agent, h.files, h.outcome, d.degree, d.peers, d.leaves
		FROM report.host h JOIN report.degree d USING (snapshot_id, endpoint_id)
		WHERE h.host = ANY ($1) ORDER BY h.host`
	if diff := cmp.Diff(rows(t, open(t, clean), figures, real), rows(t, poisoned, figures, real)); diff != "" {
		t.Errorf("figures of real hosts (-clean +poisoned):\n%s", strings.TrimSpace(diff))
	}
}

// TestBoundsHoldOverAResume interrupts a crawl again and again. A host that does not answer gets its few packets from all
// runs together, and a liar is believed once.
func TestBoundsHoldOverAResume(t *testing.T) {
	t.Parallel()
	const ports, lies, believed = 12, 30, 30
	hosts := network(t, lab.Plan{Ultrapeers: 10, Leaves: 40, Seed: 10})
	var names []netip.AddrPort
	var victims []*victim
	for n := range ports {
		v := &victim{addr: netip.AddrPortFrom(beside(hosts, 100).Addr(), 6346+uint16(n))}
		v.serve(t, nil)
		victims, names = append(victims, v), append(names, v.addr)
	}
	for n := range lies {
		names = append(names, invented(10*n+1))
	}
	seed := &victim{addr: beside(hosts, 0)}
	seed.serve(t, naming(t, names))
	dsn := storagetest.DSN(t)
	s := decode[summary](t, must(t, seeded(hosts, dsn, "--seed", seed.addr.String(), "--query-via", "0",
		"--one-word", fmt.Sprint(believed),
		"--max-hosts", "12", "--random-seed", "1")...))
	runs := 1
	for ; s.State != "complete" && runs < 20; runs++ {
		s = decode[summary](t, must(t, "snapshot", "resume", "1", "--database", dsn, "--format", "json"))
	}
	visited := rows(t, open(t, dsn), `SELECT count(*) FILTER (WHERE visited), count(*) FROM report.host WHERE host LIKE '127.27.%'`)[0]
	if s.State != "complete" || runs < 3 || visited[1] != int64(lies) || visited[0].(int64) > believed {
		t.Errorf("after %d runs: %+v, %v of %v invented hosts were tried", runs, s, visited[0], visited[1])
	}
	packets := int64(0)
	for _, v := range victims {
		packets += v.packets.Load()
	}
	if packets > 3 {
		t.Errorf("%d datagrams came to a host that does not answer", packets)
	}
}

// TestANetworkIsNoVictim lets a host name sixty addresses of one /24 at which nobody answers: packets come to few of them.
func TestANetworkIsNoVictim(t *testing.T) {
	t.Parallel()
	const named, strangers = 60, 8
	hosts := network(t, lab.Plan{Ultrapeers: 1, Seed: 13})
	var names []netip.AddrPort
	var victims []*victim
	for n := range named {
		v := &victim{addr: beside(hosts, 256+n)}
		v.serve(t, nil)
		victims, names = append(victims, v), append(names, v.addr)
	}
	seed := &victim{addr: beside(hosts, 0)}
	seed.serve(t, naming(t, names))
	dsn := storagetest.DSN(t)
	s := decode[summary](t, must(t, seeded(hosts, dsn, "--seed", seed.addr.String(), "--query-via", "0",
		"--strangers", fmt.Sprint(strangers))...))
	tried := 0
	for _, v := range victims {
		if v.packets.Load() > 0 {
			tried++
		}
	}
	if s.State != "complete" || s.Heard != named+2 || tried != strangers {
		t.Errorf("%+v, and %d of %d addresses were tried, want %d", s, tried, named, strangers)
	}
}

// TestAKillFreesNoPoison kills a crawl that a liar has told of many hosts. The resumed one believes no more of it than one
// whole crawl does.
func TestAKillFreesNoPoison(t *testing.T) {
	t.Parallel()
	const lies, believed = 500, 20
	hosts := network(t, lab.Plan{Ultrapeers: 10, Leaves: 90, Seed: 14})
	var names []netip.AddrPort
	for n := range lies {
		names = append(names, invented(10*n+1))
	}
	liar := &victim{addr: beside(hosts, 0)}
	liar.serve(t, naming(t, names))
	dsn := storagetest.DSN(t)
	crawl := start(t, seeded(hosts, dsn, "--seed", liar.addr.String(), "--query-via", "0",
		"--one-word", fmt.Sprint(believed), "--rate", "20")...)
	before := awaitVisits(t, dsn, 30)
	db := open(t, dsn)
	eventually(t, "the liar was not visited", func() bool {
		return rows(t, db, `SELECT count(*) FROM report.host WHERE host LIKE '127.27.%'`)[0][0].(int64) > 0
	})
	if err := crawl.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	crawl.end(t)
	s := decode[summary](t, must(t, "snapshot", "resume", "1", "--database", dsn, "--format", "json"))
	visited := rows(t, db, `SELECT count(*) FILTER (WHERE visited), count(*) FROM report.host WHERE host LIKE '127.27.%'`)[0]
	if s.State != "complete" || visited[1] != int64(lies) || visited[0] != int64(believed) {
		t.Errorf("%d hosts were visited before the kill, then %+v; %v of %v invented hosts were tried", before, s, visited[0], visited[1])
	}
}
