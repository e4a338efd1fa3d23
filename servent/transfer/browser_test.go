package transfer

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gnucensus/servent/internal/vector"
	"gnucensus/servent/library"
	"gnucensus/servent/message"
	"gnucensus/servent/urn"
)

// browsed browses a host.
func browsed(t *testing.T, host netip.AddrPort) (found []Found, software string, err error) {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", host.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	software, err = Browse(t.Context(), c, host, "test", func(f Found) error {
		found = append(found, f)
		return nil
	})
	return found, software, err
}

// answers has a host answer whatever it is asked.
func answers(tb testing.TB, answer string) netip.AddrPort {
	tb.Helper()
	return listen(tb, func(_ context.Context, c net.Conn) {
		defer c.Close()
		c.Read(make([]byte, 1<<10))
		io.WriteString(c, answer)
	})
}

// captured returns an answer of the captures.
func captured(tb testing.TB, file, name string) string {
	tb.Helper()
	for _, v := range vector.Read(tb, file) {
		if v.Name == name+": answer" {
			return string(v.Bytes)
		}
	}
	tb.Fatalf("no %q in %s", name, file)
	return ""
}

// TestBrowseCaptures reads what gtk-gnutella and LimeWire answered.
func TestBrowseCaptures(t *testing.T) {
	t.Parallel()
	size := func(n uint64) *uint64 { return &n }
	for _, test := range []struct {
		file, name, software string
		want                 []Found
	}{
		{"testdata/gtk-gnutella.txt", "browse host as HTML", "gtk-gnutella/", []Found{
			{Place{}, sha1URN(t, "LMOBHNZ5V53HUZD7LUPGI3CBVQ5MBWWU"), nil}, // it tells 195.31 KiB
			{Place{}, sha1URN(t, "POW6N74UF4SK5I7NWSETQJIUEO4AUJ5K"), size(59)},
		}},
		{"testdata/limewire.txt", "browse host as packets", "LimeWire/", []Found{
			{Place{Walled: true}, sha1URN(t, "DMO5GND2ADVNZV3J7NKDERNITPDWTPRT"), size(7000)},
		}},
	} {
		got, software, err := browsed(t, answers(t, captured(t, test.file, test.name)))
		if err != nil || len(got) != len(test.want) || !strings.HasPrefix(software, test.software) {
			t.Errorf("%s: %d files of %s, %v", test.name, len(got), software, err)
			continue
		}
		for i, want := range test.want {
			if g := got[i]; g.URN.String() != want.URN.String() || !same(g.Size, want.Size) || g.Walled != want.Walled || g.Name == "" {
				t.Errorf("%s: %+v, want %+v", test.name, g, want)
			}
		}
	}
}

