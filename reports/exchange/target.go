package exchange

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// An ExistsError says that something is where an export should go.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string { return e.Path + " exists already" }

// hidden is a name next to path that nobody else uses: what is written under it is renamed when it is whole.
func hidden(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".part-"+strings.ToLower(rand.Text()[:8]))
}

// vacant fails when there is something at a path.
func vacant(path string) error {
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return &ExistsError{path}
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// A file is a file in the making: it has its name only once it is whole. It counts and digests what is written to it.
type file struct {
	f          *os.File
	path, part string
	digest     hash.Hash
	bytes      int64
}

func createFile(path string) (*file, error) {
	part := hidden(path)
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	return &file{f: f, path: path, part: part, digest: sha256.New()}, nil
}

// makeFile makes a file, finished but not published, and discards it when writing it fails.
func makeFile(path string, write func(*file) error) (*file, error) {
	f, err := createFile(path)
	if err != nil {
		return nil, err
	}
	if err = write(f); err == nil {
		err = f.finish()
	}
	if err != nil {
		f.discard()
		return nil, err
	}
	return f, nil
}

func (f *file) Write(b []byte) (int, error) {
	n, err := f.f.Write(b)
	f.digest.Write(b[:n])
	f.bytes += int64(n)
	return n, err
}

// hash is the digest in the form of a data package.
func (f *file) hash() string { return "sha256:" + hex.EncodeToString(f.digest.Sum(nil)) }

// finish makes sure that all is on the disk.
func (f *file) finish() error { return errors.Join(f.f.Sync(), f.f.Close()) }

// publish gives the finished file its name.
func (f *file) publish() error { return os.Rename(f.part, f.path) }

// discard removes a file that will not be published; after that it does nothing.
func (f *file) discard() {
	_ = f.f.Close() // finish may have done it
	_ = os.Remove(f.part)
}

// A folder is a folder in the making.
type folder struct{ path, part string }

func createFolder(path string) (*folder, error) {
	path = filepath.Clean(path)
	f := &folder{path, hidden(path)}
	return f, os.Mkdir(f.part, 0o777)
}

// replaceable fails when a folder may not come to a path: there is something, and it is neither an empty folder nor, with
// force, an export and nothing beside it.
func replaceable(path string, force bool) error {
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil && (force || vacant(path) == nil):
		return err
	case err != nil, len(entries) > 0 && !force:
		return &ExistsError{path}
	case len(entries) == 0:
		return nil
	}
	d, err := readDescription(filepath.Join(path, packageName))
	if err != nil {
		return fmt.Errorf("replace %s: it is no export: %w", path, err)
	}
	for _, e := range entries {
		if e.Name() != packageName && d.resource(e.Name()) == nil {
			return fmt.Errorf("replace %s: %s in it is no part of the export", path, e.Name())
		}
	}
	return nil
}

// publish gives the folder its name, in the place of what was there.
func (f *folder) publish() error {
	old := hidden(f.path)
	switch err := os.Rename(f.path, old); {
	case errors.Is(err, fs.ErrNotExist):
		return os.Rename(f.part, f.path)
	case err != nil:
		return err
	}
	if err := os.Rename(f.part, f.path); err != nil {
		return errors.Join(err, os.Rename(old, f.path))
	}
	return os.RemoveAll(old)
}

// discard removes a folder that will not be published; after that it does nothing.
func (f *folder) discard() { _ = os.RemoveAll(f.part) }
