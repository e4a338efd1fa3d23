package transfer

import (
	"bufio"
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
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/message"
	"gnucensus/servent/urn"
)

// foreign returns a server of somebody else, as a source.
func foreign(t *testing.T, handler http.HandlerFunc) Source {
	t.Helper()
	l, err := net.Listen("tcp4", net.JoinHostPort(freshHost().String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := http.Server{Handler: handler}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		<-ended
	})
	return sourceOf(l.Addr().(*net.TCPAddr).AddrPort())
}

// TestShortAnswers fetches from a host that sends but a part of what it is asked for, and no whole segment at a time.
func TestShortAnswers(t *testing.T) {
	t.Parallel()
	content := noise(900_000, 70)
	var answers atomic.Int32
	source := foreign(t, func(w http.ResponseWriter, r *http.Request) {
		if part, err := parseRange(r.Header.Get("Range"), uint64(len(content))); err == nil {
			part.to = min(part.to, part.from+100_000)
			r.Header.Set("Range", "bytes="+part.String())
			answers.Add(1)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
	job := Job{URN: sha1Of(content), Folder: t.TempDir(), Sources: []Source{source}}
	r, err := Fetch(t.Context(), job)
	expectFile(t, job, r, err, content)
	if answers.Load() < 9 {
		t.Errorf("%d answers", answers.Load())
	}
}

// TestWholeAnswers fetches from a host that knows no ranges: it is of use to who asks for all.
func TestWholeAnswers(t *testing.T) {
	t.Parallel()
	content := noise(200_000, 71)
	source := foreign(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		if r.Method == http.MethodGet {
			w.Write(content)
		}
	})
	job := Job{URN: sha1Of(content), Folder: t.TempDir(), Sources: []Source{source}}
	r, err := Fetch(t.Context(), job)
	expectFile(t, job, r, err, content)
}

// TestNothingToVerifyBy fetches from a host that tells no hash what was asked for without one.
func TestNothingToVerifyBy(t *testing.T) {
	t.Parallel()
	content := noise(300_000, 76)
	source := foreign(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/get/7/any.bin" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
	source.Index, source.Name = 7, "any.bin"
	r, err := Fetch(t.Context(), Job{Folder: t.TempDir(), Sources: []Source{source}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(r.Path)
	if err != nil || !bytes.Equal(got, content) || r.Verified || *r.URN.SHA1 != *sha1Of(content).SHA1 {
		t.Errorf("%d bytes, %+v, %v", len(got), r, err)
	}
}

// TestQueueOfConnections waits in a queue whose places go with the connections.
func TestQueueOfConnections(t *testing.T) {
	t.Parallel()
	content := noise(300_000, 72)
	var refusals atomic.Int32
	clients := make(chan string, 100)
	source := foreign(t, func(w http.ResponseWriter, r *http.Request) {
		clients <- r.RemoteAddr
		if n := refusals.Add(1); n <= 2 || n == 4 { // LimeWire has who asks by HEAD wait too
			w.Header().Set("X-Queue", "position=1,length=1,limit=1,pollMin=1,pollMax=120")
			w.Header().Set("Content-Length", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
	job := Job{URN: sha1Of(content), Folder: t.TempDir(), Sources: []Source{source}}
	r, err := Fetch(t.Context(), job)
	expectFile(t, job, r, err, content)
	first := <-clients
	for range len(clients) {
		if next := <-clients; next != first {
			t.Errorf("came by %s, and then by %s", first, next)
		}
	}
}

// TestForeignPartials fetches the halves of a file from hosts that have one each: one tells the size only to who asks for a part, as
// LimeWire does, the other has no part of what it is asked for first, and says so.
func TestForeignPartials(t *testing.T) {
	t.Parallel()
	content := noise(600_000, 77)
	half := plainSegment
	partial := func(has span, shrinks bool) Source {
		return foreign(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Available-Ranges", formatAvailable([]span{has}))
			wanted, err := parseRange(r.Header.Get("Range"), uint64(len(content)))
			part := wanted.overlap(has)
			if err != nil || part.len() == 0 || !shrinks && part != wanted {
				if !shrinks {
					w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", len(content)))
				}
				w.Header().Set("Content-Length", "0")
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			r.Header.Set("Range", "bytes="+part.String())
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
		})
	}
	sources := []Source{
		partial(span{0, uint64(half)}, true), partial(span{uint64(half), uint64(len(content))}, false),
	}
	job := Job{URN: sha1Of(content), Folder: t.TempDir(), Sources: sources}
	r, err := Fetch(t.Context(), job)
	expectFile(t, job, r, err, content)
	if err == nil && len(r.Dropped) != 0 {
		t.Errorf("dropped %v", r.Dropped)
	}
}

// TestNoRanges gives up a host that refuses every part and names none that it has.
func TestNoRanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		job := Job{
			URN: sha1Of([]byte("x")), Folder: t.TempDir(), Sources: []Source{{Addr: netip.MustParseAddrPort("192.0.2.1:6346")}},
			Dial: func(context.Context, Source) (net.Conn, error) {
				near, far := net.Pipe()
				go func() {
					defer far.Close()
					for r := bufio.NewReader(far); ; {
						if _, err := http.ReadRequest(r); err != nil {
							return
						}
						io.WriteString(far, "HTTP/1.1 416 Not There\r\nContent-Length: 0\r\n\r\n")
					}
				}()
				return near, nil
			},
		}
		if _, err := Fetch(t.Context(), job); !errors.Is(err, ErrNoSources) || !strings.Contains(err.Error(), "416") {
			t.Error(err)
		}
	})
}

// TestGossip: a source is told once of those that have proved to be good, and of those that are dead.
func TestGossip(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	d := newDownload(Job{URN: sha1Of([]byte("x"))}, nil)
	own, self := Source{Addr: netip.MustParseAddrPort("192.0.2.1:6346")}, netip.MustParseAddrPort("192.0.2.100:6346")
	s := &session{download: d, source: &source{Source: own}, conn: here, told: make(map[netip.AddrPort]bool)}
	expect := func(want ...string) {
		t.Helper()
		var got []string
		for _, f := range s.gossip() {
			got = append(got, f.Name+": "+f.Value)
		}
		slices.Sort(got)
		want = append([]string{"X-Gnutella-Content-URN: " + d.urn.String()}, want...)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	expect()
	at := func(text string) Source { return Source{Addr: netip.MustParseAddrPort(text)} }
	d.prove(own)
	d.prove(at("192.0.2.2:6347"))
	d.prove(at("192.168.0.1:6346"))
	d.prove(Source{Servent: message.GUID{1}})
	d.bury(at("192.0.2.3:6346"))
	expect("X-Alt: 192.0.2.2:6347", "X-NAlt: 192.0.2.3")
	d.bury(at("192.0.2.2:6347"))
	d.bury(at("192.0.2.4:6346"))
	expect("X-NAlt: 192.0.2.4")
	d.job.Own = func() netip.AddrPort { return self }
	expect() // of which there is nothing yet
	d.part = &partial{tree: new(urn.Tree), bytes: 1}
	expect("X-Alt: 192.0.2.100")
	expect()
	d.spread(http.Header{"X-Alt": {"192.0.2.100,192.0.2.7"}}, own.Addr.Addr())
	if got := d.learnt(); len(got) != 1 || got[0].Addr.String() != "192.0.2.7:6346" {
		t.Errorf("learnt %v", got)
	}
	d.urn = urn.URN{}
	if fields := s.gossip(); fields != nil {
		t.Errorf("of a file that nobody knows: %v", fields)
	}
}

// TestOneSource: a host that is named in two ways is one source.
func TestOneSource(t *testing.T) {
	t.Parallel()
	at := netip.MustParseAddrPort("192.0.2.1:6346")
	c := newCrew(newDownload(Job{Sources: []Source{
		{Addr: at}, {Addr: at, Servent: message.GUID{1}}, {Servent: message.GUID{1}}, {Servent: message.GUID{2}}, {Servent: message.GUID{1}, Index: 7},
	}}, nil))
	if len(c.sources) != 3 || c.sources[0].Servent != (message.GUID{1}) {
		t.Errorf("%d sources, the first is %+v", len(c.sources), c.sources[0])
	}
	c.enlist(Source{Addr: at})
	if c.sources[0].Servent != (message.GUID{1}) {
		t.Error("who it is has been forgotten")
	}
}

// TestHugeFile asks a host that says that its file is larger than any.
func TestHugeFile(t *testing.T) {
	t.Parallel()
	source := foreign(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "4611686018427387904") })
	job := Job{URN: sha1Of(nil), Folder: t.TempDir(), Sources: []Source{source}}
	if _, err := Fetch(t.Context(), job); !errors.Is(err, ErrNoSources) || !errors.Is(err, errHead) {
		t.Errorf("a huge file: %v", err)
	}
	job.Size = maxFile + 1
	if _, err := Fetch(t.Context(), job); err == nil || errors.Is(err, ErrNoSources) {
		t.Errorf("a huge job: %v", err)
	}
}

// TestCoarseTree fetches from a host that cuts its connections and has of the tree nothing but the root: as it tells of no
// smaller segment whether it is right, no segment may be as large as that.
func TestCoarseTree(t *testing.T) {
	t.Parallel()
	content := noise(4_000_000, 73)
	root := *bitprint(content).Tiger
	tree, err := urn.NewTree(uint64(len(content)), []urn.Tiger{root})
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Bool
	source := foreign(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Thex-URI", "/tree;"+root.String())
		switch {
		case r.URL.Path == "/tree":
			asked.Store(true)
			w.Write(appendTHEX(nil, tree))
		case r.Method == http.MethodHead:
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
		default:
			part, err := parseRange(r.Header.Get("Range"), uint64(len(content)))
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %s/%d", part, len(content)))
			w.Header().Set("Content-Length", fmt.Sprint(part.len()))
			w.WriteHeader(http.StatusPartialContent)
			w.Write(content[part.from:min(part.to, part.from+1_000_000)])
		}
	})
	job := Job{URN: bitprint(content), Folder: t.TempDir(), Sources: []Source{source}}
	r, err := Fetch(t.Context(), job)
	expectFile(t, job, r, err, content)
	if !asked.Load() {
		t.Error("the tree was not asked for")
	}
}

// TestResumeRenamed goes on with a file under the name that it was given first, whatever it is called the next time.
func TestResumeRenamed(t *testing.T) {
	t.Parallel()
	content := noise(1_000_000, 74)
	for _, name := range []string{"", "other.bin"} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		first, _ := cutting(t, content, 600_000, func() { <-ctx.Done() })
		job := Job{URN: sha1Of(content), Folder: t.TempDir(), Sources: []Source{first}, Progress: func(p Progress) {
			if p.Done > 0 {
				cancel()
			}
		}}
		if _, err := Fetch(ctx, job); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		addr := listenServer(t, Config{Library: oneFile(t, "other.bin", content)})
		job.Name, job.Sources, job.Progress = name, []Source{{Addr: addr, Name: "other.bin"}}, nil
		r, err := Fetch(t.Context(), job)
		expectFile(t, job, r, err, content)
		if filepath.Base(r.Path) != "file.bin" {
			t.Errorf("the file is called %s", r.Path)
		}
	}
}

// A turncoat waits before its first body, and perhaps changes the first byte of whatever it sends of the file.
type turncoat struct {
	net.Conn
	wait  func()
	turns bool
	part  bool // of the file is what is being sent
}

func (c *turncoat) Write(b []byte) (int, error) {
	switch {
	case bytes.HasPrefix(b, []byte("HTTP/1.1 ")):
		if c.part = bytes.HasPrefix(b, []byte("HTTP/1.1 206 ")); c.part {
			c.wait()
		}
	case c.part && c.turns:
		b = append([]byte{b[0] ^ 1}, b[1:]...)
	}
	return c.Conn.Write(b)
}

// TestThreeSources fetches from three hosts at once, of which one sends wrong bytes under the true tree.
func TestThreeSources(t *testing.T) {
	t.Parallel()
	content := noise(4_000_000, 75)
	var asked atomic.Int32
	all := make(chan struct{})
	wait := func() { // nobody sends a byte before three have been asked for some
		if asked.Add(1) == 3 {
			close(all)
		}
		select {
		case <-all:
		case <-t.Context().Done():
		}
	}
	s := NewServer(Config{Library: oneFile(t, "file.bin", content), PerHost: 3})
	serve := func(turns bool) Source {
		return sourceOf(listen(t, func(ctx context.Context, c net.Conn) { s.Serve(ctx, &turncoat{Conn: c, wait: wait, turns: turns}) }))
	}
	lies := serve(true)
	job := Job{URN: sha1Of(content), Folder: t.TempDir(), Sources: []Source{serve(false), lies, serve(false)}}
	r, err := Fetch(t.Context(), job)
	expectFile(t, job, r, err, content)
	if len(r.Dropped) != 1 || r.Dropped[0].Source != lies || !errors.Is(r.Dropped[0].Err, ErrLiar) {
		t.Errorf("dropped %v", r.Dropped)
	}
}
