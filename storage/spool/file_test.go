package spool

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/probe"
)

func ptr[T any](v T) *T { return &v }

// host is one of the hosts that the tests speak of.
func host(n byte) probe.Endpoint {
	return probe.Endpoint{Network: probe.Gnutella, Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 25, 32, n}), 6346)}
}

// full has a value in every field, and its pointers point to zeros where nil would be another thing.
var full = probe.Observation{
	Endpoint: host(1), Method: probe.Query,
	Started: time.Date(2026, 11, 21, 4, 5, 6, 789_000_000, time.UTC), Took: 3 * time.Second,
	Outcome: probe.Answered, Detail: "fine", Agent: "gtk-gnutella/1.2.3 (é)", Role: probe.Ultrapeer,
	Files: ptr(int64(0)), KiB: ptr(int64(1 << 40)), Uptime: ptr(time.Duration(0)),
	Peers: []probe.Peer{
		{Endpoint: host(2), Relation: probe.LeafLink},
		{Endpoint: probe.Endpoint{Network: probe.Gnutella, Addr: netip.MustParseAddrPort("[2001:db8::1]:1")}, Relation: probe.XTry},
	},
	Query: "free music",
	Hits: []probe.Hit{{
		Responder: host(3), Servent: [16]byte{1, 255}, Delay: time.Millisecond, Hops: 2, Results: 3, Vendor: "GTKG",
		Firewalled: ptr(false),
	}, {Responder: host(4)}},
	Fields: map[string]string{"code": "200"},
}

var bare = probe.Observation{Endpoint: host(5), Method: probe.UDPPing, Outcome: probe.Silent}

var same = []cmp.Option{
	cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
}

func newFile(t testing.TB, batches ...batch) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "data", "spool", "1-1")
	f, err := open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, b := range batches {
		if err := f.add(b, defaultLimit); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// read opens a spool and returns what is in it.
func read(t testing.TB, path string) (batches []batch) {
	t.Helper()
	f, err := open(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	observations := 0
	err = f.each(func(b batch) error {
		batches = append(batches, b)
		observations += len(b.Observations)
		return nil
	})
	if err != nil || f.observations != observations {
		t.Errorf("read %d observations, not %d: %v", observations, f.observations, err)
	}
	return batches
}

func TestWhatIsKeptComesBack(t *testing.T) {
	t.Parallel()
	want := []batch{{0, []probe.Observation{full, bare}}, {2, []probe.Observation{bare}}, {3, []probe.Observation{}}}
	path := newFile(t, want...)
	if diff := cmp.Diff(want, read(t, path), same...); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, mode := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): fs.ModeDir | 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// TestChildProcessHoldsNoLock has another descriptor of the open spool, as a child process has until it begins its program.
func TestChildProcessHoldsNoLock(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	f, err := open(path, false)
	if err != nil {
		t.Fatal(err)
	}
	child, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(child)
	if _, err := open(path, false); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("opened twice: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	read(t, path)
}

func TestTextsThatJSONCannotHold(t *testing.T) {
	t.Parallel()
	o := full
	o.Agent, o.Detail, o.Query, o.Fields = "a\xffb", "\xc3\x28\x00", "\xff", map[string]string{"k\xff": "v\xfe\xff"}
	o.Hits = []probe.Hit{{Responder: host(1), Vendor: "\xffAB"}}
	want := o
	want.Agent, want.Detail, want.Query = "a\ufffdb", "\ufffd(\x00", "\ufffd"
	want.Fields, want.Hits = map[string]string{"k\ufffd": "v\ufffd"}, []probe.Hit{{Responder: host(1), Vendor: "\ufffdAB"}}
	got := read(t, newFile(t, batch{0, []probe.Observation{o}}))
	if diff := cmp.Diff([]batch{{0, []probe.Observation{want}}}, got, same...); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if o.Agent != "a\xffb" || o.Fields["k\xff"] == "" || o.Hits[0].Vendor != "\xffAB" {
		t.Error("the observation itself was changed")
	}
}

// TestTornRecord cuts the file, as a loss of power does, at each byte of its last record: all before it is there, and the
// file can be written to.
func TestTornRecord(t *testing.T) {
	t.Parallel()
	first, second := batch{0, []probe.Observation{full}}, batch{1, []probe.Observation{bare}}
	whole, err := os.ReadFile(newFile(t, first, second))
	if err != nil {
		t.Fatal(err)
	}
	one, err := os.ReadFile(newFile(t, first))
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, torn []byte, writeTo bool) {
		t.Helper()
		path := newFile(t)
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]batch{first}, read(t, path), same...); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", what, diff)
		}
		if !writeTo {
			return
		}
		f, err := open(path, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.add(second, defaultLimit), f.Close()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]batch{first, second}, read(t, path), same...); diff != "" {
			t.Fatalf("%s, written to (-want +got):\n%s", what, diff)
		}
	}
	for end := len(one); end < len(whole); end++ {
		check("cut", whole[:end], end%16 == 0)
	}
	damaged := append([]byte(nil), whole...)
	damaged[len(damaged)-1] ^= 1
	check("damaged", damaged, true)
	check("with zeros where the file system had made room", append(append([]byte(nil), one...), make([]byte, 100)...), true)
	for end := range magic {
		path := newFile(t)
		if err := os.Truncate(path, int64(end)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); len(got) != 0 {
			t.Errorf("%d batches in %d bytes", len(got), end)
		}
	}
}

func TestStrangeFiles(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	if err := os.WriteFile(path, []byte("something else altogether"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(path, true); err == nil || !strings.Contains(err.Error(), "no spool") {
		t.Errorf("something else: error %v", err)
	}
	if _, err := open(path+"0", false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: error %v", err)
	}
	if err := os.Symlink(newFile(t), path+"1"); err != nil {
		t.Fatal(err)
	}
	if _, err := open(path+"1", true); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link: error %v", err)
	}
	f, err := open(newFile(t), true)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := open(f.Name(), true); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("twice: error %v", err)
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	path := newFile(t, batch{0, []probe.Observation{bare}})
	f, err := open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size := f.size
	if err := f.add(batch{1, []probe.Observation{bare}}, 2*size-int64(len(magic))-1); !errors.Is(err, errFull) || f.size != size {
		t.Errorf("a byte too much: %v, %d bytes", err, f.size)
	}
	if err := f.add(batch{1, []probe.Observation{bare}}, 2*size-int64(len(magic))); err != nil || f.batches != 2 {
		t.Errorf("just fits: %v, %d batches", err, f.batches)
	}
}

// FuzzOpen reads hostile files. Whatever is read is read again.
func FuzzOpen(f *testing.F) {
	one, two := batch{0, []probe.Observation{full}}, batch{1, []probe.Observation{bare}}
	for _, batches := range [][]batch{nil, {one}, {one, two}} {
		seed, err := os.ReadFile(newFile(f, batches...))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
		f.Add(seed[:len(seed)-3])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "1-1")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := open(path, true)
		if err != nil {
			return
		}
		was := s.batches
		s.Close()
		if got := read(t, path); len(got) != was {
			t.Errorf("%d batches, then %d", was, len(got))
		}
	})
}
