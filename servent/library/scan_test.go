package library_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/library"
	"gnucensus/servent/urn"
)

func open(t *testing.T, cfg library.Config) *library.Library {
	t.Helper()
	lib, err := library.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lib.Close() })
	return lib
}

func scan(t *testing.T, lib *library.Library) {
	t.Helper()
	if err := lib.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// content reads what a library has under an index.
func content(t *testing.T, lib *library.Library, index uint32) string {
	t.Helper()
	f, err := lib.Open(index)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func names(lib *library.Library) []string {
	var all []string
	for m := range lib.All() {
		all = append(all, m.Name)
	}
	slices.Sort(all)
	return all
}

// TestShared holds what a scan shares to a folder of all kinds of things that it must not share.
func TestShared(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir := filepath.Join(top, "shared")
	write(t, top, "secret.txt", "outside")
	write(t, dir, "plain.txt", "plain")
	write(t, dir, "empty.txt", "")
	write(t, dir, "below/deep/deeper.txt", "deep")
	write(t, dir, "cafe\u0301.txt", "composed")
	write(t, dir, "line\nbreak \xff.txt", "odd")
	write(t, dir, ".hidden.txt", "hidden")
	write(t, dir, ".hidden/inside.txt", "hidden")
	write(t, dir, "half.ogg.partial", "partial")
	write(t, dir, "half.ogg.partial-state", "partial")
	write(t, dir, "half.ISO.PART", "partial")
	for link, to := range map[string]string{
		"absolute.txt": filepath.Join(top, "secret.txt"), "relative.txt": "../secret.txt", "folder": top, "alias.txt": "plain.txt",
		"dangling.txt": "nowhere", "loop": ".",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.txt"), 0o644); err != nil {
		t.Fatal(err)
	}

	lib := open(t, library.Config{Folders: []string{filepath.Join(dir, "below"), dir, dir + "/../shared"}})
	if lib.Files() != 0 {
		t.Errorf("%d files before the scan", lib.Files())
	}
	scan(t, lib)
	want := []string{"caf\u00e9.txt", "deeper.txt", "empty.txt", "line_break _.txt", "plain.txt"}
	if diff := cmp.Diff(want, names(lib)); diff != "" {
		t.Errorf("shared (-want +got):\n%s", diff)
	}
	for m := range lib.All() {
		got := content(t, lib, m.Index)
		tree, ok := lib.Tree(m.Index)
		sum, wantTree, _ := urn.Hash(t.Context(), strings.NewReader(got), uint64(len(got)))
		if *m.URN.SHA1 != sum || *m.URN.Tiger != wantTree.Root() || m.Size != uint64(len(got)) || !ok || tree.Root() != wantTree.Root() {
			t.Errorf("%s: %+v, tree %v", m.Name, m, tree)
		}
		if same, ok := lib.BySHA1(sum); !ok || same.Name != m.Name {
			t.Errorf("%s: by its hash %v", m.Name, same)
		}
	}
	before := lib.Revision()
	scan(t, lib)
	if lib.Revision() != before {
		t.Error("a scan without changes changed the library")
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "stays.txt", "same")
	write(t, dir, "twin.txt", "same")
	write(t, dir, "changes.txt", "before")
	lib := open(t, library.Config{Folders: []string{dir}})
	scan(t, lib)
	index := func(word string) uint32 {
		t.Helper()
		found := lib.Match(word, 10)
		if len(found) != 1 {
			t.Fatalf("%s: %v", word, found)
		}
		return found[0].Index
	}
	stays, changes := index("stays"), index("changes")
	revision := lib.Revision()

	write(t, dir, "changes.txt", "afterwards")
	if _, err := lib.Open(changes); !errors.Is(err, library.ErrChanged) {
		t.Errorf("opened a file that is not the one that was hashed: %v", err)
	}
	write(t, dir, "comes.txt", "new")
	if err := os.Remove(filepath.Join(dir, "twin.txt")); err != nil {
		t.Fatal(err)
	}
	scan(t, lib)
	if diff := cmp.Diff([]string{"changes.txt", "comes.txt", "stays.txt"}, names(lib)); diff != "" {
		t.Errorf("shared (-want +got):\n%s", diff)
	}
	if index("stays") != stays || index("changes") == changes || lib.Revision() == revision || lib.KiB() != 0 || lib.Files() != 3 {
		t.Errorf("stays is %d, was %d; changes is %d, was %d", index("stays"), stays, index("changes"), changes)
	}
	if got := content(t, lib, index("changes")); got != "afterwards" {
		t.Errorf("changes holds %q", got)
	}
	if m, ok := lib.BySHA1(sha1.Sum([]byte("same"))); !ok || m.Index != stays {
		t.Errorf("the hash of the twin that stays: %v, %v", m, ok)
	}
	if lib.Match("twin", 1) != nil {
		t.Error("found a file that is gone")
	}
	if _, ok := lib.BySHA1(sha1.Sum([]byte("before"))); ok {
		t.Error("found the hash that a file had")
	}
	for _, name := range []string{"changes.txt", "comes.txt", "stays.txt"} {
		os.Remove(filepath.Join(dir, name))
	}
	write(t, dir, "last.txt", "last")
	scan(t, lib) // most are gone now, so that the words are collected anew
	if got := names(lib); !slices.Equal(got, []string{"last.txt"}) || lib.Match("stays", 1) != nil || index("last") == 0 {
		t.Errorf("at last: %v", got)
	}
}

// TestReplaced puts other things in the place of a file that was scanned.
func TestReplaced(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir := filepath.Join(top, "shared")
	write(t, top, "out/file.txt", "12345")
	past := time.Unix(1e9, 0)
	for name, replace := range map[string]func(path string) error{
		"a link to a file outside": func(path string) error { return os.Symlink("../out/file.txt", path) },
		"a pipe":                   func(path string) error { return syscall.Mkfifo(path, 0o644) },
		"a folder":                 func(path string) error { return os.Mkdir(path, 0o755) },
		"nothing":                  func(string) error { return nil },
	} {
		write(t, dir, "file.txt", "inside")
		path := filepath.Join(dir, "file.txt")
		os.Chtimes(path, past, past)
		lib := open(t, library.Config{Folders: []string{dir}})
		scan(t, lib)
		if err := errors.Join(os.Remove(path), replace(path)); err != nil {
			t.Fatal(err)
		}
		if _, err := lib.Open(1); !errors.Is(err, library.ErrChanged) {
			t.Errorf("%s: %v", name, err)
		}
		scan(t, lib)
		if lib.Files() != 0 {
			t.Errorf("%s is shared", name)
		}
		os.Remove(path)
	}
	write(t, dir, "below/file.txt", "12345")
	lib := open(t, library.Config{Folders: []string{dir}})
	scan(t, lib)
	for _, name := range []string{filepath.Join(top, "out/file.txt"), filepath.Join(dir, "below/file.txt")} {
		os.Chtimes(name, past, past)
	}
	scan(t, lib)
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "below")), os.Symlink("../out", filepath.Join(dir, "below"))); err != nil {
		t.Fatal(err)
	}
	for m := range lib.All() {
		if _, err := lib.Open(m.Index); !errors.Is(err, library.ErrChanged) {
			t.Errorf("a link to a folder outside: %v", err)
		}
	}
}

