package gnutella

import (
	"fmt"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"testing"

	"gnucensus/probe"
	"gnucensus/servent/ggep"
	"gnucensus/servent/handshake"
	"gnucensus/servent/message"

	"github.com/google/go-cmp/cmp"
)

// The harvest of names hangs up after the handshake, whatever the host says.
func TestXTryHarvest(t *testing.T) {
	t.Parallel()
	const names = "X-Try-Ultrapeers: 127.41.0.1:6346,127.41.0.2:6346\r\n"
	for name, test := range map[string]struct {
		head    string
		outcome probe.Outcome
		named   int
	}{
		"full":          {"GNUTELLA/0.6 503 Full\r\nUser-Agent: x/1\r\n" + names + "\r\n", probe.Answered, 2},
		"full, no name": {"GNUTELLA/0.6 503 Full\r\nUser-Agent: x/1\r\n\r\n", probe.Refused, 0},
		"room":          {"GNUTELLA/0.6 200 OK\r\nUser-Agent: x/1\r\n" + names + "\r\n", probe.Answered, 2},
		"room, no name": {"GNUTELLA/0.6 200 OK\r\nUser-Agent: x/1\r\n\r\n", probe.Unsupported, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			acks := make(chan string, 1)
			e := script{tcp: []act{func(_ *testing.T, c net.Conn) {
				readHead(c)
				io.WriteString(c, test.head)
				acks <- readHead(c) // and what comes until the prober closes
			}}}.play(t)
			o := newProber(t, only(probe.XTryHarvest)).Probe(t.Context(), e)[0]
			if o.Outcome != test.outcome || len(o.Peers) != test.named || o.Agent != "x/1" {
				t.Errorf("%v %q, named %v, agent %q", o.Outcome, o.Detail, o.Peers, o.Agent)
			}
			ack := <-acks
			if let := test.head[13:16] == "200"; let != (ack == "GNUTELLA/0.6 503 Only asking for hosts\r\n\r\n") {
				t.Errorf("third step %q", ack)
			}
		})
	}
}

func TestGuess(t *testing.T) {
	t.Parallel()
	other := host(t, "127.41.0.1:6346")
	tail := func(blocks ...ggep.Block) []byte {
		b, err := ggep.Append(nil, blocks...)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, test := range map[string]struct {
		pong    message.Body
		outcome probe.Outcome
		key     string
	}{
		"key": {&message.Pong{Addr: other, Tail: tail(append(ggep.IPP(ggep.Host{Addr: other}), ggep.QK([]byte{1, 2, 3, 4}))...)},
			probe.Answered, "4"},
		"no key":    {&message.Pong{Addr: other, Tail: tail(ggep.IPP(ggep.Host{Addr: other})...)}, probe.Unsupported, ""},
		"empty key": {&message.Pong{Addr: other, Tail: tail(append(ggep.IPP(ggep.Host{Addr: other}), ggep.QK(nil))...)}, probe.Unsupported, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := script{udp: func(d []byte) [][]byte {
				m, err := message.ParseDatagram(d)
				if err != nil {
					t.Error(err)
				}
				if _, asks := ggep.ParseAll(m.Body.(*message.Ping).Tail).QK(); !asks {
					t.Error("the PING does not ask for a key")
				}
				return [][]byte{encode(t, message.Message{GUID: m.GUID, TTL: 1, Body: test.pong})}
			}}.play(t)
			o := newProber(t, only(probe.Guess)).Probe(t.Context(), e)[0]
			if o.Outcome != test.outcome || o.Fields[fieldKey] != test.key || o.Files != nil {
				t.Errorf("%v %q, fields %v, files %v", o.Outcome, o.Detail, o.Fields, o.Files)
			}
			if want := peers(probe.Cached, other.String()); !slices.Equal(want, o.Peers) {
				t.Errorf("named %v, want %v", o.Peers, want)
			}
		})
	}
}

