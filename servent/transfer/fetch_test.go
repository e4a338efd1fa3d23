package transfer

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gnucensus/servent/internal/vector"
	"gnucensus/servent/internal/vicinity"
	"gnucensus/servent/library"
	"gnucensus/servent/urn"
)

// sourceOf returns the source that an address is.
func sourceOf(addr netip.AddrPort) Source { return Source{Addr: addr} }

// whole returns a server of one file, as a source.
func whole(t *testing.T, content []byte) Source {
	t.Helper()
	return sourceOf(listenServer(t, Config{Agent: "test", Library: oneFile(t, "file.bin", content)}))
}

// bitprint returns both hashes of a content.
func bitprint(content []byte) urn.URN {
	sum, tree, _ := urn.Hash(context.Background(), bytes.NewReader(content), uint64(len(content)))
	root := tree.Root()
	return urn.URN{SHA1: &sum, Tiger: &root}
}

// sha1Of returns the SHA1 of a content alone.
func sha1Of(content []byte) urn.URN { return urn.URN{SHA1: bitprint(content).SHA1} }

// expectFile checks that a fetch ended well, and that nothing else lies in its folder.
func expectFile(t *testing.T, job Job, r *Result, err error, content []byte) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(r.Path)
	if err != nil {
		t.Fatal(err)
	}
	u := bitprint(content)
	if !bytes.Equal(got, content) || !r.Verified || r.Size != uint64(len(content)) || *r.URN.SHA1 != *u.SHA1 || *r.URN.Tiger != *u.Tiger {
		t.Errorf("fetched %d bytes with %+v, want %d", len(got), r, len(content))
	}
	if left := folder(t, job.Folder); !slices.Equal(left, []string{filepath.Base(r.Path)}) {
		t.Errorf("the folder holds %q", left)
	}
}

func folder(t *testing.T, name string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestFetch fetches files of all sizes that matter to a tree, from one source and from several.
func TestFetch(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 1024, 1025, 200_000, 262_144, 614_400, 3_000_000} {
		for sources := 1; sources <= 3; sources += 2 {
			content := noise(size, uint64(size))
			job := Job{URN: sha1Of(content), Folder: t.TempDir(), Agent: "test"}
			for range sources {
				job.Sources = append(job.Sources, whole(t, content))
			}
			r, err := Fetch(t.Context(), job)
			expectFile(t, job, r, err, content)
			if filepath.Base(r.Path) != "file.bin" {
				t.Errorf("the file is called %s", r.Path)
			}
		}
	}
}

// TestFetchByIndex fetches what is known by its numbers at some hosts, all of whom tell its hash.
func TestFetchByIndex(t *testing.T) {
	t.Parallel()
	content := noise(300_000, 20)
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a b%20ü.bin"), content)
	lib := shared(t, library.Config{Folders: []string{dir}})
	job := Job{Folder: t.TempDir()}
	for range 3 {
		job.Sources = append(job.Sources, Source{Addr: listenServer(t, Config{Library: lib}), Index: 1, Name: "a b%20ü.bin"})
	}
	r, err := Fetch(t.Context(), job)
	expectFile(t, job, r, err, content)
	if filepath.Base(r.Path) != "a b%20ü.bin" {
		t.Errorf("the file is called %s", r.Path)
	}
}

// A cutter counts what is written, and ends its connection after so many bytes.
type cutter struct {
	net.Conn
	left int
	cut  func()
	sent *atomic.Int64
}

func (c *cutter) Write(b []byte) (int, error) {
	n := min(len(b), c.left)
	c.left -= n
	wrote, err := c.Conn.Write(b[:n])
	c.sent.Add(int64(wrote))
	if err == nil && n < len(b) {
		c.cut()
		c.Conn.Close()
		return wrote, net.ErrClosed
	}
	return wrote, err
}

// cutting returns a source whose connections end after so many bytes each, and the number of bytes that it has sent.
func cutting(t *testing.T, content []byte, bytes int, cut func()) (Source, *atomic.Int64) {
	t.Helper()
	sent := new(atomic.Int64)
	s := NewServer(Config{Library: oneFile(t, "file.bin", content), Slots: 100, PerHost: 100})
	addr := listen(t, func(ctx context.Context, c net.Conn) {
		s.Serve(ctx, &cutter{Conn: c, left: bytes, cut: cut, sent: sent})
	})
	return Source{Addr: addr, Index: 1, Name: "file.bin"}, sent
}

// TestCuts fetches from a host that cuts every connection.
func TestCuts(t *testing.T) {
	t.Parallel()
	content := noise(3_000_000, 39)
	source, _ := cutting(t, content, 1_000_000, func() {})
	job := Job{URN: sha1Of(content), Folder: t.TempDir(), Sources: []Source{source}}
	r, err := Fetch(t.Context(), job)
	expectFile(t, job, r, err, content)
}