func sha1URN(tb testing.TB, digits string) urn.URN {
	tb.Helper()
	u, err := urn.Parse("urn:sha1:" + digits)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

func same(a, b *uint64) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

// TestBrowseList lists a whole library, whose names are not easy, by hits and by a page.
func TestBrowseList(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := []string{`"quoted" & <b>bold<b>.txt`, "100%&#x41;.txt", "Käse größer.txt", "a b;c?d=e.txt"}
	for i := range 30 {
		names = append(names, fmt.Sprintf("file %d.bin", i))
	}
	for i, name := range names {
		put(t, filepath.Join(dir, name), make([]byte, i))
	}
	lib := shared(t, library.Config{Folders: []string{dir}})
	for kind, cfg := range map[string]Config{
		"hits": {Library: lib, Hit: hit, Agent: "test/1"}, "a page": {Library: lib, Agent: "test/1"},
	} {
		got, software, err := browsed(t, listenServer(t, cfg))
		if err != nil || len(got) != len(names) || software != "test/1" {
			t.Errorf("%s: %d files of %s, %v; want %d", kind, len(got), software, err, len(names))
			continue
		}
		for _, f := range got {
			m, ok := lib.BySHA1(*f.URN.SHA1)
			if i := slices.Index(names, f.Name); i < 0 || !ok || f.Size == nil || *f.Size != uint64(i) || f.Index != m.Index && kind == "hits" {
				t.Errorf("%s: %+v", kind, f)
			}
		}
	}
}

func deflated(tb testing.TB, text string) string {
	tb.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	io.WriteString(z, text)
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// TestBrowseHostile looks at answers that are none, or too much.
func TestBrowseHostile(t *testing.T) {
	t.Parallel()
	packets := "HTTP/1.1 200 OK\r\nContent-Type: application/x-gnutella-packets\r\n"
	page := "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
	link := "<a href=\"/get/1/x\">" + strings.Repeat("x", 1000) + "</a> "
	long := strings.Repeat(link, maxListing/len(link)+10)
	noHit, err := message.Append(nil, message.Message{Body: &message.Ping{}})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		answer string
		files  int
		err    error // io.EOF: any
	}{
		"silence":           {"", 0, io.EOF},
		"no HTTP":           {"GNUTELLA/0.6 200 OK\r\n\r\n", 0, io.EOF},
		"forbidden":         {"HTTP/1.1 403 Browse Host Disabled\r\n\r\n", 0, ErrNoBrowse},
		"not acceptable":    {"HTTP/1.1 406 Not Acceptable\r\n\r\n", 0, ErrNoBrowse},
		"nothing":           {packets + "\r\n", 0, nil},
		"another message":   {packets + "\r\n" + string(noHit), 0, nil},
		"half a head":       {packets + "\r\n" + string(noHit[:20]), 0, io.ErrUnexpectedEOF},
		"no hit":            {packets + "\r\n" + strings.Repeat("\xff", 100), 0, message.ErrTooLong},
		"half a hit":        {packets + "\r\n" + strings.Repeat("\x00", 16) + "\x81\x01\x00\x00\x01\x00\x00x", 0, io.ErrUnexpectedEOF},
		"an empty hit":      {packets + "\r\n" + strings.Repeat("\x00", 16) + "\x81\x01\x00\x00\x00\x00\x00", 0, message.ErrTruncated},
		"no deflate":        {packets + "Content-Encoding: deflate\r\n\r\nxxxxxxxx", 0, zlib.ErrHeader},
		"no gzip":           {packets + "Content-Encoding: gzip\r\n\r\nxxxxxxxxxxxxxxxx", 0, gzip.ErrHeader},
		"another encoding":  {packets + "Content-Encoding: br\r\n\r\nx", 0, errHead},
		"a bomb":            {page + "Content-Encoding: deflate\r\n\r\n" + deflated(t, long), maxListing/len(link) - 1, ErrLongListing},
		"half a stream":     {page + "Content-Encoding: deflate\r\n\r\n" + deflated(t, link)[:20], 0, io.ErrUnexpectedEOF},
		"a chunk of 16 EiB": {page + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx", 0, io.EOF},
		"other links":       {page + "\r\n<a href=\"/\">x</a><a href=\"http://elsewhere/get/x\">x</a><a href=\"/uri-res/N2X?urn:sha1:1\">x", 0, nil},
		"too long a link":   {page + "\r\n<a href=\"/get/1/" + strings.Repeat("x", 5000) + "\">x</a>", 0, nil},
		"odd sizes":         {page + "\r\n<a href=\"/get/1/x\">x</a> 1.5 bytes, -7 bytes, 99999999999999999999 bytes<br>", 1, nil},
	} {
		got, _, err := browsed(t, answers(t, test.answer))
		if ok := err == nil && test.err == nil || err != nil && (test.err == io.EOF || errors.Is(err, test.err)); !ok || len(got) != test.files {
			t.Errorf("%s: %d files, error %v; want %d, %v", name, len(got), err, test.files, test.err)
		}
		if len(got) == 1 && got[0].Size != nil {
			t.Errorf("%s: %d bytes", name, *got[0].Size)
		}
	}
	_, _, err = browsed(t, answers(t, "HTTP/1.1 503 Busy\r\nRetry-After: 90\r\n\r\n"))
	if err == nil || !strings.Contains(err.Error(), "503") || !strings.Contains(err.Error(), "1m30s") {
		t.Errorf("busy: %v", err)
	}
}

// TestBrowseEnds: the end of the context and an error of the taker end it.
func TestBrowseEnds(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	host := listen(t, func(ctx context.Context, c net.Conn) {
		defer c.Close()
		c.Read(make([]byte, 1<<10))
		close(asked)
		<-ctx.Done()
	})
	c, err := net.Dial("tcp", host.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := Browse(ctx, c, host, "", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	lib := oneFile(t, "one", []byte("1"))
	server := listenServer(t, Config{Library: lib, Hit: hit})
	c, err = net.Dial("tcp", server.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := Browse(t.Context(), c, server, "", func(Found) error { return os.ErrClosed }); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error of the taker: %v", err)
	}
}

// FuzzListing reads anything as hits and as a page.
func FuzzListing(f *testing.F) {
	_, body, _ := strings.Cut(captured(f, "testdata/limewire.txt", "browse host as packets"), "\r\n\r\n")
	f.Add([]byte(body))
	_, body, _ = strings.Cut(captured(f, "testdata/gtk-gnutella.txt", "browse host as HTML"), "\r\n\r\n")
	f.Add([]byte(body))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		take := func(f Found) error {
			if n++; f.URN.SHA1 != nil && len(f.Magnet().String()) < 32 {
				t.Errorf("%+v", f)
			}
			return nil
		}
		readHits(bytes.NewReader(b), take)
		readPage(bytes.NewReader(b), netip.AddrPort{}, take)
		if n > len(b) {
			t.Errorf("%d files in %d bytes", n, len(b))
		}
	})
}
