package library

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"gnucensus/servent/urn"
)

// A Config says what a library shares.
type Config struct {
	Folders []string      // shared with all that is below; one that lies in another counts once
	Cache   string        // file that keeps the hashes between runs; empty: they are computed in every run
	Every   time.Duration // how often Run looks for changes; 0: a minute
	Mesh    *Mesh         // alternate sources for the results; nil: none
	Log     *slog.Logger  // nil: discards
}

// PartialSuffix ends the names of files of which only parts are there.
const PartialSuffix = ".partial"

// partial are the endings of names that say that a file is not complete, ours and those of others.
var partial = []string{PartialSuffix, PartialSuffix + "-state", ".part", ".crdownload", ".!ut"}

// A folder is one that is shared.
type folder struct {
	name string // absolute
	root *os.Root
}

// A directory is the folder of a file, or one below it.
type directory struct {
	root *os.Root
	path string // within the root
	name string // absolute
}

// A sighting is where a file was found.
type sighting struct {
	index uint32
	scan  uint32 // the last one that saw it
}

// Open returns the library of the folders, which is empty until it is scanned. The error names the folder that cannot be
// opened, or the cache; it is [ErrInUse] for a cache that another process has.
func Open(cfg Config) (_ *Library, err error) {
	if cfg.Every == 0 {
		cfg.Every = time.Minute
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	l := &Library{cfg: cfg, found: make(map[uint64]sighting), keys: newKeys()}
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	var names []string
	for _, name := range cfg.Folders {
		name, err = realPath(name)
		if err != nil {
			return nil, fmt.Errorf("share folder: %w", err)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if slices.ContainsFunc(l.folders, func(f folder) bool { return within(name, f.name) }) {
			continue
		}
		root, err := os.OpenRoot(name)
		if err != nil {
			return nil, fmt.Errorf("share folder: %w", err)
		}
		l.folders = append(l.folders, folder{name: name, root: root})
	}
	if l.cache, err = openCache(cfg.Cache, l.keys); err != nil {
		return nil, fmt.Errorf("open hashes in %q: %w", cfg.Cache, err)
	}
	return l, nil
}

func realPath(name string) (string, error) {
	name, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(name)
}

// within tells whether a path is another or lies in it.
func within(name, folder string) bool {
	rest, ok := strings.CutPrefix(name, folder)
	return ok && (rest == "" || rest[0] == filepath.Separator || folder == string(filepath.Separator))
}

// Close closes the folders and the cache. Files that are open stay so.
func (l *Library) Close() error {
	var errs []error
	for _, f := range l.folders {
		errs = append(errs, f.root.Close())
	}
	if l.cache != nil {
		errs = append(errs, l.cache.close())
	}
	return errors.Join(errs...)
}

// Run scans now and then until ctx ends, and returns nil then.
func (l *Library) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if err := l.Scan(ctx); err != nil && ctx.Err() == nil {
			l.cfg.Log.Warn("cannot scan the library", "err", err)
		}
		timer.Reset(l.cfg.Every)
	}
}

// Scan brings the library up to date with its folders: it hashes files that are new or have changed, and forgets those that are
// gone. What cannot be read is not shared, and is no error. Only one scan may run at a time.
func (l *Library) Scan(ctx context.Context) error {
	start := time.Now()
	l.scans++
	for _, f := range l.folders {
		if err := l.walk(ctx, f); err != nil {
			return fmt.Errorf("scan %s: %w", f.name, err)
		}
	}
	l.forget()
	if err := l.compact(); err != nil {
		l.cfg.Log.Warn("cannot compact hashes", "err", err)
	}
	l.cfg.Log.Debug("library scanned", "n", l.Files(), "took", time.Since(start))
	return nil
}

