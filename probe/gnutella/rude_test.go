package gnutella

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"gnucensus/probe"
	"gnucensus/servent/message"

	"github.com/google/go-cmp/cmp"
)

const (
	welcome     = "GNUTELLA/0.6 200 OK\r\nUser-Agent: rude/1.0\r\nX-Ultrapeer: True\r\n\r\n"
	welcomeZlib = "GNUTELLA/0.6 200 OK\r\nUser-Agent: rude/1.0\r\nContent-Encoding: deflate\r\n\r\n"
	noLists     = "GNUTELLA/0.6 200 OK\r\nUser-Agent: rude/1.0\r\n\r\n"
)

type act = func(*testing.T, net.Conn)

// says sends a text at once and waits.
func says(text string) act {
	return func(_ *testing.T, c net.Conn) {
		io.WriteString(c, text)
		untilClosed(c)
	}
}

// floods reads a head, sends a beginning, and then the same bytes for ever.
func floods(beginning, forever string) act {
	return func(_ *testing.T, c net.Conn) {
		readHead(c)
		io.WriteString(c, beginning)
		block := strings.Repeat(forever, 1+32<<10/len(forever))
		for {
			if _, err := io.WriteString(c, block); err != nil {
				return
			}
		}
	}
}

// drips sends a text byte by byte, slowly, and begins again.
func drips(text string) act {
	return func(_ *testing.T, c net.Conn) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			<-tick.C
			if _, err := io.WriteString(c, text[i%len(text):i%len(text)+1]); err != nil {
				return
			}
		}
	}
}

func hangsUp(_ *testing.T, c net.Conn) { readHead(c) }

func resets(_ *testing.T, c net.Conn) {
	readHead(c)
	c.(*net.TCPConn).SetLinger(0)
}

// links accepts a leaf and then sends bytes, for ever if told so.
func links(head string, stream []byte, forever bool) act {
	return func(_ *testing.T, c net.Conn) {
		readHead(c)
		io.WriteString(c, head)
		readHead(c)
		for {
			if _, err := c.Write(stream); err != nil {
				return
			}
			if !forever {
				untilClosed(c)
				return
			}
		}
	}
}

