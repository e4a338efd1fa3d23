package cluster

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gnucensus/storage/smalldisk"
)

func TestFullDisk(t *testing.T) {
	t.Parallel()
	base := smalldisk.Mount(t, "20m")
	dir := filepath.Join(base, "data")
	_, err := Open(t.Context(), Config{Dir: dir})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "\ninitdb: ") {
		t.Errorf("make: error %v; want one with the end of what initdb said, on lines of its own", err)
	}
	if exists(dir, scratch) {
		t.Error("a scratch folder is left")
	}

	base = smalldisk.Mount(t, "100m")
	dir = filepath.Join(base, "data")
	if out, err := exec.Command("cp", "-a", madeDir(t), base).CombinedOutput(); err != nil {
		t.Fatalf("copy: %v\n%s", err, out)
	}
	smalldisk.Fill(t, base)
	_, err = Open(t.Context(), Config{Dir: dir})
	if full := new(fs.PathError); !errors.Is(err, syscall.ENOSPC) || !errors.As(err, &full) || filepath.Dir(full.Path) != dir {
		t.Errorf("start: error %v; want one that names a file of %s", err, dir)
	}
	if err := os.Remove(filepath.Join(base, smalldisk.Ballast)); err != nil {
		t.Fatal(err)
	}
	open(t, Config{Dir: dir})
}

func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	base := smalldisk.Mount(t, "100m")
	if out, err := exec.Command("cp", "-a", madeDir(t), base).CombinedOutput(); err != nil {
		t.Fatalf("copy: %v\n%s", err, out)
	}
	if err := syscall.Mount("none", base, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("mount again: %v", err)
	}
	for _, name := range []string{"data", "new"} {
		if _, err := Open(t.Context(), Config{Dir: filepath.Join(base, name)}); !errors.Is(err, syscall.EROFS) {
			t.Errorf("open %s: error %v", name, err)
		}
	}
}