// TestCache checks that hashes outlive the library: a file whose content changes behind size and time keeps its old hash, which
// shows that it was not read again.
func TestCache(t *testing.T) {
	t.Parallel()
	dir, cache := t.TempDir(), filepath.Join(t.TempDir(), "hashes")
	past := time.Unix(1e9, 0)
	put := func(content string) {
		t.Helper()
		write(t, dir, "file.txt", content)
		if err := os.Chtimes(filepath.Join(dir, "file.txt"), past, past); err != nil {
			t.Fatal(err)
		}
	}
	sum := func() urn.SHA1 {
		t.Helper()
		lib := open(t, library.Config{Folders: []string{dir}, Cache: cache})
		defer lib.Close()
		scan(t, lib)
		m, ok := lib.At(1)
		if !ok {
			t.Fatal("no file")
		}
		if tree, ok := lib.Tree(1); !ok || tree.Root() != *m.URN.Tiger {
			t.Fatalf("tree %v", tree)
		}
		return *m.URN.SHA1
	}
	put("first")
	first := sum()
	put("other")
	if sum() != first {
		t.Fatal("the file was hashed again")
	}

	whole, err := os.ReadFile(cache)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-1]++
	for name, damaged := range map[string][]byte{
		"cut off":  whole[:len(whole)-1],
		"flipped":  flipped,
		"no cache": nil,
	} {
		if err := os.WriteFile(cache, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := sum(); got != sha1.Sum([]byte("other")) {
			t.Errorf("%s: hash %v", name, got)
		}
		if again, _ := os.ReadFile(cache); len(again) != len(whole) {
			t.Errorf("%s: %d bytes afterwards, want %d", name, len(again), len(whole))
		}
	}
	for n := range whole[:len(whole)-1] { // every place at which a killed process may have stopped
		if err := os.WriteFile(cache, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if n > 0 && n < len("gnucensus hashes 1\n") {
			continue // the head is written at once, before anything that is worth keeping
		}
		if got := sum(); got != sha1.Sum([]byte("other")) {
			t.Fatalf("cut after %d bytes: hash %v", n, got)
		}
	}
}

func TestCacheStaysSmall(t *testing.T) {
	t.Parallel()
	dir, cache := t.TempDir(), filepath.Join(t.TempDir(), "hashes")
	write(t, dir, "stays.txt", "stays")
	lib := open(t, library.Config{Folders: []string{dir}, Cache: cache})
	var first, largest int64 // sizes of the cache
	for i := range 1500 {
		write(t, dir, "changes.txt", strings.Repeat("x", i%7))
		at := time.Unix(int64(i), 0)
		if err := os.Chtimes(filepath.Join(dir, "changes.txt"), at, at); err != nil {
			t.Fatal(err)
		}
		scan(t, lib)
		info, err := os.Stat(cache)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = info.Size()
		}
		largest = max(largest, info.Size())
	}
	if records := largest / (first / 2); records > 1200 { // at first there are two
		t.Errorf("the cache of two files grew to some %d records", records)
	}
	stays := lib.Match("stays", 1)
	if tree, ok := lib.Tree(stays[0].Index); !ok || tree.Root() != *stays[0].URN.Tiger {
		t.Error("the tree of a file that never changed is lost")
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "foreign", "something else entirely, which must not be overwritten")
	inUse := filepath.Join(dir, "hashes")
	open(t, library.Config{Cache: inUse})
	for want, cfg := range map[string]library.Config{
		"nowhere":              {Folders: []string{filepath.Join(dir, "nowhere")}},
		"not a file of hashes": {Cache: filepath.Join(dir, "foreign")},
		"in use by another":    {Cache: inUse},
		"is a directory":       {Cache: dir},
		"not a directory":      {Folders: []string{filepath.Join(dir, "foreign")}},
	} {
		if _, err := library.Open(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "foreign")); !strings.HasPrefix(string(b), "something else") {
		t.Error("a foreign file was overwritten")
	}
}

// TestVanishedFolder checks that a scan that cannot be finished, as when a disk is not mounted, takes nothing out.
func TestVanishedFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "shared")
	write(t, dir, "file.txt", "content")
	lib := open(t, library.Config{Folders: []string{dir}})
	scan(t, lib)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := lib.Scan(ctx); !errors.Is(err, context.Canceled) || lib.Files() != 1 {
		t.Errorf("a scan that was cancelled: %v, %d files", err, lib.Files())
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := lib.Scan(t.Context()); err == nil || !strings.Contains(err.Error(), dir) || lib.Files() != 1 {
		t.Errorf("a folder that cannot be read: %v, %d files", err, lib.Files())
	}
}

// TestRun lets a library that runs find a new file.
func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		lib := open(t, library.Config{Folders: []string{dir}, Every: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error)
		go func() { ended <- lib.Run(ctx) }()
		synctest.Wait()
		write(t, dir, "file.txt", "content")
		<-time.After(59 * time.Minute) // of the fake clock
		if got := lib.Files(); got != 0 {
			t.Errorf("%d files within the hour", got)
		}
		<-time.After(2 * time.Minute)
		synctest.Wait()
		if got := lib.Files(); got != 1 {
			t.Errorf("%d files after the hour", got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