// TestResume ends a fetch in the middle, and perhaps changes what it has left: the next one fetches what is missing, and no more.
func TestResume(t *testing.T) {
	t.Parallel()
	content := noise(4_000_000, 40)
	const cut = 2_500_000 // bytes
	for what, c := range map[string]struct {
		urn    urn.URN
		damage int64 // where the file is changed; 0: nowhere
		most   int64 // bytes of the second fetch
	}{
		"with a tree":             {bitprint(content), 0, 2_100_000},
		"with a SHA1":             {sha1Of(content), 0, 2_100_000},
		"with nothing":            {urn.URN{}, 0, 2_100_000},
		"damaged, with a tree":    {bitprint(content), 1000, 2_400_000},
		"damaged beyond the cuts": {bitprint(content), 3_900_000, 2_100_000},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			first, _ := cutting(t, content, cut, func() {})
			job := Job{URN: c.urn, Folder: t.TempDir(), Name: "file.bin", Size: uint64(len(content)), Sources: []Source{first}}
			dials := 0
			job.Dial = func(ctx context.Context, s Source) (net.Conn, error) {
				if dials++; dials > 1 { // one after the other, for there is one source
					cancel()
				}
				return new(net.Dialer).DialContext(ctx, "tcp", s.Addr.String())
			}
			if _, err := Fetch(ctx, job); !errors.Is(err, context.Canceled) {
				t.Fatalf("cancelled: %v", err)
			}
			if left := folder(t, job.Folder); !slices.Equal(left, []string{"file.bin.partial", "file.bin.partial-state"}) {
				t.Fatalf("the folder holds %q", left)
			}
			if c.damage > 0 {
				f, err := os.OpenFile(filepath.Join(job.Folder, "file.bin.partial"), os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := f.WriteAt([]byte("damaged"), c.damage); err != nil {
					t.Fatal(err)
				}
				f.Close()
			}
			second, sent := cutting(t, content, math.MaxInt, nil)
			job.Sources, job.Dial = []Source{second}, nil
			r, err := Fetch(t.Context(), job)
			expectFile(t, job, r, err, content)
			if sent.Load() > c.most {
				t.Errorf("the second fetch took %d bytes, want at most %d", sent.Load(), c.most)
			}
		})
	}
}

// TestNothingOverwritten checks that a fetch touches no file that is there.
func TestNothingOverwritten(t *testing.T) {
	t.Parallel()
	content := noise(400_000, 42)
	source := whole(t, content)
	for _, taken := range []string{"file.bin", "file.bin.partial"} {
		dir := t.TempDir()
		put(t, filepath.Join(dir, taken), []byte("mine"))
		for _, size := range []uint64{0, uint64(len(content))} {
			job := Job{URN: sha1Of(content), Folder: dir, Name: "file.bin", Size: size, Sources: []Source{source}}
			if _, err := Fetch(t.Context(), job); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%s is there: %v", taken, err)
			}
		}
		if got, _ := os.ReadFile(filepath.Join(dir, taken)); string(got) != "mine" {
			t.Errorf("%s was overwritten", taken)
		}
	}
	dir := t.TempDir() // the name is taken while the fetch goes on
	job := Job{URN: sha1Of(content), Folder: dir, Name: "file.bin", Sources: []Source{source}}
	job.Dial = func(ctx context.Context, s Source) (net.Conn, error) {
		put(t, filepath.Join(dir, "file.bin"), []byte("mine"))
		return new(net.Dialer).DialContext(ctx, "tcp", s.Addr.String())
	}
	job.Size = uint64(len(content))
	_, err := Fetch(t.Context(), job)
	got, _ := os.ReadFile(filepath.Join(dir, "file.bin"))
	if !errors.Is(err, fs.ErrExist) || string(got) != "mine" {
		t.Errorf("the name was taken meanwhile: %v, %q", err, got)
	}
}

// TestTwoAtOnce checks that two fetches do not write one file.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	content := noise(400_000, 43)
	job := Job{URN: sha1Of(content), Folder: t.TempDir(), Name: "file.bin", Size: uint64(len(content)), Sources: []Source{whole(t, content)}}
	second := job
	job.Dial = func(ctx context.Context, s Source) (net.Conn, error) {
		if _, err := Fetch(ctx, second); !errors.Is(err, errInUse) {
			t.Errorf("a second fetch: %v", err)
		}
		return new(net.Dialer).DialContext(ctx, "tcp", s.Addr.String())
	}
	r, err := Fetch(t.Context(), job)
	expectFile(t, job, r, err, content)
}

// TestAlternatesLearnt gives a fetch one source that is busy for ever, but knows another.
func TestAlternatesLearnt(t *testing.T) {
	t.Parallel()
	content := noise(700_000, 45)
	other := whole(t, content)
	mesh := &library.Mesh{}
	mesh.Add(*sha1Of(content).SHA1, other.Addr, other.Addr.Addr())
	s := NewServer(Config{Library: oneFile(t, "file.bin", content), Mesh: mesh, Slots: 1})
	s.slots.free = 0
	busy := sourceOf(listen(t, func(ctx context.Context, c net.Conn) { s.Serve(ctx, c) }))
	learnt := &library.Mesh{}
	job := Job{URN: sha1Of(content), Folder: t.TempDir(), Sources: []Source{busy}, Mesh: learnt}
	r, err := Fetch(t.Context(), job)
	expectFile(t, job, r, err, content)
	if got := learnt.Find(*sha1Of(content).SHA1, other.Addr.Addr(), 10); !slices.Equal(got, []netip.AddrPort{other.Addr}) {
		t.Errorf("learnt %v", got)
	}
}

