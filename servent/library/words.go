package library

import (
	"cmp"
	"iter"
	"math/bits"
	"slices"
	"strings"

	"gnucensus/servent/qrp"
)

// words tells which files have a word in their names.
type words struct {
	numbers  map[string]uint32 // of a posting
	postings []posting
}

// A posting is a set of indices: a list while it is short, then a bitmap. So to intersect the sets of a query takes a bounded
// time in either form, however common its words are.
type posting struct {
	list []uint32 // ascending
	bits []uint64
}

// maxList is the length from which on a list becomes a bitmap. For a million files both are of about the same size then.
const maxList = 1 << 14

// add enters the words of a name. Indices must come in ascending order.
func (w *words) add(name string, index uint32) {
	if w.numbers == nil {
		w.numbers = make(map[string]uint32)
	}
	for _, word := range qrp.Words(name) {
		number, known := w.numbers[word]
		if !known {
			number = uint32(len(w.postings))
			w.numbers[strings.Clone(word)] = number // the word is a part of the whole name
			w.postings = append(w.postings, posting{})
		}
		w.postings[number].add(index)
	}
}

func (p *posting) add(index uint32) {
	if p.bits == nil {
		if n := len(p.list); n > 0 && p.list[n-1] == index {
			return // the name has the word twice
		}
		if p.list = append(p.list, index); len(p.list) <= maxList {
			return
		}
		for _, i := range p.list {
			p.set(i)
		}
		p.list = nil
		return
	}
	p.set(index)
}

func (p *posting) set(index uint32) {
	for uint32(len(p.bits)) <= index/64 {
		p.bits = append(p.bits, 0)
	}
	p.bits[index/64] |= 1 << (index % 64)
}

// all returns the indices of the files that have every word of a text, ascending; none for a text without words.
func (w *words) all(text string) iter.Seq[uint32] {
	none := func(func(uint32) bool) {}
	wanted := qrp.Words(text)
	slices.Sort(wanted)
	var lists [][]uint32
	var maps [][]uint64
	for _, word := range slices.Compact(wanted) {
		number, known := w.numbers[word]
		if !known {
			return none
		}
		if p := w.postings[number]; p.bits != nil {
			maps = append(maps, p.bits)
		} else {
			lists = append(lists, p.list)
		}
	}
	switch {
	case len(lists) > 0:
		return inLists(lists, maps)
	case len(maps) > 0:
		return inMaps(maps)
	}
	return none
}

// inLists returns what is in all sets, of which one at least is a list.
func inLists(lists [][]uint32, maps [][]uint64) iter.Seq[uint32] {
	slices.SortFunc(lists, func(a, b []uint32) int { return cmp.Compare(len(a), len(b)) })
	rest := slices.Clone(lists[1:])
	return func(yield func(uint32) bool) {
	next:
		for _, i := range lists[0] {
			for n := range rest {
				for len(rest[n]) > 0 && rest[n][0] < i {
					rest[n] = rest[n][1:]
				}
				if len(rest[n]) == 0 {
					return
				}
				if rest[n][0] != i {
					continue next
				}
			}
			for _, m := range maps {
				if i/64 >= uint32(len(m)) || m[i/64]>>(i%64)&1 == 0 {
					continue next
				}
			}
			if !yield(i) {
				return
			}
		}
	}
}

// inMaps returns what is in all bitmaps.
func inMaps(maps [][]uint64) iter.Seq[uint32] {
	slices.SortFunc(maps, func(a, b []uint64) int { return cmp.Compare(len(a), len(b)) })
	return func(yield func(uint32) bool) {
		for n, word := range maps[0] {
			for _, m := range maps[1:] {
				word &= m[n]
			}
			for ; word != 0; word &= word - 1 {
				if !yield(uint32(n*64 + bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}
