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
)

// fileSystem mounts a small file system in memory.
func fileSystem(t *testing.T, size string) string {
	t.Helper()
	needRoot(t)
	dir := baseDir(t)
	if err := syscall.Mount("none", dir, "tmpfs", 0, "mode=0755,size="+size); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	base := fileSystem(t, "20m")
	dir := filepath.Join(base, "data")
	_, err := Open(t.Context(), Config{Dir: dir})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "\ninitdb: ") {
		t.Errorf("make: error %v; want one with the end of what initdb said, on lines of its own", err)
	}
	if exists(dir, scratch) {
		t.Error("a scratch folder is left")
	}

	base = fileSystem(t, "100m")
	dir = filepath.Join(base, "data")
	if out, err := exec.Command("cp", "-a", madeDir(t), base).CombinedOutput(); err != nil {
		t.Fatalf("copy: %v\n%s", err, out)
	}
	fill(t, filepath.Join(base, "ballast"))
	_, err = Open(t.Context(), Config{Dir: dir})
	if full := new(fs.PathError); !errors.Is(err, syscall.ENOSPC) || !errors.As(err, &full) || filepath.Dir(full.Path) != dir {
		t.Errorf("start: error %v; want one that names a file of %s", err, dir)
	}
	if err := os.Remove(filepath.Join(base, "ballast")); err != nil {
		t.Fatal(err)
	}
	open(t, Config{Dir: dir})
}

// fill writes until there is no space.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}

func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	base := fileSystem(t, "100m")
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
