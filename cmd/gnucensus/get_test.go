package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gnucensus/servent"
	"gnucensus/servent/library"
	"gnucensus/servent/message"
	"gnucensus/servent/transfer"
)

// A fetched is what get prints as JSON.
type fetched struct {
	File, URN string
	Bytes     int
	Verified  bool
}

// got fetches to a folder, and returns what get prints and the content.
func got(t *testing.T, dir string, args ...string) (fetched, string) {
	t.Helper()
	f := decode[fetched](t, must(t, append([]string{"get", "--format", "json", "--out", dir}, args...)...))
	b, err := os.ReadFile(f.File)
	if err != nil || filepath.Dir(f.File) != dir {
		t.Errorf("%+v: %v", f, err)
	}
	return f, string(b)
}

// TestGet fetches by number, by link and by hash.
func TestGet(t *testing.T) {
	t.Parallel()
	const top, below = "127.23.30.1:6346", "127.23.30.2:6346"
	serve(t, top, "--role", "ultrapeer", "--share", folder(t, "one.txt"))
	serve(t, below, "--role", "leaf", "--connect", top, "--share", folder(t, "one.txt", "free music two.ogg"))
	files := browsed(t, below)
	var two listed
	for _, f := range files {
		if f.Name == "free music two.ogg" {
			two = f
		}
	}
	_, sha1, _ := strings.Cut(two.Magnet, "xs=")
	_, sha1, _ = strings.Cut(sha1, "?")
	for _, args := range [][]string{
		{fmt.Sprintf("%s/%d", below, two.Index)}, {two.Magnet}, {"MAGNET:?xt=" + two.URN, "--via", top}, {two.URN, "--via", top}, {sha1, "--via", top},
	} {
		var f fetched
		var content string
		dir := t.TempDir()
		if len(args) > 1 { // the leaf's table may still be on its way
			eventually(t, "the leaf's table did not come", func() bool {
				return strings.Contains(must(t, "search", "--via", top, "--wait", "500ms", "free music"), two.Name)
			})
		}
		f, content = got(t, dir, args...)
		if content != two.Name || f.File != filepath.Join(dir, two.Name) || f.URN != two.URN || f.Bytes != len(two.Name) || !f.Verified {
			t.Errorf("%q: %+v, %q", args, f, content)
		}
		if entries, err := os.ReadDir(dir); len(entries) != 1 || err != nil {
			t.Errorf("%q leaves %v", args, entries)
		}
		if r := run(t, append([]string{"get", "--out", dir}, args...)...); r.code != exitFailed || !strings.Contains(r.stderr, "--out") ||
			!strings.HasPrefix(r.stderr[strings.Index(r.stderr, "gnucensus: "):], "gnucensus: fetch "+f.File+": file already exists\n") {
			t.Errorf("again: exit %d: %s", r.code, r.stderr)
		}
	}
	if text := must(t, "get", "--out", t.TempDir(), two.Magnet); !strings.Contains(text, "bytes     18\n") || !strings.Contains(text, "verified  true\n") {
		t.Errorf("for people:\n%s", text)
	}
	for _, test := range []struct {
		args string
		code int
		said string
	}{
		{"get", exitUsage, "is missing"},
		{"get one.txt", exitUsage, "names no file"},
		{"get " + top + "/0", exitUsage, "names no file"},
		{"get magnet:?dn=x", exitUsage, "not a magnet link"},
		{"get urn:sha1:x", exitUsage, "malformed"},
		{"get " + two.URN, exitUsage, "--via"},
		{"get --limit fast " + two.Magnet, exitUsage, "--limit"},
		{"get " + top + "/99", exitFailed, "needs no browsing"},
		{"get --via " + top + " urn:sha1:" + strings.Repeat("A", 32), exitFailed, "nobody found"},
		{"get --out /nowhere " + two.Magnet, exitFailed, "Make the folder first"},
		{"get magnet:?xt=" + two.URN + "&xs=http://" + top + "/", exitFailed, "does not have the file"},
	} {
		r := run(t, strings.Fields(test.args)...)
		if r.code != test.code || !strings.Contains(r.stderr, test.said) || strings.Contains(r.stderr, " MiB of ") {
			t.Errorf("%s: exit %d: %s", test.args, r.code, r.stderr)
		}
	}
}

