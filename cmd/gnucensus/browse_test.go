package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/lab"
	"gnucensus/servent/library"
	"gnucensus/servent/transfer"
)

// A listed is a file that browse prints as JSON.
type listed struct {
	Index       uint32
	Bytes       *uint64
	Name        string
	URN, Magnet string
}

// browsed browses a host, and returns its files.
func browsed(t *testing.T, host string) (files []listed) {
	t.Helper()
	for d := json.NewDecoder(strings.NewReader(must(t, "browse", "--format", "json", host))); d.More(); {
		var f listed
		if err := d.Decode(&f); err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// TestBrowseLab browses hosts of a lab: each lists its whole share, and the plan says which that is.
func TestBrowseLab(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 10, Leaves: 30, Unaware: 0.1, Full: 0.1, Slow: 0.05, Firewalled: 0.1})
	browsable, shared := 0, 0
	for _, h := range net.Truth() {
		if h.Behaviour == lab.Firewalled {
			continue
		}
		var want, got []string
		for f := range net.Library(h.Addr).All() {
			want = append(want, fmt.Sprintf("%d %d %s", f.Index, f.Size, f.Name))
		}
		for _, f := range browsed(t, h.Addr.String()) {
			got = append(got, fmt.Sprintf("%d %d %s", f.Index, *f.Bytes, f.Name))
		}
		if diff := cmp.Diff(want, got); diff != "" || len(want) != int(h.Files) {
			t.Errorf("%v, %s:\n%s", h.Addr, h.Behaviour, diff)
		}
		browsable, shared = browsable+1, shared+len(got)
	}
	if browsable < 20 || shared < 200 {
		t.Errorf("%d hosts browsed with %d files", browsable, shared)
	}
	if net.Library(netip.MustParseAddrPort("203.0.113.1:1")) != nil {
		t.Error("a host that is not of the lab shares something")
	}
}

// TestBrowse prints the files of a servent in all formats, with links that say where they are.
func TestBrowse(t *testing.T) {
	t.Parallel()
	const host = "127.23.20.1:6346"
	serve(t, host, "--role", "ultrapeer", "--share", folder(t, "free music one.ogg", "a, \"b\".txt"))
	files := browsed(t, host)
	if len(files) != 2 {
		t.Fatalf("%+v", files)
	}
	one := files[slices.IndexFunc(files, func(f listed) bool { return f.Name == "free music one.ogg" })]
	m, err := transfer.ParseMagnet(one.Magnet)
	if err != nil || m.URN.String() != one.URN || !strings.HasPrefix(one.URN, "urn:bitprint:") || *m.Size != 18 || m.Name != one.Name ||
		len(m.Places) != 1 || m.Places[0].Addr.String() != host {
		t.Errorf("%+v, %v", m, err)
	}
	r := run(t, "browse", host)
	for _, part := range []string{"index", "bytes", one.Name + "\n", "    " + one.Magnet + "\n"} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("no %q in\n%s", part, r.stdout)
		}
	}
	if text := must(t, "browse", "--format", "json", host); !strings.Contains(text, one.Magnet) {
		t.Errorf("links are escaped:\n%s", text)
	}
	if !strings.Contains(r.stderr, "2 files of "+host+", gnucensus/") {
		t.Errorf("said %q", r.stderr)
	}
	records, err := csv.NewReader(strings.NewReader(must(t, "browse", "--format", "csv", host))).ReadAll()
	if err != nil || len(records) != 3 || records[0][2] != "name" ||
		!slices.ContainsFunc(records, func(r []string) bool { return r[2] == "a, \"b\".txt" }) {
		t.Errorf("%q, %v", records, err)
	}
	results, _ := found(t, must(t, "search", "--via", host, "--wait", "500ms", "--format", "json", "free music"))
	if m := results[host].Magnet; m != one.Magnet {
		t.Errorf("search prints %q, browse %q", m, one.Magnet)
	}
	if text := must(t, "search", "--via", host, "--wait", "500ms", "free music"); !strings.Contains(text, "    "+one.Magnet+"\n") {
		t.Errorf("no link in\n%s", text)
	}
}