// TestFetchQueued lets a fetch wait in the queue of its only source.
func TestFetchQueued(t *testing.T) {
	t.Parallel()
	content := noise(300_000, 46)
	s := NewServer(Config{Library: oneFile(t, "file.bin", content), Slots: 1})
	held, _ := s.slots.take(wish{host: peerHost(1)})
	told := make(chan struct{})
	var once sync.Once
	addr := listen(t, func(ctx context.Context, c net.Conn) {
		s.Serve(ctx, &forger{Conn: c, forge: func(head string) string {
			if strings.HasPrefix(head, "HTTP/1.1 503") {
				once.Do(func() { close(told) })
			}
			return strings.Replace(head, "Retry-After: 30", "Retry-After: 1", 1)
		}})
	})
	go func() {
		<-told
		s.slots.leave(held)
	}()
	job := Job{URN: sha1Of(content), Folder: t.TempDir(), Sources: []Source{sourceOf(addr)}}
	r, err := Fetch(t.Context(), job)
	expectFile(t, job, r, err, content)
}

// TestPartialSource fetches from a host that itself only has parts, and fetches the rest.
func TestPartialSource(t *testing.T) {
	t.Parallel()
	content := noise(3_000_000, 47)
	partials := &Partials{}
	halfway, finished := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	first := Job{
		URN: bitprint(content), Folder: t.TempDir(), Sources: []Source{whole(t, content)}, Partials: partials, Rate: 4 << 20,
		Progress: func(p Progress) {
			if p.Done > p.Size/4 {
				once.Do(func() { close(halfway) })
			}
		},
	}
	go func() {
		_, err := Fetch(t.Context(), first)
		finished <- err
	}()
	<-halfway
	partial := sourceOf(listenServer(t, Config{Partials: partials}))
	second := Job{URN: bitprint(content), Folder: t.TempDir(), Sources: []Source{partial, whole(t, content)}}
	r, err := Fetch(t.Context(), second)
	expectFile(t, second, r, err, content)
	if err := <-finished; err != nil {
		t.Error(err)
	}
	if _, ok := partials.find(*first.URN.SHA1); ok {
		t.Error("a finished file is still a partial one")
	}
}

func TestDisposition(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`inline; filename*="utf-8'en'quokka%20pouch.pdf"`: "quokka pouch.pdf",
		`attachment; filename*=UTF-8''a%2Fb.txt`:          "a/b.txt",
		`attachment; filename="x y.txt"`:                  "x y.txt",
		`attachment; filename="census%20track+1.mp3"`:     "census track+1.mp3",
		`attachment; filename="100% sure.txt"`:            "100% sure.txt",
		`inline`:                                          "",
		`filename*=utf-8'en'%zz`:                          "%zz",
	} {
		if got := disposition(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

// FuzzAnswer lets a source say anything in the head of an answer, and checks what is taken of it.
func FuzzAnswer(f *testing.F) {
	for _, v := range vector.Read(f, "testdata/gtk-gnutella.txt") {
		f.Add(v.Bytes)
	}
	f.Add([]byte("HTTP/1.1 503 Busy\r\nX-Available-Ranges: bytes 0-10,5-20,18446744073709551615-1\r\nX-Alt: tls=8,192.0.2.1,192.0.2.2:0\r\n" +
		"X-Queued: ID=00112233445566778899aabbccddeeff; position=3\r\nX-Thex-URI: /x y;\r\nContent-Disposition: inline; filename=../x\r\n\r\n"))
	known := sha1Of([]byte("known"))
	f.Fuzz(func(t *testing.T, b []byte) {
		resp, err := readResponse(readerOf(b))
		if err != nil {
			return
		}
		here, there := net.Pipe()
		defer here.Close()
		defer there.Close()
		s := session{download: newDownload(Job{URN: known}, nil), ctx: t.Context(), source: &source{}, conn: here}
		err = s.learn(resp)
		at := uint64(0)
		for _, part := range s.available {
			if part.from < at || part.from >= part.to {
				t.Fatalf("available %v", s.available)
			}
			at = part.to
		}
		if target := s.source.tree; target != "" && (target[0] != '/' || strings.ContainsAny(target, " \r\n") || s.source.root == nil) {
			t.Fatalf("tree at %q", target)
		}
		if *s.urn.SHA1 != *known.SHA1 || err != nil && !errors.Is(err, ErrLiar) {
			t.Fatalf("%v, %v", s.urn, err)
		}
		for _, other := range s.learnt() {
			if !other.Addr.IsValid() || other.Addr.Port() == 0 || !vicinity.Tellable(other.Addr.Addr(), netip.Addr{}) {
				t.Fatalf("learnt %v", other)
			}
		}
		if name := safeName(disposition(resp.header.Get("Content-Disposition"))); !filepath.IsLocal(name) || filepath.Base(name) != name {
			t.Fatalf("called %q", name)
		}
	})
}