// walk takes up all files of a folder. Its error is that of ctx, or of the folder itself.
func (l *Library) walk(ctx context.Context, f folder) error {
	var dir *directory
	return fs.WalkDir(f.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch {
		case err != nil:
			if name == "." {
				return err // perhaps it is only not mounted: what it held is not forgotten
			}
			l.cfg.Log.Warn("not shared", "path", path.Join(f.name, name), "err", err)
			return nil
		case name != "." && d.Name()[0] == '.':
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular() || unfinished(d.Name()):
			return nil
		}
		if parent := path.Dir(name); dir == nil || dir.path != parent {
			dir = &directory{root: f.root, path: parent, name: filepath.Join(f.name, filepath.FromSlash(parent))}
		}
		info, err := d.Info()
		if err == nil {
			err = l.see(ctx, dir, d.Name(), info)
		}
		if err != nil {
			l.cfg.Log.Warn("not shared", "path", path.Join(f.name, name), "err", err)
		}
		return ctx.Err()
	})
}

func unfinished(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(partial, func(end string) bool { return strings.HasSuffix(name, end) })
}

// see takes up one file as it is now.
func (l *Library) see(ctx context.Context, dir *directory, base string, info fs.FileInfo) error {
	name := filepath.Join(dir.name, base)
	key := l.keys.of(name)
	size, modified := uint64(info.Size()), info.ModTime().UnixNano()
	if at, known := l.found[key]; known {
		if e := &l.entries[at.index]; e.size == size && e.modified == modified { // only this goroutine changes entries
			l.found[key] = sighting{index: at.index, scan: l.scans}
			return nil
		}
		l.drop(key, at.index)
	}
	e := entry{folder: dir, base: base, name: shownName(base), size: size, modified: modified, hashed: true}
	if r, offset, ok := l.cache.find(name, size, modified); ok {
		e.sha1, e.tiger, e.record = r.sha1, r.root, offset
	} else {
		sum, tree, err := hash(ctx, &e)
		if err != nil {
			return err
		}
		r := record{path: name, size: size, modified: modified, sha1: sum, root: tree.Root(), tree: tree}
		e.sha1, e.tiger = r.sha1, r.root
		if e.record, err = l.cache.add(&r); err != nil {
			l.cfg.Log.Warn("tree is not kept", "path", name, "err", err)
			e.record = -1
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.found[key] = sighting{index: l.add(e), scan: l.scans}
	return nil
}

// hash reads a file. It must not change meanwhile.
func hash(ctx context.Context, e *entry) (sum urn.SHA1, tree *urn.Tree, err error) {
	f, err := e.open()
	if err != nil {
		return sum, nil, err
	}
	defer f.Close()
	if sum, tree, err = urn.Hash(ctx, f, e.size); err != nil {
		return sum, nil, err
	}
	if tree.Size != e.size || !e.is(f) {
		return sum, nil, ErrChanged
	}
	return sum, tree, nil
}

// shownName is the name by which others see a file: in normal form C, valid, and without control characters.
func shownName(base string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(base, "_")))
}

func (l *Library) drop(key uint64, i uint32) {
	delete(l.found, key)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(i)
}

// forget drops the files that the last scan did not see. When more have gone than are there, the lists of words are made anew.
func (l *Library) forget() {
	for key, at := range l.found {
		if at.scan != l.scans {
			l.drop(key, at.index)
		}
	}
	if l.gone <= int(l.files) {
		return
	}
	var fresh words
	for i := range l.entries {
		if !l.entries[i].gone {
			fresh.add(l.entries[i].name, uint32(i))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.words, l.gone = fresh, 0
}

// minRecords is how many records a cache may always have.
const minRecords = 1024

// compact makes the cache smaller when most of its records serve no file any more.
func (l *Library) compact() error {
	if l.cfg.Cache == "" || l.cache.count < max(minRecords, 2*len(l.found)) {
		return nil
	}
	var offsets []int64
	for i := range l.entries {
		if e := &l.entries[i]; !e.gone && e.record >= 0 {
			offsets = append(offsets, e.record)
		}
	}
	fresh, moved, err := l.cache.compact(l.cfg.Cache, offsets)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.entries {
		if e := &l.entries[i]; !e.gone && e.record >= 0 {
			e.record, moved = moved[0], moved[1:]
		}
	}
	old := l.cache
	l.cache = fresh
	return old.close()
}
