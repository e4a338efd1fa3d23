// Package qrp is the query routing protocol: a leaf tells its ultrapeer, and an ultrapeer its neighbours for the last hop,
// which keywords can match at all, as a table of hashed words. Queries that cannot match are then not sent.
//
// A [Table] has a power of two of slots. A word's slot is [Hash]. On the wire (function 0x30, TTL 1, hops 0) a table is
// announced by one RESET and a sequence of PATCH messages:
//
//	RESET  00 | slots u32 LE | infinity u8
//	PATCH  01 | number u8 (from 1) | count u8 | compressor u8 (0 none, 1 zlib) | entry bits u8 | data
//
// The data of all patches of a sequence, joined and then inflated as one stream, holds one entry for each slot, the highest
// bits of a byte first. An entry of 2, 4 or 8 bits is a signed difference of which only the sign counts here: negative
// means present, positive absent, zero unchanged. An entry of one bit flips the slot.
//
// This package deals in the fields of these messages; their framing is that of package message. [Receiver] builds the table
// that a peer announces, [Patches] announces ours.
package qrp

import (
	"iter"
	"math/bits"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"
)

const (
	// MaxSlots bounds a table that a peer announces: 256 KiB of memory.
	MaxSlots = 1 << 21
	// EmptySlots is the size of the table of a node that shares nothing.
	EmptySlots = 8
	// MaxTold bounds a table that we announce: 16 KiB of memory for each of those who route by it.
	MaxTold = 1 << 17

	minTold = 1 << 14
	sparse  = 100 // a table grows until no more than one slot of so many is present

	multiplier = 0x4F1BBCDC
	minPrefix  = 4 // shortest prefix of a word that is entered beside the word
	maxDropped = 5 // characters that the shortest prefix lacks, at most
)

// Hash returns the slot of a lower-case word in a table of 2^width slots, 1 ≤ width ≤ 32. Only the low eight bits of each
// UTF-16 unit count, so hashes of different words may be equal by construction as well as by chance.
func Hash(word string, width int) uint32 { return hash32(word) >> (32 - width) }

func hash32(word string) uint32 {
	var x uint32
	shift := 0
	for _, r := range word {
		if hi, lo := utf16.EncodeRune(r); hi != unicode.ReplacementChar {
			x ^= uint32(hi&0xff) << shift
			shift = (shift + 8) & 24
			r = lo
		}
		x ^= uint32(r&0xff) << shift
		shift = (shift + 8) & 24
	}
	return x * multiplier
}

// Words splits a file name or a query into its words: compatibility forms and accents folded, lower case, split at
// everything that is neither letter nor digit. The extension of a file name is a word like any other.
func Words(text string) []string {
	folded := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return ' '
	}, norm.NFKD.String(text))
	return strings.Fields(folded)
}

// A Table says which words can match. The zero Table is not usable: make one with [NewTable]. It is not safe for concurrent
// use while it changes.
type Table struct {
	width   int
	present []uint64
}

// NewTable returns an empty table. slots must be a power of two from 2 to [MaxSlots].
func NewTable(slots int) *Table {
	if !validSlots(uint32(slots)) {
		panic("qrp: slots must be a power of two within bounds")
	}
	return &Table{width: bits.TrailingZeros32(uint32(slots)), present: make([]uint64, (slots+63)/64)}
}

func validSlots(slots uint32) bool { return slots >= 2 && slots <= MaxSlots && slots&(slots-1) == 0 }

// Slots returns the number of slots.
func (t *Table) Slots() int { return 1 << t.width }

// Count returns how many slots are present.
func (t *Table) Count() int {
	n := 0
	for _, w := range t.present {
		n += bits.OnesCount64(w)
	}
	return n
}

func (t *Table) get(slot uint32) bool { return t.present[slot/64]>>(slot%64)&1 != 0 }
func (t *Table) set(slot uint32)      { t.present[slot/64] |= 1 << (slot % 64) }
func (t *Table) clear(slot uint32)    { t.present[slot/64] &^= 1 << (slot % 64) }
func (t *Table) flip(slot uint32)     { t.present[slot/64] ^= 1 << (slot % 64) }

