// Package library is the set of files that a servent shares, and finds the ones that a query asks for.
//
// A file matches a query when every word of the query is a word of its name, in any order. Words are maximal runs of
// letters and digits, in lower case: the extension of a name is a word as well, as QRP hashes it.
package library

import (
	"math"
	"slices"
	"strings"
	"unicode"
)

// A File is one shared file.
type File struct {
	Name string
	Size uint64 // bytes
}

// A Match is a file that a query asks for. Index is its number in QUERY HITs and in requests for it.
type Match struct {
	File
	Index uint32
}

// A Library is a fixed set of files, safe for concurrent use. Its zero value shares nothing, and so does a nil one.
type Library struct {
	files []File
	bytes uint64
	words map[string][]uint32 // indices of the files that have the word, ascending
}

// New returns the library of the given files, which it keeps. A file's index is its place among them.
func New(files []File) *Library {
	l := &Library{files: files, words: make(map[string][]uint32)}
	for i, f := range files {
		l.bytes += f.Size
		for _, w := range Words(f.Name) {
			at := l.words[w]
			if len(at) == 0 || at[len(at)-1] != uint32(i) {
				l.words[w] = append(at, uint32(i))
			}
		}
	}
	return l
}

// Files is the number of files shared.
func (l *Library) Files() uint32 {
	if l == nil {
		return 0
	}
	return uint32(len(l.files))
}

// KiB is the sum of the sizes in KiB, rounded down, as PONGs tell it; what does not fit into 32 bits is told as the most
// that does.
func (l *Library) KiB() uint32 {
	if l == nil {
		return 0
	}
	return uint32(min(l.bytes/1024, math.MaxUint32))
}

// Match returns at most limit files whose names hold every word of the text, by ascending index. A text without words
// matches nothing.
func (l *Library) Match(text string, limit int) []Match {
	if l == nil || len(l.files) == 0 {
		return nil
	}
	var lists [][]uint32
	for _, w := range Words(text) {
		at := l.words[w]
		if len(at) == 0 {
			return nil
		}
		lists = append(lists, at)
	}
	if len(lists) == 0 {
		return nil
	}
	slices.SortFunc(lists, func(a, b []uint32) int { return len(a) - len(b) })
	var found []Match
	for _, i := range lists[0] {
		if len(found) >= limit {
			break
		}
		if inAll(lists[1:], i) {
			found = append(found, Match{File: l.files[i], Index: i})
		}
	}
	return found
}

func inAll(lists [][]uint32, i uint32) bool {
	for _, at := range lists {
		if _, ok := slices.BinarySearch(at, i); !ok {
			return false
		}
	}
	return true
}

// Words splits a file name or a query into its words.
func Words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}
