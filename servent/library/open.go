package library

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"syscall"

	"gnucensus/servent/urn"
)

// ErrChanged says that a file is no longer the one that was hashed, or is gone.
var ErrChanged = errors.New("changed since it was hashed")

// open opens the file of an entry, whatever it is by now: a pipe in its place does not block.
func (e *entry) open() (*os.File, error) {
	if e.folder == nil {
		return nil, fs.ErrNotExist
	}
	return e.folder.root.OpenFile(path.Join(e.folder.path, e.base), os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// is tells whether an open file is that of the entry, unchanged.
func (e *entry) is(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular() && uint64(info.Size()) == e.size && info.ModTime().UnixNano() == e.modified
}

// Open opens the file with that index. The error is [ErrChanged], also when there is no such file or nothing to open.
func (l *Library) Open(index uint32) (*os.File, error) {
	e, _, ok := l.entry(index)
	if !ok {
		return nil, ErrChanged
	}
	f, err := e.open()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrChanged, err)
	}
	if !e.is(f) {
		f.Close()
		return nil, ErrChanged
	}
	return f, nil
}

// Tree returns the Tiger tree of the file with that index, and false when there is none to be had.
func (l *Library) Tree(index uint32) (*urn.Tree, bool) {
	e, c, ok := l.entry(index)
	if !ok || c == nil || e.record < 0 {
		return nil, false
	}
	r, err := c.at(e.record)
	if err != nil || r.root != e.tiger {
		return nil, false
	}
	return r.tree, true
}

// entry copies an entry, and the cache that its record is in.
func (l *Library) entry(index uint32) (entry, *cache, bool) {
	if l == nil {
		return entry{}, nil, false
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if uint64(index) >= uint64(len(l.entries)) || l.entries[index].gone {
		return entry{}, nil, false
	}
	return l.entries[index], l.cache, true
}
