package transfer

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gnucensus/servent/internal/ahead"
	"gnucensus/servent/library"
	"gnucensus/servent/urn"
)

func TestServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	content := noise(300_000, 1)
	put(t, filepath.Join(dir, "a b%c (d) é.bin"), content)
	put(t, filepath.Join(dir, "b empty.txt"), nil)
	addr := listenServer(t, Config{Agent: "test/1", Library: shared(t, library.Config{Folders: []string{dir}})})
	name := nameOf(content)
	n2r, tree := "/uri-res/N2R?"+name, "/uri-res/N2X?"+name
	sum, full, _ := urn.Hash(context.Background(), bytes.NewReader(content), uint64(len(content)))
	root := full.Root()
	bitprint := urn.URN{SHA1: &sum, Tiger: &root}.String()
	wrong := urn.URN{SHA1: &sum, Tiger: &urn.Tiger{1}}.String()

	for _, c := range []struct {
		method, target, header string
		code                   int
		body                   []byte
		want                   string // a header line of the answer
	}{
		{"GET", n2r, "", 200, content, "X-Gnutella-Content-Urn: " + name},
		{"GET", strings.ToUpper(n2r), "", 200, content, ""},
		{"GET", "/URI-RES/n2r?urn%3asha1%3A" + sum.String(), "", 200, content, ""},
		{"GET", "http://host:1" + n2r, "", 200, content, ""},
		{"GET", "/uri-res/N2R?" + bitprint, "", 200, content, "X-Gnutella-Content-Urn: " + name + ", " + bitprint},
		{"GET", "/uri-res/N2R?" + wrong, "", 404, nil, ""},
		{"GET", "/uri-res/N2R?urn:tree:tiger:" + root.String(), "", 400, nil, ""},
		{"GET", "/uri-res/N2R?" + nameOf([]byte("?")), "", 404, nil, ""},
		{"GET", "/uri-res/N2R?urn:sha1:", "", 400, nil, ""},
		{"GET", "/get/1/a%20b%25c%20(d)%20%C3%A9.bin", "", 200, content, ""},
		{"GET", "/get/1/a b%25c (d) \u0065\u0301.bin", "", 200, content, ""},
		{"GET", "/Get/1/a%20b", "", 404, nil, ""},
		{"GET", "/get/1/", "", 404, nil, ""},
		{"GET", "/get/2/a%20b%25c%20(d)%20%C3%A9.bin", "", 404, nil, ""},
		{"GET", "/get/0/b%20empty.txt", "", 404, nil, ""},
		{"GET", "/get/4294967296/b%20empty.txt", "", 400, nil, ""},
		{"GET", "/get/x/b%20empty.txt", "", 400, nil, ""},
		{"GET", "/get/1/%zz", "", 404, nil, ""},
		{"GET", "/get/1/a%20b%25c%20(d)%20%C3%A9.bin/", "", 200, content, ""},
		{"GET", "/get/1/a b%c (d) \u00e9.bin/", "", 200, content, ""},
		{"GET", "/get/7/moved", "X-Gnutella-Content-URN: " + name, 301, nil, "Location: /get/1/a%20b%25c%20%28d%29%20%C3%A9.bin"},
		{"GET", "/get/2/b%20empty.txt", "", 200, nil, "Content-Length: 0"},
		{"GET", "/get/2/b%20empty.txt", "X-Gnutella-Content-URN: " + nameOf(nil) + ", urn:x", 200, nil, "Content-Length: 0"},
		{"GET", "/get/2/b%20empty.txt", "X-Gnutella-Content-URN: " + name, 301, nil, "Location: /get/1/a%20b%25c%20%28d%29%20%C3%A9.bin"},
		{"GET", "/get/2/b%20empty.txt", "X-Gnutella-Content-URN: " + nameOf([]byte("?")), 404, nil, ""},
		{"GET", "/get/2/b%20empty.txt", "Range: bytes=0-", 416, nil, "Content-Range: bytes */0"},
		{"GET", n2r, "Range: bytes=299999-", 206, content[299999:], "Content-Range: bytes 299999-299999/300000"},
		{"GET", n2r, "Range: bytes=-5", 206, content[299995:], ""},
		{"GET", n2r, "Range: bytes 299990-", 206, content[299990:], "Content-Range: bytes 299990-299999/300000"},
		{"GET", n2r, "Range: bytes = 10-19", 206, content[10:20], ""},
		{"GET", n2r, "Range: bytes=-500000", 206, content, ""},
		{"GET", n2r, "Range: bytes=10-18446744073709551615", 206, content[10:], ""},
		{"GET", n2r, "Range: bytes=300000-", 416, nil, "Content-Range: bytes */300000"},
		{"GET", n2r, "Range: bytes=99999999999999999999999-", 416, nil, ""},
		{"GET", n2r, "Range: bytes=-0", 416, nil, ""},
		{"GET", n2r, "Range: bytes=0-5,3-9", 416, nil, ""},
		{"GET", n2r, "Range: bytes=9-5", 400, nil, ""},
		{"GET", n2r, "Range: bytes=+1-5", 400, nil, ""},
		{"GET", n2r, "Range: bytes=-", 400, nil, ""},
		{"GET", n2r, "Range: lines=1-5", 400, nil, ""},
		{"HEAD", n2r, "", 200, nil, "Content-Length: 300000"},
		{"HEAD", n2r, "Range: bytes=0-9", 206, nil, "Content-Length: 10"},
		{"GET", tree, "", 200, appendTHEX(nil, full), "Content-Type: application/dime"},
		{"HEAD", tree, "", 200, nil, fmt.Sprintf("Content-Length: %d", len(appendTHEX(nil, full)))},
		{"GET", "/uri-res/N2X?" + nameOf([]byte("?")), "", 404, nil, ""},
		{"GET", "/../../etc/passwd", "", 404, nil, ""},
		{"GET", "nothing", "", 400, nil, ""},
		{"GET", "http://host", "", 400, nil, ""},
		{"POST", n2r, "", 501, nil, ""},
	} {
		conn := dial(t, addr)
		resp, body := conn.get(c.method, c.target, c.header, "X-Nothing: x")
		conn.conn.Close()
		header, value, _ := strings.Cut(c.want, ": ")
		if resp.StatusCode != c.code || !bytes.Equal(body, c.body) || resp.Header.Get(header) != value {
			t.Errorf("%s %s %s: %s, %v, %d bytes; want %d, %s, %d bytes", c.method, c.target, c.header, resp.Status, resp.Header, len(body),
				c.code, c.want, len(c.body))
		}
	}
}