func encode(t *testing.T, m message.Message) []byte {
	t.Helper()
	b, err := message.Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pongs encodes n PONGs of different hosts.
func pongs(t *testing.T, n int) []byte {
	var b []byte
	for i := range n {
		addr := host(t, fmt.Sprintf("127.41.%d.%d:6346", i>>8, i&0xff))
		b = append(b, encode(t, message.Message{GUID: message.NewGUID(), TTL: 1, Hops: 1, Body: &message.Pong{Addr: addr}})...)
	}
	return b
}

// bomb deflates 16 MiB of zeros into 16 KiB.
func bomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	for range 16 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// outcomes returns what each method came to.
func outcomes(seen []probe.Observation) map[probe.Method]probe.Outcome {
	m := map[probe.Method]probe.Outcome{}
	for _, o := range seen {
		m[o.Method] = o.Outcome
	}
	return m
}

// A rude host costs one visit, bounded in time and memory, and becomes the right outcome.
func TestRudeHosts(t *testing.T) {
	header := func(kind message.Type, length uint32) []byte {
		b := append(make([]byte, 16), byte(kind), 1, 0)
		return binary.LittleEndian.AppendUint32(b, length)
	}
	query := encode(t, message.Message{TTL: 1, Body: &message.Query{Flags: message.QueryMark, Words: "x"}})
	ping := encode(t, message.Message{TTL: 1, Body: &message.Ping{}})
	bye := encode(t, message.Message{TTL: 1, Body: message.NewBye(503, "go away")})
	crawl := func(a act, o probe.Outcome) rude { return rude{tcp: []act{a}, tcpCrawl: o} }
	leaf := func(a act, o probe.Outcome) rude {
		return rude{tcp: []act{crawled(noLists), a}, tcpCrawl: probe.Unsupported, leaf: o}
	}
	mute := func(a act) rude { return rude{tcp: []act{a}, tcpCrawl: probe.Timeout, change: hasty} }
	flood := func(a act, o probe.Outcome) rude {
		h := leaf(a, o)
		h.change = func(c *Config) { c.PingWait = patience } // it is over by number, and not by time
		return h
	}
	hosts := map[string]rude{
		"nobody listens":        {tcpCrawl: probe.ConnectionRefused},
		"silence":               mute(says("")),
		"hangs up":              {tcp: []act{hangsUp}, tcpCrawl: probe.Closed, leaf: probe.Closed},
		"resets":                crawl(resets, probe.Reset),
		"web server":            crawl(says("HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"), probe.Garbage),
		"noise":                 crawl(says("\x00\x01\x02\xff\xfe"), probe.Garbage),
		"half a word":           mute(says("GNUTEL")),
		"0.4 answer":            crawl(says("GNUTELLA OK\n\n"), probe.Garbage),
		"endless first line":    crawl(floods("GNUTELLA/0.6 200 ", "A"), probe.Garbage),
		"endless header":        crawl(floods("GNUTELLA/0.6 200 OK\r\n", "X-A: 1\r\n"), probe.Garbage),
		"endless value":         crawl(floods("GNUTELLA/0.6 200 OK\r\nPeers: ", "127.41.0.1:6346,"), probe.Garbage),
		"endless folding":       crawl(floods("GNUTELLA/0.6 200 OK\r\nPeers: ", "127.41.0.1:6346,\r\n\t"), probe.Garbage),
		"one byte at a time":    mute(drips("GNUTELLA/0.6 200 OK\r\nX: y\r\n")),
		"too frequent":          crawl(crawled("GNUTELLA/0.6 403 Too frequent crawling\r\n\r\n"), probe.Refused),
		"banned":                crawl(crawled("GNUTELLA/0.6 429 Banned for 5m 0s\r\n\r\n"), probe.Refused),
		"does not want a leaf":  leaf(crawled("GNUTELLA/0.6 503 Full\r\n\r\n"), probe.Refused),
		"gone before leaf":      leaf(hangsUp, probe.Closed),
		"silent link":           leaf(links(welcome, nil, false), probe.Unsupported),
		"4 GiB message":         leaf(links(welcome, header(message.TypePong, 0xFFFFFFFF), false), probe.Garbage),
		"64 KiB ping":           leaf(links(welcome, header(message.TypePing, 0xFFFF), false), probe.Garbage),
		"message that stops":    leaf(links(welcome, header(message.TypePong, 14), false), probe.Unsupported),
		"link that is closed":   leaf(crawledThenClosed, probe.Closed),
		"goodbye at once":       leaf(links(welcome, bye, false), probe.Closed),
		"noise that is deflate": leaf(links(welcomeZlib, []byte("no zlib stream at all"), false), probe.Garbage),
		"deflate bomb":          flood(links(welcomeZlib, bomb(t), false), probe.Garbage),
		"flood of queries":      flood(links(welcome, bytes.Repeat(query, 500), true), probe.Garbage),
		"flood of pings":        flood(links(welcome, bytes.Repeat(ping, 500), true), probe.Garbage),
		"flood of pongs":        flood(links(welcome, pongs(t, 1000), true), probe.Unsupported),
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	t.Run("visits", func(t *testing.T) {
		for name, h := range hosts {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				inBothWays(t, h.visit)
			})
		}
	})
	runtime.ReadMemStats(&after)
	if visit := (after.TotalAlloc - before.TotalAlloc) / uint64(2*len(hosts)); visit > 4<<20 {
		t.Errorf("a visit to a rude host takes %d KiB of memory", visit>>10)
	}
}

// A rude host and what comes of a visit.
type rude struct {
	tcp      []act
	tcpCrawl probe.Outcome
	leaf     probe.Outcome // empty: no such conversation
	change   func(*Config) // nil: as in all tests
}