// TestGetFromNobody: that a link needs no browsing is no advice where there is no host.
func TestGetFromNobody(t *testing.T) {
	t.Parallel()
	r := run(t, "get", nobody+"/1")
	if r.code != exitFailed || !strings.Contains(r.stderr, "refused") || strings.Contains(r.stderr, "browsing") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

// TestGetGoesOn interrupts a slow fetch; what had come is there for the next one.
func TestGetGoesOn(t *testing.T) {
	t.Parallel()
	const host = "127.23.31.1:6346"
	dir, content := t.TempDir(), strings.Repeat("0123456789abcdef", 3<<16)
	if err := os.WriteFile(filepath.Join(dir, "large.bin"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	serve(t, host, "--role", "ultrapeer", "--share", dir)
	link := browsed(t, host)[0].Magnet
	out := t.TempDir()
	p := start(t, "get", "--limit", "256K", "--out", out, link)
	eventually(t, "nothing came", func() bool {
		b, err := os.ReadFile(filepath.Join(out, "large.bin"+library.PartialSuffix))
		return err == nil && len(b)-bytes.Count(b, []byte{0}) > 1<<20
	})
	p.interrupt(t)
	if r := p.end(t); r.code != exitInterrupted || !strings.Contains(r.stderr, "goes on from where it was") || !strings.Contains(r.stderr, " of 3.0 MiB") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	again := run(t, "get", "--format", "json", "--out", out, link)
	if b, err := os.ReadFile(filepath.Join(out, "large.bin")); again.code != exitDone || string(b) != content || err != nil {
		t.Errorf("exit %d: %s; %d bytes, %v", again.code, again.stderr, len(b), err)
	}
}

// TestGetSharesItsParts: what a slow fetch has so far is to be had from it, as its source tells others.
func TestGetSharesItsParts(t *testing.T) {
	t.Parallel()
	const top, host = "127.65.34.1:6346", "127.65.34.2:6346"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "large.bin"), bytes.Repeat([]byte("0123456789abcdef"), 8<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	serve(t, top, "--role", "ultrapeer")
	serve(t, host, "--role", "leaf", "--connect", top, "--share", dir)
	link, err := transfer.ParseMagnet(browsed(t, host)[0].Magnet)
	if err != nil {
		t.Fatal(err)
	}
	target := "/uri-res/N2R?urn:sha1:" + link.URN.SHA1.String()
	p := start(t, "get", "--limit", "128K", "--out", t.TempDir(), "--via", top, link.String())
	var at string
	eventually(t, "the source knows no other", func() bool {
		resp, err := http.Head("http://" + host + target)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		at = resp.Header.Get("X-Alt")
		return at != ""
	})
	resp, err := http.Get("http://" + at + target)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusPartialContent || err != nil || !bytes.HasPrefix(b, []byte("0123456789abcdef")) ||
		!strings.HasPrefix(resp.Header.Get("X-Available-Ranges"), "bytes 0-") {
		t.Errorf("%s: %s, %v, %d bytes, %v", at, resp.Status, resp.Header, len(b), err)
	}
	p.interrupt(t)
	p.end(t)
}

// TestGetFromBehindAFirewall: the link that search prints for a host that nobody can connect to is enough to fetch from it.
func TestGetFromBehindAFirewall(t *testing.T) {
	t.Parallel()
	const top = "127.23.32.1:6346"
	serve(t, top, "--role", "ultrapeer")
	shared, err := library.Open(library.Config{Folders: []string{folder(t, "behind the wall.txt")}})
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	if err := shared.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort("127.23.32.2:6346")
	node, err := servent.New(servent.Config{
		Net:  &servent.Internet{Dialer: net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(at.Addr(), 0))}},
		Addr: at, Firewalled: true, Role: servent.Leaf, Agent: agent(), Vendor: vendor, Dialect: servent.GTKG,
		Connect: []netip.AddrPort{netip.MustParseAddrPort(top)}, Library: shared, Uploads: &transfer.Config{}, TableWait: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { node.Run(ctx) })
	var link string
	eventually(t, "no link to the file", func() bool {
		results, _ := found(t, must(t, "search", "--via", top, "--wait", "500ms", "--format", "json", "behind the wall"))
		link = results[at.String()].Magnet
		return strings.Contains(link, "xs=push://"+node.GUID().String()+":"+top+"/")
	})
	if files := browsed(t, link); len(files) != 1 || files[0].Name != "behind the wall.txt" || files[0].Magnet != link {
		t.Errorf("browsed: %+v", files)
	}
	callUnknowing(t, top, node.GUID(), link)
	for _, args := range [][]string{{link}, {strings.SplitN(link, "&", 2)[0], "--via", top}} {
		f, content := got(t, t.TempDir(), args...)
		if content != "behind the wall.txt" || !f.Verified {
			t.Errorf("%q: %+v, %q", args, f, content)
		}
	}
}

// callUnknowing has a host connect that nobody can connect to, and that seems not to know it.
func callUnknowing(t *testing.T, top string, id message.GUID, link string) {
	t.Helper()
	p := &program{stdin: strings.NewReader(""), talk: newTalk(t.Output())}
	c, err := p.openCaller(t.Context(), []netip.AddrPort{netip.MustParseAddrPort(top)}, nil, transfer.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	file, err := transfer.ParseMagnet(link)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.search(t.Context(), &file); err != nil { // so that it is known where the host is
		t.Fatal(err)
	}
	dead := transfer.Source{Addr: netip.MustParseAddrPort("127.23.32.9:6346")}
	if _, err := c.dial(t.Context(), dead); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a host without a GUID: %v", err)
	}
	dead.Servent = id
	conn, err := c.dial(t.Context(), dead)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// TestGetFlags gives each flag a value.
func TestGetFlags(t *testing.T) {
	host := netip.MustParseAddrPort("127.23.33.1:6346")
	base := []string{"get", host.String() + "/7"}
	s := capture(t, readGet, base...)
	if s.Host != host || s.Index != 7 || s.Out != "." || s.Limit != 0 || len(s.Via) != 0 {
		t.Errorf("without flags: %+v", s)
	}
	checkFlags(t, base, readGet, []flagChange[getSettings]{
		{"out", "elsewhere", func(s *getSettings) { s.Out = "elsewhere" }},
		{"limit", "2M", func(s *getSettings) { s.Limit = 2 << 20 }},
		{"via", host.String(), func(s *getSettings) { s.Via = []netip.AddrPort{host} }},
	})
}

// TestFetching looks at what a bar tells.
func TestFetching(t *testing.T) {
	t.Parallel()
	f := &fetching{}
	if s, _ := f.progress(); s != 0 || !strings.HasPrefix(f.String(), "0.0 MiB of ? 0.0 MiB/s left ?") {
		t.Errorf("at first: %q", f)
	}
	f.size = 8 << 20
	if done, of := f.progress(); done != 0 || of != 8<<20 {
		t.Errorf("%d of %d", done, of)
	}
	now := time.Now()
	f.now = transfer.Progress{Size: 10 << 20, Done: 6 << 20, Connected: 2, Sources: 3}
	f.past = []fetchedAt{{now.Add(-4 * time.Second), 2 << 20}, {now, 6 << 20}}
	if want := "6.0 MiB of 10.0 MiB 1.0 MiB/s left 4s from 2 of 3"; f.String() != want {
		t.Errorf("%q, want %q", f, want)
	}
	f.past = []fetchedAt{{now.Add(-time.Minute), 0}, {now.Add(-rateWindow), 1}, {now.Add(-time.Second), 2}}
	f.note(transfer.Progress{Done: 3})
	if len(f.past) != 2 {
		t.Errorf("%d samples are kept", len(f.past))
	}
}
