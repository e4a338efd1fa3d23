package transfer

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"testing"

	"gnucensus/servent/internal/vector"
	"gnucensus/servent/urn"
)

// example is the tree of 614,400 bytes, each its offset modulo 251.
func example() *urn.Tree {
	content := make([]byte, 614400)
	for i := range content {
		content[i] = byte(i % 251)
	}
	_, tree, _ := urn.Hash(context.Background(), bytes.NewReader(content), uint64(len(content)))
	return tree
}

// capturedTHEX is the body that gtk-gnutella sent.
func capturedTHEX(tb testing.TB) []byte {
	tb.Helper()
	for _, v := range vector.Read(tb, "testdata/gtk-gnutella.txt") {
		if v.Name == "Tiger tree: answer" {
			_, body, _ := bytes.Cut(v.Bytes, []byte("\r\n\r\n"))
			return body
		}
	}
	tb.Fatal("no tree in the captures")
	return nil
}

func TestTHEX(t *testing.T) {
	t.Parallel()
	tree := example()
	b := appendTHEX(nil, tree)
	// Header of the second record, as worked out by hand.
	if !bytes.Contains(b, []byte{0x0a, 0x20, 0, 0, 0, 0x29, 0, 0x2e, 0, 0, 0, 0x90}) {
		t.Errorf("no second record in %q", b)
	}
	got, err := parseTHEX(b)
	if err != nil || got.Size != tree.Size || got.Segment != tree.Segment || !slices.Equal(got.Row, tree.Row) {
		t.Errorf("%+v, %v; want %+v", got, err, tree)
	}
	captured := capturedTHEX(t)
	if got, err = parseTHEX(captured); err != nil || got.Size != 200000 || got.Root().String() != "672TT3CBRY6DL3IETKLK4CGRNV27CY4DYVNSTHA" {
		t.Fatalf("captured: %+v, %v", got, err)
	}
	if again := appendTHEX(nil, got); !bytes.Equal(again, captured) {
		t.Errorf("%q, captured\n%q", again, captured)
	}
	for n := range captured {
		if _, err := parseTHEX(captured[:n]); err == nil {
			t.Errorf("the first %d bytes are a tree", n)
		}
	}
}

func TestNoTHEX(t *testing.T) {
	t.Parallel()
	good := appendTHEX(nil, example())
	second := bytes.Index(good, []byte{0x0a, 0x20})
	change := func(f func(b []byte)) []byte {
		b := slices.Clone(good)
		f(b)
		return b
	}
	replace := func(old, new string) []byte { return bytes.Replace(good, []byte(old), []byte(new), 1) }
	for name, b := range map[string][]byte{
		"nothing":               nil,
		"a wrong node":          change(func(b []byte) { b[len(b)-1]++ }),
		"a wrong root":          change(func(b []byte) { b[len(b)-6*24]++ }),
		"another version":       change(func(b []byte) { b[0] = 2<<3 | dimeFirst }),
		"a chunk":               change(func(b []byte) { b[0] |= dimeChunk }),
		"4 GiB of data":         change(func(b []byte) { binary.BigEndian.PutUint32(b[second+8:], 1<<32-1) }),
		"part of a node":        change(func(b []byte) { binary.BigEndian.PutUint32(b[second+8:], 6*24-4) }),
		"another size":          replace(`size="614400"`, `size="614401000"`),
		"no size":               replace(`size="614400"`, `size="-"`),
		"other segments":        replace(`segmentsize="1024"`, `segmentsize="2048"`),
		"another digest":        replace("digest/tiger", "digest/sha-1"),
		"another serialisation": replace("thex/breadthfirst\x00\x00", "thex/depthfirst\x00\x00\x00\x00"),
		"not XML":               replace("<hashtree>", "<hashtree!"),
		"no description":        good[second:],
		"no end":                change(func(b []byte) { b[second] = dimeVersion }),
		"a second description":  append(good[:second:second], good[:second]...),
	} {
		if tree, err := parseTHEX(b); err == nil {
			t.Errorf("%s: %+v", name, tree)
		}
	}
}

// FuzzTHEX checks that what parses is a tree that is written and read again as it is.
func FuzzTHEX(f *testing.F) {
	f.Add(appendTHEX(nil, example()))
	f.Add(capturedTHEX(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		tree, err := parseTHEX(b)
		if err != nil {
			return
		}
		again, err := parseTHEX(appendTHEX(nil, tree))
		if err != nil || again.Size != tree.Size || again.Segment != tree.Segment || !slices.Equal(again.Row, tree.Row) {
			t.Fatalf("%+v, then %+v, %v", tree, again, err)
		}
	})
}
