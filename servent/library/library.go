// Package library is the set of files that a servent shares: what lies in its folders, found by the words of a name or by a
// hash, and opened for those who ask for it.
//
// A file matches a query when every word of the query is a word of its name, in any order. Words are those that QRP hashes
// ([qrp.Words]), so a table made of the names lets every query pass that matches. The extension of a name is a word as well.
//
// [Open] makes a library of folders, which [Library.Scan] reads. Shared is every regular file but those whose name, or that of
// a folder on the way, begins with a dot, and partial files. Links are not followed: what they point to within a folder is
// shared by itself. A file enters the library once it is hashed; hashes are kept in a file and computed again only when
// size or time of the file changes. Files are opened through [os.Root], which nothing leaves.
//
// [New] makes a library of names alone, which has nothing to open.
package library

import (
	"iter"
	"math"
	"sync"
	"time"

	"gnucensus/servent/urn"
)

// A File is one shared file.
type File struct {
	Name     string    // the last element of its path, in Unicode's normal form C
	Size     uint64    // bytes
	Modified time.Time // the zero Time: not known
	URN      urn.URN   // the hashes; without any: not known
}

// A Match is a file that a query asks for. Index is its number in QUERY HITs and in requests for it, from 1: in a PUSH 0 stands
// for any file. A file keeps its index as long as it is shared, and no other file gets it afterwards.
type Match struct {
	File
	Index uint32
}

// A Library is a set of files, safe for concurrent use. Its zero value shares nothing, and so does a nil one.
type Library struct {
	cfg     Config
	folders []folder
	found   map[uint64]sighting // by key of a path; only Scan uses it
	keys    keys
	scans   uint32 // done so far

	mu       sync.RWMutex
	cache    *cache  // nil: made by New
	entries  []entry // by index; the first one is not used
	words    words
	sums     map[urn.SHA1]uint32 // index of one file with that SHA1, the first of a chain
	files    uint32
	bytes    uint64
	gone     int
	revision uint64
	changed  time.Time
}

// An entry is a file of a library, as compact as a million of them asks for.
type entry struct {
	folder   *directory // nil: made by New
	base     string     // as on disk
	name     string     // as in File
	size     uint64
	modified int64 // nanoseconds since 1970; 0: not known
	record   int64 // where the cache has its hashes
	sha1     urn.SHA1
	tiger    urn.Tiger
	twin     uint32 // index of the next file with the same SHA1; 0: none
	hashed   bool
	gone     bool
}

// New returns the library of the given files, whose indices are their places among them, from 1.
func New(files []File) *Library {
	l := &Library{entries: make([]entry, 0, 1+len(files))}
	for _, f := range files {
		e := entry{name: f.Name, size: f.Size, record: -1}
		if !f.Modified.IsZero() {
			e.modified = f.Modified.UnixNano()
		}
		if f.URN.SHA1 != nil && f.URN.Tiger != nil {
			e.sha1, e.tiger, e.hashed = *f.URN.SHA1, *f.URN.Tiger, true
		}
		l.add(e)
	}
	return l
}

// add enters a file and returns its index. The caller holds the lock, or is alone.
func (l *Library) add(e entry) uint32 {
	if len(l.entries) == 0 {
		l.entries = append(l.entries, entry{gone: true})
	}
	i := uint32(len(l.entries))
	if e.hashed {
		if l.sums == nil {
			l.sums = make(map[urn.SHA1]uint32)
		}
		e.twin = l.sums[e.sha1]
		l.sums[e.sha1] = i
	}
	l.entries = append(l.entries, e)
	l.words.add(e.name, i)
	l.files++
	l.bytes += e.size
	l.change()
	return i
}

// remove takes a file out. Its index stays in the lists of words until they are made anew.
func (l *Library) remove(i uint32) {
	e := &l.entries[i]
	if e.hashed {
		l.unchain(i)
	}
	l.files--
	l.bytes -= e.size
	l.gone++
	l.change()
	*e = entry{gone: true}
}

func (l *Library) change() {
	l.revision++
	l.changed = time.Now()
}

func (l *Library) unchain(i uint32) {
	e := &l.entries[i]
	first := l.sums[e.sha1]
	if first == i {
		if e.twin == 0 {
			delete(l.sums, e.sha1)
		} else {
			l.sums[e.sha1] = e.twin
		}
		return
	}
	for at := first; at != 0; at = l.entries[at].twin {
		if l.entries[at].twin == i {
			l.entries[at].twin = e.twin
			return
		}
	}
}

// Files is the number of files shared.
func (l *Library) Files() uint32 {
	if l == nil {
		return 0
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.files
}

// KiB is the sum of the sizes in KiB, rounded down, as PONGs tell it; what does not fit into 32 bits is told as the most
// that does.
func (l *Library) KiB() uint32 {
	if l == nil {
		return 0
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return uint32(min(l.bytes/1024, math.MaxUint32))
}

// Revision is a number that grows with every change of the set: what was derived from it at another revision is out of date.
func (l *Library) Revision() uint64 {
	if l == nil {
		return 0
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.revision
}

// Changed is the time of the last change of the set, the zero Time when there was none.
func (l *Library) Changed() time.Time {
	if l == nil {
		return time.Time{}
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.changed
}

// Match returns at most limit files whose names hold every word of the text, by ascending index. A text without words
// matches nothing.
func (l *Library) Match(text string, limit int) []Match {
	if l == nil {
		return nil
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	var matches []Match
	for i := range l.words.all(text) {
		if len(matches) >= limit {
			break
		}
		if !l.entries[i].gone {
			matches = append(matches, l.match(i))
		}
	}
	return matches
}

// BySHA1 returns a file with that hash.
func (l *Library) BySHA1(h urn.SHA1) (Match, bool) {
	if l == nil {
		return Match{}, false
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	i := l.sums[h]
	if i == 0 {
		return Match{}, false
	}
	return l.match(i), true
}

// At returns the file with that index.
func (l *Library) At(index uint32) (Match, bool) {
	if l == nil {
		return Match{}, false
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if uint64(index) >= uint64(len(l.entries)) || l.entries[index].gone {
		return Match{}, false
	}
	return l.match(index), true
}

// atOnce is how many files All takes out under one lock.
const atOnce = 256

// All returns the files by ascending index. Files that come or go meanwhile may be among them or not.
func (l *Library) All() iter.Seq[Match] {
	return func(yield func(Match) bool) {
		batch := make([]Match, 0, atOnce)
		for next := uint32(0); ; {
			batch, next = l.some(batch[:0], next)
			for _, m := range batch {
				if !yield(m) {
					return
				}
			}
			if len(batch) == 0 {
				return
			}
		}
	}
}

// some fills a batch with the files from an index on, and returns the index after the last.
func (l *Library) some(batch []Match, i uint32) ([]Match, uint32) {
	if l == nil {
		return nil, i
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	for ; uint64(i) < uint64(len(l.entries)) && len(batch) < cap(batch); i++ {
		if !l.entries[i].gone {
			batch = append(batch, l.match(i))
		}
	}
	return batch, i
}

// match copies an entry out.
func (l *Library) match(i uint32) Match {
	e := &l.entries[i]
	m := Match{Index: i, File: File{Name: e.name, Size: e.size}}
	if e.modified != 0 {
		m.Modified = time.Unix(0, e.modified)
	}
	if e.hashed {
		sha1, tiger := e.sha1, e.tiger
		m.URN = urn.URN{SHA1: &sha1, Tiger: &tiger}
	}
	return m
}
