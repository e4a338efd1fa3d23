package gnutella

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"gnucensus/probe"
	"gnucensus/servent/message"
)

// captures reads a file of records: a comment, a name, hexadecimal bytes, an empty line.
func captures(t testing.TB, file string) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	records := map[string][]byte{}
	for record := range strings.SplitSeq(string(text), "\n\n") {
		var lines []string
		for line := range strings.Lines(record) {
			if !strings.HasPrefix(line, "#") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
		if len(lines) == 0 {
			continue
		}
		b, err := hex.DecodeString(strings.Join(lines[1:], ""))
		if err != nil {
			t.Fatalf("%s: %s: %v", file, lines[0], err)
		}
		records[lines[0]] = b
	}
	return records
}

// answering returns a copy of a captured message with another GUID.
func answering(guid message.GUID, captured []byte) []byte {
	return append(guid[:], captured[16:]...)
}

// A script plays a host that the prober meets on real sockets.
type script struct {
	tcp []func(*testing.T, net.Conn)   // one for each connection, the last one for all after it; nil: nobody listens
	udp func(datagram []byte) [][]byte // answers to a datagram; nil: nobody answers
	ip  string                         // empty: 127.40.8.1
}

// play starts the host, which ends with the test.
func (s script) play(t *testing.T) probe.Endpoint {
	t.Helper()
	ip := s.ip
	if ip == "" {
		ip = "127.40.8.1"
	}
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(ip)}) // first: many sockets have ports of UDP at all addresses
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(udp.LocalAddr().String())
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	var playing sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		udp.Close()
		playing.Wait()
	})
	playing.Go(func() { s.playUDP(udp) })
	if s.tcp == nil {
		l.Close()
	} else {
		playing.Go(func() { s.playTCP(t, l, &playing) })
	}
	return probe.Endpoint{Network: probe.Gnutella, Addr: addr}
}

func (s script) playUDP(conn *net.UDPConn) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if s.udp == nil {
			continue
		}
		for _, answer := range s.udp(buf[:n]) {
			conn.WriteToUDPAddrPort(answer, from)
		}
	}
}

func (s script) playTCP(t *testing.T, l net.Listener, playing *sync.WaitGroup) {
	for n := 0; ; n++ {
		c, err := l.Accept()
		if err != nil {
			return
		}
		act := s.tcp[min(n, len(s.tcp)-1)]
		playing.Go(func() {
			defer c.Close()
			c.SetDeadline(time.Now().Add(2 * patience)) // a stuck one ends
			act(t, c)
		})
	}
}

// readHead reads a head of the handshake, its empty line included.
func readHead(c net.Conn) string {
	var head []byte
	b := make([]byte, 1)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) && !bytes.HasSuffix(head, []byte("\n\n")) {
		if _, err := io.ReadFull(c, b); err != nil {
			return string(head)
		}
		head = append(head, b[0])
	}
	return string(head)
}

// untilClosed reads until the prober closes the connection.
func untilClosed(c net.Conn) { io.Copy(io.Discard, c) }

// crawled answers a crawl handshake with a head, and closes after the third step if there is one.
func crawled(head string) func(*testing.T, net.Conn) {
	return func(_ *testing.T, c net.Conn) {
		readHead(c)
		io.WriteString(c, head)
		if strings.HasPrefix(head, "GNUTELLA/0.6 200") {
			readHead(c)
			return
		}
		untilClosed(c)
	}
}

// linked accepts a leaf with a head, sends the first messages, and answers each message that comes by those that answer
// gives. Its stream is deflated when the head says so.
func linked(head string, first [][]byte, answer func(h message.Header, payload []byte) [][]byte) func(*testing.T, net.Conn) {
	return func(t *testing.T, c net.Conn) {
		readHead(c)
		io.WriteString(c, head)
		readHead(c)
		var out interface {
			io.Writer
			Flush() error
		} = bufio.NewWriter(c)
		if strings.Contains(head, "Content-Encoding: deflate") {
			out = zlib.NewWriter(c)
		}
		send := func(messages [][]byte) {
			for _, m := range messages {
				out.Write(m)
			}
			out.Flush()
		}
		send(first)
		for {
			h, payload, err := readMessage(c)
			if err != nil {
				return
			}
			send(answer(h, payload))
		}
	}
}

func readMessage(c net.Conn) (message.Header, []byte, error) {
	b := make([]byte, message.HeaderLen)
	if _, err := io.ReadFull(c, b); err != nil {
		return message.Header{}, nil, err
	}
	h, err := message.ParseHeader(b)
	if err != nil {
		return h, nil, err
	}
	payload := make([]byte, h.Length)
	_, err = io.ReadFull(c, payload)
	return h, payload, err
}

// open is the Internet of the tests.
type open struct {
	net.Dialer
	net.ListenConfig
}

// patience is more than any answer that comes at all takes on a busy machine.
const patience = 20 * time.Second

// newProber makes a prober and runs it for the time of the test. It is patient with answers, so that a busy machine changes no
// outcome; tests of silence are not.
func newProber(t *testing.T, change func(*Config)) *Prober {
	t.Helper()
	cfg := Config{
		Net:       &open{Dialer: net.Dialer{Timeout: patience}},
		Wire:      labWire,
		Agent:     "census-test/0.1",
		Connect:   patience,
		Handshake: patience,
		UDP:       patience,
		PingWait:  time.Second,
		QueryWait: time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(t.Context()); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(running.Wait) // the context of the test has ended then
	return p
}

// only is a change of Config that leaves one method.
func only(m probe.Method) func(*Config) {
	return func(c *Config) { c.Methods = []probe.Method{m} }
}

// hasty makes a prober soon give up waiting for who will not answer.
func hasty(c *Config) {
	c.Handshake, c.UDP, c.PingWait = 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
}