// TestConnection checks which requests leave a connection open, and what is told only once in it.
func TestConnection(t *testing.T) {
	t.Parallel()
	content := noise(1000, 2)
	lib := oneFile(t, "file.bin", content)
	addr := listenServer(t, Config{Library: lib})
	n2r := "/uri-res/N2R?" + nameOf(content)

	c := dial(t, addr)
	for i, code := range []int{200, 404, 400, 416, 200} {
		target, header := n2r, "X-Nothing: x"
		switch code {
		case 404:
			target = "/nothing"
		case 400:
			target = "nothing"
		case 416:
			header = "Range: bytes=1000-"
		}
		resp, _ := c.get("GET", target, header)
		if resp.StatusCode != code || (resp.Header.Get("X-Features") != "") != (i == 0) ||
			(resp.Header.Get("X-Thex-Uri") != "") != (i == 0) {
			t.Errorf("request %d: %s, %v; want %d", i, resp.Status, resp.Header, code)
		}
	}
	c.get("GET", n2r, "Connection: Close")
	if !c.closed() {
		t.Error("still open after a close")
	}
	for request, code := range map[string]int{
		"GET / HTTP/2.0\r\n\r\n":                                               400,
		"GET /\r\n\r\n":                                                        400,
		"GET / HTTP/1.1\r\n\r\n":                                               400,
		"GET / HTTP/1.1\r\nHost: x\r\nno field\r\n\r\n":                        400,
		"GET " + n2r + " HTTP/1.0\r\n\r\n":                                     200,
		"\r\n\r\nHEAD " + n2r + " HTTP/1.0\r\n\r\n":                            200,
		"GET /get/1/" + strings.Repeat("x", 4096) + " HTTP/1.1":                414,
		"GET / HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", 200):                 413,
		"GET / HTTP/1.1\r\na: " + strings.Repeat("x", 20<<10):                  413,
		"GET " + n2r + " HTTP/1.1\nHost: x\nConnection: close\n\n":             200,
		"DELETE " + n2r + " HTTP/1.1\r\nHost: x\r\n\r\n":                       501,
		"HEAD " + n2r + " HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc": 200,
	} {
		c := dial(t, addr)
		c.send(request)
		resp, _ := c.receive(strings.Fields(request)[0])
		if resp.StatusCode != code || !c.closed() {
			t.Errorf("%.60q: %s, or still open; want %d", request, resp.Status, code)
		}
	}
	c = dial(t, addr)
	c.send("GET " + n2r + " HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
	c.receive("GET")
	if resp, body := c.get("GET", n2r); resp.StatusCode != 200 || !bytes.Equal(body, content) {
		t.Errorf("after a kept connection: %s", resp.Status)
	}
}

