package spool

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"gnucensus/probe"
)

// TestFullDisk fills a small file system: what was kept stays whole, and what has no room is not kept.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "mode=0700,size=256k"); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(dir, "spool", "1-1")
	f, err := open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for ; err == nil && kept < 10_000; kept++ {
		err = f.add(batch{int64(kept), []probe.Observation{full}}, defaultLimit)
	}
	if !errors.Is(err, syscall.ENOSPC) || kept < 2 {
		t.Fatalf("after %d batches: %v", kept, err)
	}
	f.Close()
	if got := len(read(t, path)); got != kept-1 {
		t.Errorf("%d batches, want %d", got, kept-1)
	}
}
