package transfer

import (
	"bytes"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gnucensus/servent/internal/vector"
	"gnucensus/servent/library"
	"gnucensus/servent/urn"
)

// theirs are headers of the captured answers that the protocol leaves to the server.
var theirs = []string{"Server", "Date", "X-Features"}

// captureServer serves the two files that gtk-gnutella served, as far as they are known: the head of the one, and sizes, hashes
// and times.
func captureServer(t *testing.T) netip.AddrPort {
	t.Helper()
	dir := t.TempDir()
	cache := filepath.Join(t.TempDir(), "hashes")
	known := []byte{
		0xd2, 0x61, 0xe2, 0xaa, 0x1f, 0xac, 0xbd, 0xba, 0x80, 0x9e, 0xb2, 0xdc, 0xa2, 0xa8, 0x40, 0x38, 0xe2, 0x48, 0x32, 0x5f,
	}
	modified := time.Date(2026, 11, 20, 21, 37, 4, 0, time.UTC)
	for _, f := range []struct {
		name string
		size int
		urn  string
	}{
		{"quokka pouch.pdf", 200000, "LMOBHNZ5V53HUZD7LUPGI3CBVQ5MBWWU.672TT3CBRY6DL3IETKLK4CGRNV27CY4DYVNSTHA"},
		{"quokka ultrapeer manual.txt", 59, "POW6N74UF4SK5I7NWSETQJIUEO4AUJ5K.CZ3PP6XHVDKMD7ESENDM2SKOHZSFO7MDKICSEGI"},
	} {
		path := filepath.Join(dir, f.name)
		put(t, path, append(known, make([]byte, f.size-len(known))...))
		if err := os.Chtimes(path, modified, modified); err != nil {
			t.Fatal(err)
		}
		u, err := urn.Parse("urn:bitprint:" + f.urn)
		if err != nil {
			t.Fatal(err)
		}
		forgeHashes(t, cache, path, u)
	}
	return listenServer(t, Config{Agent: "test", Library: shared(t, library.Config{Folders: []string{dir}, Cache: cache}), Hit: hit})
}

// TestCaptures sends the captured requests and compares the answers header by header, and the bodies that the protocol fixes.
func TestCaptures(t *testing.T) {
	t.Parallel()
	addr := captureServer(t)
	var c *client
	var method, last string
	for _, v := range slices.Concat(vector.Read(t, "testdata/gtk-gnutella.txt"), vector.Read(t, "testdata/limewire.txt")) {
		name, request := strings.CutSuffix(v.Name, ": request")
		if request {
			if name != last {
				c, last = dial(t, addr), name
			}
			method, _, _ = strings.Cut(string(v.Bytes), " ")
			c.send(string(v.Bytes))
			continue
		}
		name = strings.TrimSuffix(name, ": answer")
		captured := &client{tb: t, r: readerOf(v.Bytes)}
		want, wantBody := captured.receive(method)
		got, gotBody := c.receive(method)
		compareAnswers(t, name, want, got)
		switch name {
		case "two ranges on one connection", "Tiger tree":
			if !bytes.Equal(gotBody, wantBody) {
				t.Errorf("%s: body\n%q, captured\n%q", name, gotBody, wantBody)
			}
		}
	}
}

func compareAnswers(t *testing.T, name string, want, got *http.Response) {
	t.Helper()
	if got.Status != want.Status || got.Close != want.Close || got.ContentLength != want.ContentLength ||
		!slices.Equal(got.TransferEncoding, want.TransferEncoding) {
		t.Errorf("%s: %s, %d bytes, %v, close %t; captured %s, %d bytes, %v, close %t", name, got.Status, got.ContentLength,
			got.TransferEncoding, got.Close, want.Status, want.ContentLength, want.TransferEncoding, want.Close)
	}
	fromLimeWire := strings.HasPrefix(want.Header.Get("Server"), "LimeWire")
	for header, values := range want.Header {
		switch {
		case slices.Contains(theirs, header):
			if got.Header.Get(header) == "" {
				t.Errorf("%s: no %s", name, header)
			}
		case header == "Last-Modified" && strings.HasPrefix(name, "browse"): // that of the library
			if _, err := http.ParseTime(got.Header.Get(header)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case !slices.Equal(got.Header[header], values):
			t.Errorf("%s: %s is %q, captured %q", name, header, got.Header[header], values)
		}
	}
	for header := range got.Header {
		if _, ok := want.Header[header]; !ok && !(fromLimeWire && (header == "X-Features" || header == "Last-Modified")) {
			t.Errorf("%s: %s is not in the captured answer", name, header)
		}
	}
}