// TestBrowseFails tells why there is no list.
func TestBrowseFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{"browse"}, exitUsage, "HOST:PORT|magnet:… is missing"},
		{[]string{"browse", "magnet:?dn=x"}, exitUsage, "not a magnet link"},
		{[]string{"browse", "magnet:?xt=urn:sha1:" + strings.Repeat("A", 32)}, exitUsage, "names no host"},
		{[]string{"browse", "magnet:?xt=urn:sha1:" + strings.Repeat("A", 32) + "&xs=http://127.23.20.9:6346/"}, exitFailed, "connection refused"},
		{[]string{"browse", "127.23.20.9"}, exitUsage, "browse: "},
		{[]string{"browse", "127.23.20.9:6346", "--format", "md"}, exitUsage, "md"},
		{[]string{"browse", "127.23.20.9:6346"}, exitFailed, "gnucensus: dial tcp 127.23.20.9:6346: connect: connection refused"},
	} {
		if r := run(t, test.args...); r.code != test.code || !strings.Contains(r.stderr, test.said) {
			t.Errorf("%q: exit %d: %s", test.args, r.code, r.stderr)
		}
	}
}

// TestMany: one of a thing has no plural.
func TestMany(t *testing.T) {
	t.Parallel()
	got := []string{many(0, "host"), many(int64(1), "host"), many(2, "web cache"), many(uint64(1), "query"), many(8, "query"),
		many(0, "stray")}
	if diff := cmp.Diff([]string{"0 hosts", "1 host", "2 web caches", "1 query", "8 queries", "0 strays"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestHashesAreKept: what was hashed once is not hashed again, and two servents may share one folder.
func TestHashesAreKept(t *testing.T) {
	t.Parallel()
	dir := folder(t, "kept.txt")
	name, err := hashFile([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	const host, other = "127.23.21.1:6346", "127.23.21.2:6346"
	serve(t, host, "--role", "ultrapeer", "--share", dir)
	if _, err := library.Open(library.Config{Folders: []string{dir}, Cache: name}); err == nil {
		t.Error("the hashes are kept elsewhere")
	}
	serve(t, other, "--role", "ultrapeer", "--share", dir)
	if a, b := browsed(t, host), browsed(t, other); len(a) != 1 || len(b) != 1 || a[0].URN != b[0].URN {
		t.Errorf("%+v, %+v", a, b)
	}
}

// TestHashesAreForgotten: the hashes of so many sets of folders are kept, those that were used last.
func TestHashesAreForgotten(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	first, err := hashFile([]string{"first"})
	if err != nil {
		t.Fatal(err)
	}
	dir, now := filepath.Dir(first), time.Now()
	for i := range 100 {
		name, used := filepath.Join(dir, fmt.Sprintf("hashes-%d", i)), now.Add(-time.Duration(i)*time.Hour)
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, used, used); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{first, filepath.Join(dir, "hosts")} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, time.Time{}, now.Add(-time.Hour*1000)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := hashFile([]string{"first"}); err != nil { // it is used again
		t.Fatal(err)
	}
	if _, err := hashFile([]string{"other"}); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != hashFiles || !slices.Contains(left, first) || !slices.Contains(left, filepath.Join(dir, "hosts")) ||
		!slices.Contains(left, filepath.Join(dir, "hashes-0")) || slices.Contains(left, filepath.Join(dir, "hashes-99")) {
		t.Errorf("%d files are left, %v: %q", len(left), err, left)
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, "1": 1, "500K": 500 << 10, "2m": 2 << 20, "1G": 1 << 30} {
		if got, err := readRate("limit", text); got != want || err != nil {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"0", "-1", "K", "1KK", "1.5M", "2147483648", "1T", "99999999G"} {
		if got, err := readRate("limit", text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}