// Add enters every word of a file name, and of each word the prefixes of four characters and more that lack at most five:
// a query for a word's beginning finds it too. A URN is entered whole.
func (t *Table) Add(name string) {
	for h := range entries(name) {
		t.set(h >> (32 - t.width))
	}
}

// entries hashes the words and prefixes of a name, or a URN.
func entries(name string) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		if strings.HasPrefix(name, "urn:") {
			yield(hash32(strings.ToLower(name)))
			return
		}
		for _, word := range Words(name) {
			if !yield(hash32(word)) {
				return
			}
			r := []rune(word)
			for n := len(r) - 1; n >= minPrefix && n >= len(r)-maxDropped; n-- {
				if !yield(hash32(string(r[:n]))) {
					return
				}
			}
		}
	}
}

// Build returns a table of the names, as small as keeps queries that cannot match from passing: no more than one slot of a
// hundred is present, unless the table has [MaxTold] slots. Without names it has [EmptySlots].
func Build(names iter.Seq[string]) *Table {
	all := NewTable(MaxTold)
	some := false
	for name := range names {
		all.Add(name)
		some = true
	}
	if !some {
		return NewTable(EmptySlots)
	}
	for slots := minTold; slots < MaxTold; slots *= 2 {
		t := NewTable(slots)
		if t.Merge(all); t.Count()*sparse <= slots {
			return t
		}
	}
	return all
}

// Union returns a table of all that the given ones have, as large as the largest of them, but no larger than [MaxTold]. Those
// of [EmptySlots] and less count as empty.
func Union(tables ...*Table) *Table {
	slots := EmptySlots
	for _, t := range tables {
		slots = max(slots, min(t.Slots(), MaxTold))
	}
	all := NewTable(slots)
	for _, t := range tables {
		if t.Slots() > EmptySlots {
			all.Merge(t)
		}
	}
	return all
}

// Equal tells whether both have the same slots, and the same of them are present.
func (t *Table) Equal(other *Table) bool {
	return t.width == other.width && slices.Equal(t.present, other.present)
}

// Match tells whether one of the URNs of a query is present, or all of its words. A query with neither matches nothing. Hashing
// once for many tables is what [Key] is for.
func (t *Table) Match(q Key) bool {
	for _, h := range q.urns {
		if t.get(h >> (32 - t.width)) {
			return true
		}
	}
	for _, h := range q.words {
		if !t.get(h >> (32 - t.width)) {
			return false
		}
	}
	return len(q.words) > 0
}

// A Key is a query hashed once, to be matched against tables of any size.
type Key struct{ words, urns []uint32 }

// mostHashed is how many words of a query are hashed, and how many URNs.
const mostHashed = 128

// shortest is the length of the shortest word of a query that is looked up beside longer ones, in bytes: not every servent
// enters shorter ones in its table.
const shortest = 3

// KeyOf hashes the words of a query, but for short ones if there are others, and the URNs that it asks for.
func KeyOf(query string, urns ...string) (k Key) {
	words := Words(query)
	if long := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return len(w) < shortest }); len(long) > 0 {
		words = long
	}
	for _, w := range words[:min(len(words), mostHashed)] {
		k.words = append(k.words, hash32(w))
	}
	for _, u := range urns[:min(len(urns), mostHashed)] {
		k.urns = append(k.urns, hash32(strings.ToLower(u)))
	}
	return k
}

// Merge adds all that other has. A smaller table's slot covers a run of a larger one's, a larger table's slots are joined.
func (t *Table) Merge(other *Table) {
	if t.width == other.width {
		for i, w := range other.present {
			t.present[i] |= w
		}
		return
	}
	for i, w := range other.present {
		for ; w != 0; w &= w - 1 {
			slot := uint32(i*64 + bits.TrailingZeros64(w))
			if d := t.width - other.width; d > 0 {
				for k := range uint32(1) << d {
					t.set(slot<<d + k)
				}
			} else {
				t.set(slot >> -d)
			}
		}
	}
}

// Clone returns an independent copy.
func (t *Table) Clone() *Table {
	return &Table{width: t.width, present: append([]uint64(nil), t.present...)}
}
