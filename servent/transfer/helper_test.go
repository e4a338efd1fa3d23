package transfer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gnucensus/servent/library"
	"gnucensus/servent/message"
	"gnucensus/servent/urn"
)

// lastHost numbers the loopback addresses of the tests.
var lastHost atomic.Uint32

// freshHost returns an address that no other test uses.
func freshHost() netip.Addr {
	n := lastHost.Add(1)
	return netip.AddrFrom4([4]byte{127, 60, byte(n >> 8), byte(n)})
}

// listen accepts connections at a fresh address and hands each to serve, until the test ends.
func listen(tb testing.TB, serve func(ctx context.Context, c net.Conn)) netip.AddrPort {
	tb.Helper()
	l, err := net.Listen("tcp4", netip.AddrPortFrom(freshHost(), 0).String())
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { serve(ctx, c) })
		}
	})
	tb.Cleanup(func() {
		l.Close()
		cancel()
		running.Wait()
	})
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// listenServer serves with a configuration.
func listenServer(tb testing.TB, cfg Config) netip.AddrPort {
	tb.Helper()
	s := NewServer(cfg)
	return listen(tb, func(ctx context.Context, c net.Conn) { s.Serve(ctx, c) })
}

// shared returns the library of a folder, scanned.
func shared(tb testing.TB, cfg library.Config) *library.Library {
	tb.Helper()
	lib, err := library.Open(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { lib.Close() })
	if err := lib.Scan(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return lib
}

// put writes a file of the given bytes.
func put(tb testing.TB, path string, content []byte) {
	tb.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		tb.Fatal(err)
	}
}

// noise is bytes that no two seeds share.
func noise(n int, seed uint64) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{0: byte(seed), 1: byte(seed >> 8)}).Read(b)
	return b
}

// forgeHashes writes a file of hashes that says what we like of files whose content nobody captured; its layout is that of
// package library.
func forgeHashes(tb testing.TB, cache string, path string, u urn.URN) {
	tb.Helper()
	info, err := os.Stat(path)
	if err != nil {
		tb.Fatal(err)
	}
	le := binary.LittleEndian
	var b []byte
	b = le.AppendUint64(b, uint64(info.Size()))
	b = le.AppendUint64(b, uint64(info.ModTime().UnixNano()))
	b = append(b, u.SHA1[:]...)
	b = append(b, u.Tiger[:]...)
	b = le.AppendUint64(b, 256<<10)
	b = le.AppendUint32(b, 1)
	b = append(b, u.Tiger[:]...)
	b = append(b, path...)
	head := le.AppendUint32(nil, uint32(len(b)))
	head = le.AppendUint32(head, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	old, err := os.ReadFile(cache)
	if err != nil {
		old = []byte("gnucensus hashes 1\n")
	}
	put(tb, cache, append(append(old, head...), b...))
}

// hit makes hits as a node that is not firewalled does.
func hit(results []message.Result) *message.QueryHit {
	no := false
	return &message.QueryHit{
		Addr: netip.MustParseAddrPort("127.0.0.11:6346"), Speed: 16, Results: results,
		Tail: message.QHD{Vendor: message.VendorCode{'T', 'E', 'S', 'T'}, Open: message.HitFlags{Push: &no}.Open()}.Append(nil),
	}
}

// A client is one connection to a server.
type client struct {
	tb   testing.TB
	conn net.Conn
	r    *bufio.Reader
}

func dial(tb testing.TB, addr netip.AddrPort) *client {
	tb.Helper()
	return dialFrom(tb, addr, netip.Addr{})
}

// dialFrom connects from a loopback address, the system's choice if none is given.
func dialFrom(tb testing.TB, addr netip.AddrPort, from netip.Addr) *client {
	tb.Helper()
	var d net.Dialer
	if from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	c, err := d.DialContext(tb.Context(), "tcp4", addr.String())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	return &client{tb: tb, conn: c, r: bufio.NewReader(c)}
}

func (c *client) send(request string) {
	c.tb.Helper()
	if _, err := io.WriteString(c.conn, request); err != nil {
		c.tb.Fatal(err)
	}
}

// receive reads an answer, to a request of the given method.
func (c *client) receive(method string) (*http.Response, []byte) {
	c.tb.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.tb.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.tb.Fatal(err)
	}
	return resp, b
}

// get sends a request with header lines and reads its answer.
func (c *client) get(method, target string, header ...string) (*http.Response, []byte) {
	c.tb.Helper()
	lines := append([]string{fmt.Sprintf("%s %s HTTP/1.1", method, target), "Host: x"}, header...)
	c.send(strings.Join(lines, "\r\n") + "\r\n\r\n")
	return c.receive(method)
}

// closed tells whether the server has closed the connection.
func (c *client) closed() bool {
	c.tb.Helper()
	_, err := c.r.ReadByte()
	return err != nil && !isTimeout(err)
}

// oneFile shares a single file of the given bytes.
func oneFile(tb testing.TB, name string, content []byte) *library.Library {
	tb.Helper()
	dir := tb.TempDir()
	put(tb, filepath.Join(dir, name), content)
	return shared(tb, library.Config{Folders: []string{dir}})
}

// readerOf reads bytes as if they came from a connection.
func readerOf(b []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(b)) }

// nameOf is the URN by which a content is asked for.
func nameOf(content []byte) string {
	sum, _, _ := urn.Hash(context.Background(), bytes.NewReader(content), uint64(len(content)))
	return urn.URN{SHA1: &sum}.String()
}