// TestCrowd: a host has so many connections at once, and may come again when one of them has ended.
func TestCrowd(t *testing.T) {
	t.Parallel()
	content := noise(10, 12)
	addr := listenServer(t, Config{Library: oneFile(t, "file.bin", content)})
	host, target := freshHost(), "/get/1/file.bin"
	var open []*client
	for range visitsPerHost {
		open = append(open, dialFrom(t, addr, host))
		if resp, _ := open[len(open)-1].get("HEAD", target); resp.StatusCode != 200 {
			t.Fatal(resp.Status)
		}
	}
	for range 2 {
		if resp, _ := dialFrom(t, addr, host).receive("HEAD"); resp.StatusCode != 503 || !resp.Close || resp.Header.Get("Retry-After") == "" {
			t.Errorf("one too many: %s, %v", resp.Status, resp.Header)
		}
	}
	if resp, _ := dialFrom(t, addr, freshHost()).get("HEAD", target); resp.StatusCode != 200 {
		t.Errorf("another host: %s", resp.Status)
	}
	open[0].get("HEAD", target, "Connection: close")
	if !open[0].closed() {
		t.Fatal("still open")
	}
	if resp, _ := dialFrom(t, addr, host).get("HEAD", target); resp.StatusCode != 200 {
		t.Errorf("after one has ended: %s", resp.Status)
	}
}

// TestAhead serves a connection of which the first word was read before, as a node hands it on.
func TestAhead(t *testing.T) {
	t.Parallel()
	content := noise(100_000, 8)
	s := NewServer(Config{Library: oneFile(t, "file.bin", content)})
	addr := listen(t, func(ctx context.Context, c net.Conn) {
		word := make([]byte, 4)
		if _, err := io.ReadFull(c, word); err == nil {
			s.Serve(ctx, ahead.New(c, word))
		}
	})
	if resp, body := dial(t, addr).get("GET", "/get/1/file.bin"); resp.StatusCode != 200 || !bytes.Equal(body, content) {
		t.Errorf("%s, %d bytes", resp.Status, len(body))
	}
}

// TestEnd checks that the end of the context ends a connection, in the middle of a body too.
func TestEnd(t *testing.T) {
	t.Parallel()
	content := noise(16<<20, 3)
	s := NewServer(Config{Library: oneFile(t, "file.bin", content)})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	addr := listen(t, func(_ context.Context, c net.Conn) { ended <- s.Serve(ctx, c) })
	c := dial(t, addr)
	c.send("GET /uri-res/N2R?" + nameOf(content) + " HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := io.ReadFull(c.r, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("no error")
	}
}

