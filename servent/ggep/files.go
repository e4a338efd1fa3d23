package ggep

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"
)

// A HashKind says what a hash in key H is.
type HashKind uint8

// Kinds of hash, and in brackets their sizes in bytes.
const (
	SHA1     HashKind = 1 // [20]
	Bitprint HashKind = 2 // SHA1 and Tiger tree root [20+24]
	MD5      HashKind = 3 // [16]
	UUID     HashKind = 4 // [16]
	MD4      HashKind = 5 // [16]
)

// A Hash identifies a file.
type Hash struct {
	Kind HashKind
	Sum  []byte
}

// H makes the block that identifies a file in a record of a QUERY HIT.
func H(h Hash) Block { return Block{ID: "H", Data: append([]byte{byte(h.Kind)}, h.Sum...)} }

// H returns the hash that identifies a file.
func (x Blocks) H() (h Hash, ok bool) {
	b, ok := x.Get("H")
	if !ok || len(b.Data) == 0 {
		return Hash{}, false
	}
	return Hash{Kind: HashKind(b.Data[0]), Sum: b.Data[1:]}, true
}

// SHA1 returns the SHA1 of a hash that is one or begins with one.
func (h Hash) SHA1() (sum [20]byte, ok bool) {
	if h.Kind != SHA1 && h.Kind != Bitprint || len(h.Sum) < len(sum) {
		return sum, false
	}
	return [20]byte(h.Sum[:len(sum)]), true
}

// URN makes the block with key "u": the URN of a file without its leading "urn:".
func URN(urn string) Block { return Block{ID: "u", Data: []byte(urn)} }

// URN returns the URN of a file without its leading "urn:".
func (x Blocks) URN() (string, bool) {
	b, ok := x.Get("u")
	return string(b.Data), ok
}

// TT makes the block with the root of a file's Tiger tree.
func TT(root [24]byte) Block { return Block{ID: "TT", Data: root[:]} }

// TT returns the root of a file's Tiger tree.
func (x Blocks) TT() (root [24]byte, ok bool) {
	b, ok := x.Get("TT")
	if !ok || len(b.Data) != len(root) {
		return root, false
	}
	return [24]byte(b.Data), true
}

// LF makes the block with the size of a file, in bytes, that does not fit in the field of its record.
func LF(size uint64) Block { return Block{ID: "LF", Data: appendVlint(nil, size)} }

// LF returns the size of a large file in bytes.
func (x Blocks) LF() (uint64, bool) { return x.vlint("LF") }

// CT makes the block with the time at which a file was created, to the second.
func CT(t time.Time) Block { return Block{ID: "CT", Data: appendVlint(nil, uint64(max(t.Unix(), 0)))} }

// CT returns the time at which a file was created.
func (x Blocks) CT() (time.Time, bool) {
	s, ok := x.vlint("CT")
	if !ok || s > math.MaxInt64 {
		return time.Time{}, false
	}
	return time.Unix(int64(s), 0).UTC(), true
}

// PATH makes the block with the folder in which a file is shared.
func PATH(folder string) Block { return Block{ID: "PATH", Data: []byte(folder)} }

// PATH returns the folder in which a file is shared.
func (x Blocks) PATH() (string, bool) {
	b, ok := x.Get("PATH")
	return string(b.Data), ok
}

// A Partial is what a servent has of a file that it has not got as a whole.
type Partial struct {
	Verified  []uint32  // parts that were compared with the hash tree, as its nodes: 1 is the root, 2n and 2n+1 are below n
	Changed   time.Time // of parts that were not compared; the zero time when it is not told
	Available uint64    // bytes of such parts; 0 when it is not told
}

// maxPartialKey is the longest number of a node in bytes.
const maxPartialKey = 4

// Partial returns what is there of a file that is not there as a whole: PR1 to PR4 are lists of nodes whose numbers have as
// many bytes, PR0 is an empty one, PRU tells of parts that were not compared.
func (x Blocks) Partial() (p Partial, ok bool) {
	ok = x.Has("PR0")
	for size := 1; size <= maxPartialKey; size++ {
		b, found := x.Get("PR" + strconv.Itoa(size))
		ok = ok || found
		for list := b.Data; len(list) >= size; list = list[size:] {
			var four [maxPartialKey]byte
			copy(four[maxPartialKey-size:], list[:size])
			p.Verified = append(p.Verified, binary.BigEndian.Uint32(four[:]))
		}
	}
	b, found := x.Get("PRU")
	if len(b.Data) >= 4 {
		p.Changed = time.Unix(int64(binary.BigEndian.Uint32(b.Data)), 0).UTC()
		p.Available, _ = vlint(b.Data[4:])
	}
	return p, ok || found
}

// M makes the block that restricts a query to media types; the bits are the field's own: 4 audio, 8 video, 0x10 document,
// 0x20 image, 0x40 Windows program, 0x80 Unix program, 0x100 torrent.
func M(types uint64) Block { return Block{ID: "M", Data: appendVlint(nil, types)} }

// M returns the media types that a query is restricted to.
func (x Blocks) M() (uint64, bool) { return x.vlint("M") }

// appendVlint writes a number little-endian without its high zero bytes; 0 is no byte at all.
func appendVlint(b []byte, n uint64) []byte {
	for ; n > 0; n >>= 8 {
		b = append(b, byte(n))
	}
	return b
}

// vlint reads a number of at most eight bytes.
func (x Blocks) vlint(id string) (uint64, bool) {
	b, ok := x.Get(id)
	if !ok {
		return 0, false
	}
	return vlint(b.Data)
}

func vlint(b []byte) (n uint64, ok bool) {
	if len(b) > 8 {
		return 0, false
	}
	for i, c := range b {
		n |= uint64(c) << (8 * i)
	}
	return n, true
}
