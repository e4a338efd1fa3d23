package urn

import "errors"

// A Tiger tree ("THEX", Tree Hash EXchange) hashes blocks of 1024 bytes; a leaf is Tiger(00, block), a node above
// Tiger(01, left, right), and a node without a sibling moves up as it is. The empty file has one leaf, of no bytes.
const (
	leafLen    = 1024
	leafPrefix = 0x00
	nodePrefix = 0x01
)

// ErrTree says that rows do not belong to a tree of that size, or that its nodes are not the hashes of those below them.
var ErrTree = errors.New("not a Tiger tree")

// A Tree is the upper part of the Tiger tree of a file, down to a row of which each node covers one segment of the file.
type Tree struct {
	Size    uint64  // of the file, in bytes
	Segment uint64  // bytes that a node of the row covers, the last one perhaps fewer: 1024 times a power of two
	Row     []Tiger // the lowest row kept
}

// NewTree returns the tree of a file of size bytes whose rows are given from the root downwards, as THEX sends them. The
// error is [ErrTree].
func NewTree(size uint64, nodes []Tiger) (*Tree, error) {
	var widths []int // from the row of blocks up to the root
	for n := blocks(size); ; n = (n + 1) / 2 {
		widths = append(widths, int(n))
		if n == 1 {
			break
		}
	}
	first, level := 0, len(widths)-1
	for ; level > 0 && first+widths[level] < len(nodes); level-- {
		first += widths[level]
	}
	if first+widths[level] != len(nodes) {
		return nil, ErrTree
	}
	t := &Tree{Size: size, Segment: leafLen << level, Row: nodes[first:]}
	for i, node := range t.Nodes() {
		if node != nodes[i] {
			return nil, ErrTree
		}
	}
	return t, nil
}

// Root returns the hash that names the tree.
func (t *Tree) Root() Tiger {
	row := t.Row
	for len(row) > 1 {
		row = above(row)
	}
	return row[0]
}

// Nodes returns all rows from the root down to the lowest one kept, one after the other.
func (t *Tree) Nodes() []Tiger {
	rows := [][]Tiger{t.Row}
	for len(rows[0]) > 1 {
		rows = append([][]Tiger{above(rows[0])}, rows...)
	}
	var nodes []Tiger
	for _, row := range rows {
		nodes = append(nodes, row...)
	}
	return nodes
}

// Depth is the number of rows below the root.
func (t *Tree) Depth() int {
	depth := 0
	for n := len(t.Row); n > 1; n = (n + 1) / 2 {
		depth++
	}
	return depth
}

func above(row []Tiger) []Tiger {
	up := make([]Tiger, 0, (len(row)+1)/2)
	for len(row) > 1 {
		up = append(up, join(row[0], row[1]))
		row = row[2:]
	}
	return append(up, row...)
}

func join(left, right Tiger) Tiger {
	var b [1 + 2*len(left)]byte
	b[0] = nodePrefix
	copy(b[1:], left[:])
	copy(b[1+len(left):], right[:])
	return sum(b[:])
}

// blocks is the number of leaves of the tree of a file.
func blocks(size uint64) uint64 { return max(1, size/leafLen+min(1, size%leafLen)) }

// depths are the rows below the root that servents exchange, for files smaller than so many bytes; larger ones have maxDepth.
var depths = []struct {
	below uint64
	rows  int
}{
	{256 << 10, 0}, {512 << 10, 1}, {1 << 20, 2}, {2 << 20, 3}, {4 << 20, 4}, {8 << 20, 5}, {16 << 20, 6},
	{32 << 20, 7}, {64 << 20, 8}, {256 << 20, 9}, {1 << 30, 10},
}

const maxDepth = 11

// SegmentOf returns the size of the segments in the tree that servents exchange for a file of size bytes.
func SegmentOf(size uint64) uint64 {
	rows := maxDepth
	for _, d := range depths {
		if size < d.below {
			rows = d.rows
			break
		}
	}
	segment := uint64(leafLen)
	for n := blocks(size); n > 1<<rows; n = (n + 1) / 2 {
		segment *= 2
	}
	return segment
}

// A TreeHasher computes the Tiger tree of what is written to it. Writing never fails.
type TreeHasher struct {
	segment uint64
	size    uint64
	leaf    [1 + leafLen]byte // the prefix, and the block that is being filled
	filled  int
	nodes   []Tiger // roots of ever smaller complete trees in the segment, as the bits of leaves tell
	leaves  uint64  // of the segment
	row     []Tiger
}

// NewTreeHasher returns a hasher that keeps a row of segments: 1024 times a power of two bytes each.
func NewTreeHasher(segment uint64) *TreeHasher { return &TreeHasher{segment: segment} }

// Write takes more of the file.
func (h *TreeHasher) Write(b []byte) (int, error) {
	n := len(b)
	h.size += uint64(n)
	for len(b) > 0 {
		if h.filled == leafLen {
			h.endLeaf()
		}
		took := copy(h.leaf[1+h.filled:], b)
		h.filled += took
		b = b[took:]
	}
	return n, nil
}

// endLeaf enters the block that has been filled. Two trees of the same height become one.
func (h *TreeHasher) endLeaf() {
	if h.leaves*leafLen == h.segment {
		h.endSegment()
	}
	h.leaf[0] = leafPrefix
	node := sum(h.leaf[:1+h.filled])
	h.filled = 0
	h.leaves++
	for n := h.leaves; n&1 == 0; n >>= 1 {
		last := len(h.nodes) - 1
		node = join(h.nodes[last], node)
		h.nodes = h.nodes[:last]
	}
	h.nodes = append(h.nodes, node)
}

// endSegment joins what trees there are, the smaller ones on the right.
func (h *TreeHasher) endSegment() {
	last := len(h.nodes) - 1
	node := h.nodes[last]
	for i := last - 1; i >= 0; i-- {
		node = join(h.nodes[i], node)
	}
	h.row = append(h.row, node)
	h.nodes, h.leaves = h.nodes[:0], 0
}

// Tree ends the hashing and returns the tree.
func (h *TreeHasher) Tree() *Tree {
	if h.filled > 0 || h.size == 0 {
		h.endLeaf()
	}
	h.endSegment()
	return &Tree{Size: h.size, Segment: h.segment, Row: h.row}
}