// TestRemoved asks for files that were there when the library was scanned.
func TestRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	content := noise(1000, 4)
	put(t, filepath.Join(dir, "file.bin"), content)
	addr := listenServer(t, Config{Library: shared(t, library.Config{Folders: []string{dir}})})
	if err := os.Remove(filepath.Join(dir, "file.bin")); err != nil {
		t.Fatal(err)
	}
	if resp, _ := dial(t, addr).get("GET", "/get/1/file.bin"); resp.StatusCode != 404 {
		t.Error(resp.Status)
	}
}

func TestAlternates(t *testing.T) {
	t.Parallel()
	content := noise(1000, 5)
	mesh := &library.Mesh{}
	addr := listenServer(t, Config{Library: oneFile(t, "file.bin", content), Mesh: mesh})
	n2r := "/uri-res/N2R?" + nameOf(content)
	resp, _ := dial(t, addr).get("GET", n2r,
		"X-Alt: tls=8,192.0.2.1,192.0.2.2:1234, nonsense, 0.0.0.0:1, 192.0.2.3:0, 192.168.1.1, 10.0.0.1:6346, 224.0.0.1",
		"X-Gnutella-Alternate-Location: http://192.0.2.4:6347/uri-res/N2R?"+nameOf(content)+" 2026-11-20T21:00:00Z")
	want := []string{"192.0.2.1", "192.0.2.2:1234", "192.0.2.4:6347"}
	got := strings.Split(resp.Header.Get("X-Alt"), ",")
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("X-Alt %q, want %q", got, want)
	}
	c := dial(t, addr)
	for i, header := range []string{"X-Nothing: x", "X-Alt: 192.0.2.9:1", "X-Nothing: x", "X-Alt: 192.0.2.10:1,192.0.2.9:1"} {
		resp, _ := c.get("HEAD", n2r, header)
		if told := len(strings.FieldsFunc(resp.Header.Get("X-Alt"), func(r rune) bool { return r == ',' })); told != []int{3, 1, 0, 1}[i] {
			t.Errorf("request %d of a connection: X-Alt %q", i, resp.Header.Get("X-Alt"))
		}
	}
	want = append(want, "192.0.2.10:1", "192.0.2.9:1")
	slices.Sort(want)
	for i := range 3 {
		from := netip.AddrFrom4([4]byte{127, 61, 255, byte(i + 1)})
		dialFrom(t, addr, from).get("HEAD", n2r, "X-NAlt: 192.0.2.1")
	}
	resp, _ = dial(t, addr).get("HEAD", n2r)
	got = strings.Split(resp.Header.Get("X-Alt"), ",")
	slices.Sort(got)
	if want = slices.DeleteFunc(want, func(s string) bool { return s == "192.0.2.1" }); !slices.Equal(got, want) {
		t.Errorf("after three said that it is dead: X-Alt %q, want %q", got, want)
	}
}

