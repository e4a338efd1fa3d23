package transfer

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/library"
	"gnucensus/servent/message"
)

// browsable shares 25 files.
func browsable(t *testing.T) (lib *library.Library, names []string, addr netip.AddrPort) {
	t.Helper()
	dir := t.TempDir()
	for i := range 25 {
		name := fmt.Sprintf("file <%02d> & more.txt", i)
		names = append(names, name)
		put(t, filepath.Join(dir, name), noise(i, uint64(i)))
	}
	lib = shared(t, library.Config{Folders: []string{dir}})
	return lib, names, listenServer(t, Config{Agent: "<test>", Library: lib, Hit: hit})
}

// listed returns the names of the files in QUERY HITs.
func listed(t *testing.T, hits []byte) (names []string) {
	t.Helper()
	for len(hits) > 0 {
		h, err := message.ParseHeader(hits)
		if err != nil {
			t.Fatal(err)
		}
		end := message.HeaderLen + int(h.Length)
		m, err := message.ParseDatagram(hits[:end])
		if err != nil {
			t.Fatal(err)
		}
		hits = hits[end:]
		results := m.Body.(*message.QueryHit).Results
		if len(results) > 10 || m.TTL != 1 || m.GUID != (message.GUID{}) {
			t.Errorf("%+v", m)
		}
		for _, r := range results {
			names = append(names, r.Name)
		}
	}
	return names
}

// TestBrowsePackets lists all files as QUERY HITs: in chunks where the connection stays open, deflated where that is accepted.
func TestBrowsePackets(t *testing.T) {
	t.Parallel()
	_, want, addr := browsable(t)
	for name, header := range map[string][]string{
		"plain":    {"Accept: text/html, application/x-gnutella-packets"},
		"deflated": {"Accept: application/x-gnutella-packets", "Accept-Encoding: gzip, deflate"},
		"last":     {"Accept: application/x-gnutella-packets", "Content-Length: 0", "Connection: close"}, // as LimeWire 4 asks
	} {
		c := dial(t, addr)
		resp, body := c.get("GET", "/", header...)
		if chunked := len(resp.TransferEncoding) > 0; chunked == (name == "last") {
			t.Errorf("%s: in chunks: %t", name, chunked)
		}
		if encoding := resp.Header.Get("Content-Encoding"); (encoding == "deflate") != (name == "deflated") {
			t.Errorf("%s: encoding %q", name, encoding)
		} else if encoding != "" {
			z, err := zlib.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if body, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		got := listed(t, body)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if name == "last" {
			if !c.closed() {
				t.Error("still open after the last request")
			}
		} else if resp, _ := c.get("HEAD", "/"); resp.StatusCode != 200 {
			t.Errorf("%s: then %s", name, resp.Status)
		}
	}
}

// TestBrowsePage lists all files on a page for people, where it is accepted and has changed.
func TestBrowsePage(t *testing.T) {
	t.Parallel()
	lib, _, addr := browsable(t)
	resp, page := dial(t, addr).get("GET", "/")
	for m := range lib.All() {
		line := fmt.Sprintf(`<a href="/uri-res/N2R?urn:sha1:%s">%s</a>`, m.URN.SHA1,
			strings.NewReplacer("<", "&lt;", ">", "&gt;", "&", "&amp;").Replace(m.Name))
		if !strings.Contains(string(page), line) {
			t.Errorf("the page has no line %s", line)
		}
	}
	if strings.Contains(string(page), "<test>") || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("the page of the kind %s: %s", resp.Header.Get("Content-Type"), page)
	}
	modified := resp.Header.Get("Last-Modified")
	for _, c := range []struct {
		header string
		code   int
	}{
		{"If-Modified-Since: " + modified, 304}, {"If-Modified-Since: Fri, 20 Nov 2020 21:57:17 GMT", 200},
		{"Accept: application/x-gnutella2", 406}, {"Accept: */*", 200}, {"Accept: text/html", 200},
	} {
		if resp, _ := dial(t, addr).get("GET", "/", c.header); resp.StatusCode != c.code {
			t.Errorf("%s: %s, want %d", c.header, resp.Status, c.code)
		}
	}
	c := dial(t, addr)
	c.send("GET / HTTP/1.0\r\n\r\n")
	if resp, body := c.receive("GET"); resp.StatusCode != 200 || !bytes.HasSuffix(body, []byte("</html>\r\n")) || len(resp.TransferEncoding) > 0 {
		t.Errorf("by the old version: %s, %v", resp.Status, resp.TransferEncoding)
	}
}
