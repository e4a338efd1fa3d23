package urn

import (
	"context"
	"crypto/sha1"
	"errors"
	"hash"
	"io"
)

// A Hasher computes SHA1 and Tiger tree of a file in one pass. Writing never fails.
type Hasher struct {
	sha1 hash.Hash
	tree *TreeHasher
}

// NewHasher returns a hasher for a file of size bytes; the size decides how much of the tree is kept.
func NewHasher(size uint64) *Hasher {
	return &Hasher{sha1: sha1.New(), tree: NewTreeHasher(SegmentOf(size))}
}

// Write takes more of the file.
func (h *Hasher) Write(b []byte) (int, error) {
	_, _ = h.sha1.Write(b) // never fails: see package hash
	return h.tree.Write(b)
}

// Sum ends the hashing and returns both.
func (h *Hasher) Sum() (SHA1, *Tree) { return SHA1(h.sha1.Sum(nil)), h.tree.Tree() }

// Hash reads a file of size bytes to its end. The tree's size is that of what was read. The error is that of ctx or of the
// reader.
func Hash(ctx context.Context, r io.Reader, size uint64) (SHA1, *Tree, error) {
	h := NewHasher(size)
	for buf := make([]byte, 256<<10); ; {
		if err := ctx.Err(); err != nil {
			return SHA1{}, nil, err
		}
		n, err := r.Read(buf)
		_, _ = h.Write(buf[:n]) // never fails
		switch {
		case errors.Is(err, io.EOF):
			sum, tree := h.Sum()
			return sum, tree, nil
		case err != nil:
			return SHA1{}, nil, err
		}
	}
}