// TestBusy fills the slots of a server, and goes through the queue.
func TestBusy(t *testing.T) {
	t.Parallel()
	content := noise(16<<20, 6)
	addr := listenServer(t, Config{Library: oneFile(t, "file.bin", content), Slots: 2, PerHost: 1, Queue: 1, Hit: hit})
	n2r := "/uri-res/N2R?" + nameOf(content)
	hosts := make([]netip.Addr, 6)
	for i := range hosts {
		hosts[i] = freshHost()
	}
	hold := func(host netip.Addr) *client { // takes a slot and reads nothing of the body
		t.Helper()
		c := dialFrom(t, addr, host)
		c.send("GET " + n2r + " HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%v, %v", resp, err)
		}
		return c
	}
	first := hold(hosts[0])
	hold(hosts[1])

	c := dialFrom(t, addr, hosts[2])
	resp, _ := c.get("GET", n2r, "Range: bytes=0-9", "X-Queue: 1.0")
	place := parameters(resp.Header.Get("X-Queued"))
	if resp.StatusCode != 503 || place["position"] != "1" || place["length"] != "1" || len(place["id"]) != 32 ||
		resp.Header.Get("Retry-After") != "30" || resp.Header.Get("X-Gnutella-Content-Urn") == "" || resp.Close {
		t.Errorf("queued: %s, %v", resp.Status, resp.Header)
	}
	if resp, _ := dialFrom(t, addr, hosts[3]).get("GET", n2r, "X-Queue: 1.0"); resp.StatusCode != 503 ||
		resp.Header.Get("X-Queued") != "" || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a full queue: %s, %v", resp.Status, resp.Header)
	}
	if resp, _ := dialFrom(t, addr, hosts[3]).get("GET", "/", "X-Queue: 1.0"); resp.StatusCode != 503 {
		t.Errorf("browse host of a busy server: %s", resp.Status)
	}
	for _, free := range []string{n2r, "/uri-res/N2X?" + nameOf(content)} {
		if resp, _ := dialFrom(t, addr, hosts[3]).get("HEAD", free); resp.StatusCode != 200 {
			t.Errorf("HEAD %s of a busy server: %s", free, resp.Status)
		}
	}

	first.conn.Close()
	again := func() *http.Response {
		resp, _ := c.get("GET", n2r, "Range: bytes=0-9", "X-Queued: ID="+place["id"])
		return resp
	}
	for resp = again(); resp.StatusCode == 503 && t.Context().Err() == nil; resp = again() { // until the server sees the close
	}
	if resp.StatusCode != 206 || resp.Header.Get("X-Queued") != "ID="+place["id"] {
		t.Errorf("with a free slot: %s, %v", resp.Status, resp.Header)
	}
	if resp, body := c.get("GET", n2r, "Range: bytes=10-19"); resp.StatusCode != 206 || !bytes.Equal(body, content[10:20]) {
		t.Errorf("the same connection keeps its slot: %s", resp.Status)
	}
	other := dialFrom(t, addr, hosts[2])
	resp, _ = other.get("GET", n2r, "Range: bytes=0-9")
	for resp.StatusCode == 503 && t.Context().Err() == nil { // until the server sees that the first has all of its answer
		resp, _ = other.get("GET", n2r, "Range: bytes=0-9")
	}
	if resp.StatusCode != 206 {
		t.Errorf("another connection of a host that has a slot without a request: %s", resp.Status)
	}
	if resp, _ := dialFrom(t, addr, hosts[1]).get("GET", n2r, "Range: bytes=0-9"); resp.StatusCode != 503 {
		t.Errorf("another connection of a host that has an upload: %s", resp.Status)
	}
}

// TestWaiting keeps the connection of who waits in the queue for as long as his place, and no other for so long.
func TestWaiting(t *testing.T) {
	t.Parallel()
	content := noise(1000, 9)
	lib := oneFile(t, "file.bin", content)
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(Config{Library: lib, Slots: 1})
		s.slots.free = 0
		for _, header := range []string{"X-Queue: 0.1", "X-Queue: 1.0"} { // both wait in one queue
			end, conn := net.Pipe()
			var serving sync.WaitGroup
			serving.Go(func() { s.Serve(t.Context(), conn) })
			c := &client{tb: t, conn: end, r: bufio.NewReader(end)}
			for range 3 {
				resp, _ := c.get("GET", "/uri-res/N2R?"+nameOf(content), header)
				if resp.StatusCode != 503 || resp.Header.Get("X-Queue")+resp.Header.Get("X-Queued") == "" {
					t.Fatalf("%s: %s, %v", header, resp.Status, resp.Header)
				}
				<-time.After(85 * time.Second) // of the fake clock
			}
			c.get("HEAD", "/uri-res/N2R?"+nameOf(content))
			<-time.After(idleTime + time.Second)
			if !c.closed() {
				t.Errorf("%s: still open", header)
			}
			serving.Wait()
		}
	})
}