func (h rude) visit(t *testing.T, visit visiting) {
	p := newProber(t, func(c *Config) {
		c.Methods = []probe.Method{probe.TCPCrawl, probe.Leaf}
		if h.change != nil {
			h.change(c)
		}
	})
	seen := visit(p, t.Context(), script{tcp: h.tcp}.play(t))
	want := map[probe.Method]probe.Outcome{probe.TCPCrawl: h.tcpCrawl}
	if h.leaf != "" {
		want[probe.Leaf] = h.leaf
	}
	if diff := cmp.Diff(want, outcomes(seen)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s\n%v", diff, seen)
	}
	for _, o := range seen {
		if len(o.Peers) > 2*maxPongs || len(o.Detail) > maxText {
			t.Errorf("%s keeps %d peers and %d bytes of detail", o.Method, len(o.Peers), len(o.Detail))
		}
	}
}

func crawledThenClosed(_ *testing.T, c net.Conn) {
	readHead(c)
	io.WriteString(c, welcome)
	readHead(c)
	readMessage(c)
}

func TestRudeDatagrams(t *testing.T) {
	gtk := captures(t, "gtk-gnutella.txt")
	pong := gtk["udp-pong-leaf"]
	crawlerPong := gtk["udp-crawl-leaf"]
	for name, test := range map[string]struct {
		answers func(guid message.GUID) [][]byte
		ping    probe.Outcome
		crawl   probe.Outcome // empty: not asked
	}{
		"silence":        {func(message.GUID) [][]byte { return nil }, probe.Silent, ""},
		"foreign GUID":   {func(message.GUID) [][]byte { return [][]byte{pong, crawlerPong} }, probe.Silent, ""},
		"bare GUID":      {func(g message.GUID) [][]byte { return [][]byte{g[:]} }, probe.Silent, ""},
		"empty datagram": {func(message.GUID) [][]byte { return [][]byte{{}} }, probe.Silent, ""},
		"cut off": {func(g message.GUID) [][]byte {
			return [][]byte{answering(g, pong[:len(pong)-50])}
		}, probe.Garbage, probe.Garbage},
		"too long": {func(g message.GUID) [][]byte {
			return [][]byte{append(answering(g, pong), 0)}
		}, probe.Garbage, probe.Garbage},
		"a PONG to everything": {func(g message.GUID) [][]byte { return [][]byte{answering(g, pong)} },
			probe.Answered, probe.Garbage},
		"a crawler pong to everything": {func(g message.GUID) [][]byte { return [][]byte{answering(g, crawlerPong)} },
			probe.Garbage, probe.Answered},
		"crawler pong with fewer entries than it says": {func(g message.GUID) [][]byte {
			b := answering(g, crawlerPong)
			b[message.HeaderLen+8] = 255
			return [][]byte{b}
		}, probe.Garbage, probe.Garbage},
		"agents that are a bomb": {func(g message.GUID) [][]byte {
			pong := &message.CrawlerPong{Features: message.FeatureAgents, Tail: bomb(t)}
			return [][]byte{encode(t, message.Message{GUID: g, TTL: 1, Body: pong.Vendor()})}
		}, probe.Garbage, probe.Answered},
		"a hundred PONGs": {func(g message.GUID) [][]byte {
			var all [][]byte
			for range 100 {
				all = append(all, answering(g, pong))
			}
			return all
		}, probe.Answered, probe.Garbage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := script{udp: func(d []byte) [][]byte { return test.answers(message.GUID(d[:16])) }}.play(t)
			p := newProber(t, func(c *Config) {
				c.Methods = []probe.Method{probe.UDPPing, probe.UDPCrawl}
				if test.ping == probe.Silent {
					hasty(c)
				}
			})
			want := map[probe.Method]probe.Outcome{probe.UDPPing: test.ping}
			if test.crawl != "" {
				want[probe.UDPCrawl] = test.crawl
			}
			inBothWays(t, func(t *testing.T, visit visiting) {
				if diff := cmp.Diff(want, outcomes(visit(p, t.Context(), e))); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
			})
		})
	}
}