// A servent of 0.4 hangs up at the crawl handshake, and links after its own.
func TestOldServent(t *testing.T) {
	t.Parallel()
	e := script{tcp: []act{hangsUp, func(t *testing.T, c net.Conn) {
		if _, err := handshake.AcceptOld(t.Context(), c, func() bool { return true }); err != nil {
			t.Errorf("AcceptOld: %v", err)
		}
		for {
			h, _, err := readMessage(c)
			if err != nil {
				return
			}
			if h.Type == message.TypePing && h.TTL == 1 {
				pong := &message.Pong{Addr: host(t, "127.40.8.9:6346"), Files: 7, KiB: 70}
				c.Write(encode(t, message.Message{GUID: h.GUID, TTL: 1, Body: pong}))
			}
		}
	}}}.play(t)
	seen := newProber(t, func(c *Config) { c.Methods = []probe.Method{probe.TCPCrawl, probe.Leaf} }).Probe(t.Context(), e)
	want := map[probe.Method]probe.Outcome{probe.TCPCrawl: probe.Closed, probe.Leaf: probe.Answered}
	if diff := cmp.Diff(want, outcomes(seen)); diff != "" {
		t.Fatalf("outcomes (-want +got):\n%s", diff)
	}
	if o := seen[1]; o.Files == nil || *o.Files != 7 || o.Fields[fieldHandshake] != "0.4" {
		t.Errorf("%+v", o)
	}
}

// Of a gtk-gnutella whose long answer gets lost, a shorter one is asked for; what is cut off there is marked as trimmed.
func TestShorterListsAreAskedFor(t *testing.T) {
	t.Parallel()
	gtk := captures(t, "gtk-gnutella.txt")
	var pings atomic.Int32
	e := script{udp: func(d []byte) [][]byte {
		m, err := message.ParseDatagram(d)
		if err != nil {
			t.Error(err)
			return nil
		}
		v, isVendor := m.Body.(*message.Vendor)
		if !isVendor {
			return [][]byte{answering(m.GUID, gtk["udp-pong-ultrapeer"])}
		}
		ping, err := message.ParseCrawlerPing(v)
		if err != nil {
			t.Error(err)
			return nil
		}
		if pings.Add(1); ping.Leaves == wantAll {
			return nil // too long for the way
		}
		pong := &message.CrawlerPong{}
		for i := range ping.Leaves {
			pong.Leaves = append(pong.Leaves, message.CrawlerEntry{Addr: host(t, fmt.Sprintf("127.41.0.%d:6346", i+1))})
		}
		return [][]byte{encode(t, message.Message{GUID: m.GUID, TTL: 1, Body: pong.Vendor()})}
	}}.play(t)
	seen := newProber(t, func(c *Config) {
		hasty(c)
		c.Methods = []probe.Method{probe.UDPPing, probe.UDPCrawl}
	}).Probe(t.Context(), e)
	if len(seen) != 3 || pings.Load() != 2 || seen[1].Outcome != probe.Silent {
		t.Fatalf("%d crawler pings, outcomes of %d conversations: %v", pings.Load(), len(seen), seen)
	}
	o := seen[2]
	if o.Outcome != probe.Answered || len(o.Peers) != wantLess || o.Fields[fieldTrimmed] != "true" || o.Fields[fieldWanted] != "100" {
		t.Errorf("%v with %d links, fields %v", o.Outcome, len(o.Peers), o.Fields)
	}
}

// A host that leaves the connection open after its answer sees it closed at once, not when it or we run out of time.
func TestConnectionIsClosedWhenTheAnswerIsComplete(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{
		"lists": "GNUTELLA/0.6 200 OK\r\nPeers: 127.41.0.1:6346\r\n\r\n",
		"none":  noLists,
		"593":   "GNUTELLA/0.6 593 Hi\r\nPeers: \r\nLeaves: \r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			closed := make(chan error, 1)
			e := script{tcp: []act{func(_ *testing.T, c net.Conn) {
				readHead(c)
				io.WriteString(c, head)
				_, err := io.Copy(io.Discard, c)
				closed <- err
			}}}.play(t)
			newProber(t, only(probe.TCPCrawl)).Probe(t.Context(), e)
			if err := <-closed; err != nil {
				t.Errorf("the connection ended with %v", err)
			}
		})
	}
}