// TestSameName asks on one connection for two files that have one name: each is described.
func TestSameName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, other := noise(1000, 10), noise(1000, 11)
	put(t, filepath.Join(dir, "file.bin"), one)
	if err := os.Mkdir(filepath.Join(dir, "more"), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "more", "file.bin"), other)
	c := dial(t, listenServer(t, Config{Library: shared(t, library.Config{Folders: []string{dir}})}))
	for _, name := range []string{nameOf(one), nameOf(other)} {
		if resp, _ := c.get("HEAD", "/uri-res/N2R?"+name); resp.Header.Get("X-Gnutella-Content-Urn") != name {
			t.Errorf("%s: %s, %v", name, resp.Status, resp.Header)
		}
	}
}

// TestServePartial serves the verified parts of a file that is being fetched.
func TestServePartial(t *testing.T) {
	t.Parallel()
	content := noise(1_000_000, 7)
	sum, tree, _ := urn.Hash(context.Background(), bytes.NewReader(content), uint64(len(content))) // segments of 256 KiB: 4
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	p, err := openPartial(t.Context(), root, "file.bin", urn.URN{SHA1: &sum}, uint64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	partials := &Partials{}
	partials.add(p)
	addr := listenServer(t, Config{Partials: partials})
	n2r, n2x := "/uri-res/N2R?"+nameOf(content), "/uri-res/N2X?"+nameOf(content)
	if resp, _ := dial(t, addr).get("GET", n2r); resp.StatusCode != 404 {
		t.Errorf("without a tree: %s", resp.Status)
	}
	if err := p.divide(t.Context(), tree, nil); err != nil {
		t.Fatal(err)
	}
	seg := int(tree.Segment)
	for _, i := range []int{1, 3} {
		end := min(len(content), (i+1)*seg)
		if _, err := p.file.WriteAt(content[i*seg:end], int64(i*seg)); err != nil {
			t.Fatal(err)
		}
		if err := p.add(i); err != nil {
			t.Fatal(err)
		}
	}
	available := fmt.Sprintf("bytes %d-%d,%d-%d", seg, 2*seg-1, 3*seg, len(content)-1)
	for _, c := range []struct {
		header string
		code   int
		body   []byte
	}{
		{"X-Nothing: x", 206, content[seg : 2*seg]},
		{"Range: bytes=0-", 206, content[seg : 2*seg]},
		{fmt.Sprintf("Range: bytes=%d-", 2*seg-10), 206, content[2*seg-10 : 2*seg]},
		{fmt.Sprintf("Range: bytes=%d-", 2*seg), 206, content[3*seg:]},
		{fmt.Sprintf("Range: bytes=%d-%d", seg+5, seg+9), 206, content[seg+5 : seg+10]},
		{fmt.Sprintf("Range: bytes=0-%d", seg-1), 416, nil},
	} {
		resp, body := dial(t, addr).get("GET", n2r, c.header)
		if resp.StatusCode != c.code || !bytes.Equal(body, c.body) || resp.Header.Get("X-Available-Ranges") != available ||
			(resp.Header.Get("Retry-After") != "") != (c.code == 416) {
			t.Errorf("%s: %s with %d bytes, %v; want %d with %d", c.header, resp.Status, len(body), resp.Header, c.code, len(c.body))
		}
	}
	resp, body := dial(t, addr).get("GET", n2x)
	if got, err := parseTHEX(body); err != nil || got.Root() != tree.Root() {
		t.Errorf("tree: %s, %v", resp.Status, err)
	}
	partials.remove(p)
	if resp, _ := dial(t, addr).get("GET", n2r); resp.StatusCode != 404 {
		t.Errorf("removed: %s", resp.Status)
	}
}
