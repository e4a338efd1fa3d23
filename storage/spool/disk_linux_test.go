package spool

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"gnucensus/probe"
	"gnucensus/storage/smalldisk"
)

// TestFullDisk fills a small file system: what was kept stays whole, and what has no room is not kept.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(smalldisk.Mount(t, "256k"), "spool", "1-1")
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
