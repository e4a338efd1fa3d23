package urn

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The tables and two hashes, from the reference implementation of Tiger.
func TestTiger(t *testing.T) {
	t.Parallel()
	digest := sha256.New()
	for _, table := range tigerBoxes {
		binary.Write(digest, binary.LittleEndian, table)
	}
	want := "364d73427379144b709fb0565ba1536c2c32ef9b02ab6201b1aefc30857372ea"
	if got := hex.EncodeToString(digest.Sum(nil)); got != want {
		t.Errorf("tables: SHA-256 %s", got)
	}
	for in, want := range map[string]string{
		"":    "3293ac630c13f0245f92bbb1766e16167a4e58492dde73f3",
		"abc": "2aab1484e8c158f2bfb8c5ff41b57a525129131c957b5f93",
	} {
		h := sum([]byte(in))
		if got := hex.EncodeToString(h[:]); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

// vectors are published hashes of the two kinds.
var vectors = []struct {
	name        string
	content     []byte
	sha1, tiger string
}{
	{"empty", nil, emptySHA1, emptyTiger},
	{"NUL", []byte{0}, "LOUTZHNQZ74T6UVVEHLUEDSD63W2E6CP", "VK54ZIEEVTWNAUI5D5RDFIL37LX2IQNSTAXFKSA"},
	{"1024", bytes.Repeat([]byte("A"), 1024), "ORWD6TJINRJR4BS6RL3W4CWAQ2EDDRVU", "L66Q4YVNAFWVS23X2HJIRA5ZJ7WXR3F26RSASFA"},
	{"1025", bytes.Repeat([]byte("A"), 1025), "UUHHSQPHQXN5X6EMYK6CD7IJ7BHZTE77", "PZMRYHGY6LTBEH63ZWAHDORHSYTLO4LEFUIKHWY"},
	{"2500", bytes.Repeat([]byte("A"), 2500), "FBSDXFGM6G3RZFW6YE54TMZ2ATWDIFEG", "2XREET4DHYOGB6GLP4JQDZLCQITOL6NBPX3U26Y"},
	{"hello", []byte("hello world\n"), "EJMWGY5T3ZALA34YD64F3ARRF2GA5VIR", "KND4PAISRXWKPFWNUC5NJDGCX2ON77YTRMEVWBQ"},
}

func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		sum, tree, err := Hash(t.Context(), bytes.NewReader(v.content), uint64(len(v.content)))
		if err != nil || sum.String() != v.sha1 || tree.Root().String() != v.tiger || tree.Size != uint64(len(v.content)) {
			t.Errorf("%s: %s, %s of %d bytes, %v", v.name, sum, tree.Root(), tree.Size, err)
		}
	}
}

// The worked example of a tree of three segments, the last of which moves up.
func TestRows(t *testing.T) {
	t.Parallel()
	content := make([]byte, 614400)
	for i := range content {
		content[i] = byte(i % 251)
	}
	sum, tree, err := Hash(t.Context(), bytes.NewReader(content), uint64(len(content)))
	if err != nil || sum.String() != "ZBKWRZYSOHDOFABG5EPI5HY6A34OTLEE" {
		t.Errorf("SHA1 %s, %v", sum, err)
	}
	var got []string
	for _, node := range tree.Nodes() {
		got = append(got, node.String())
	}
	want := []string{
		"AIJOLK54J5TNTBV5OQTKVKGTYDDDRZKNRULAFEI",
		"WCUDMSCBPGIU2GL6AWQLADWAUKQXBDZ52Y5WJZA", "7ZQGQWTWFFVLFMBXJPGAAOVLCKTEVCL2LGIDXXY",
		"X57J5VEYTAVQZE5WEPPTRKRXC65D2B76QZKJ7MI", "VXVS2TS7QRB2FMA5QAQQFBLIXSSLQ5QRNFYQI2Y",
		"7ZQGQWTWFFVLFMBXJPGAAOVLCKTEVCL2LGIDXXY",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if tree.Depth() != 2 || tree.Segment != 256<<10 {
		t.Errorf("depth %d, segments of %d bytes", tree.Depth(), tree.Segment)
	}
}

// TestTreeByDefinition holds the hasher, at every height of its row and in writes of any size, to a tree that is built row by
// row as the definition says.
func TestTreeByDefinition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		content := make([]byte, rapid.IntRange(0, 40<<10).Draw(t, "size"))
		rand.Read(content)
		height := rapid.IntRange(0, 7).Draw(t, "height")
		h := NewTreeHasher(leafLen << height)
		for rest := content; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "write")
			h.Write(rest[:n])
			rest = rest[n:]
		}
		tree := h.Tree()

		var row []Tiger
		for i := 0; i == 0 || i < len(content); i += leafLen {
			block := content[i:min(i+leafLen, len(content))]
			row = append(row, sum(append([]byte{leafPrefix}, block...)))
		}
		for range height {
			row = above(row)
		}
		if diff := cmp.Diff(row, tree.Row); diff != "" {
			t.Fatalf("row (-want +got):\n%s", diff)
		}
		again, err := NewTree(tree.Size, tree.Nodes())
		if err != nil {
			t.Fatal(err)
		}
		if again.Root() != tree.Root() || len(again.Row) != len(tree.Row) || len(row) > 1 && again.Segment != tree.Segment {
			t.Fatalf("from its nodes: %+v, want %+v", again, tree)
		}
	})
}

func TestNoTree(t *testing.T) {
	t.Parallel()
	h := NewTreeHasher(leafLen)
	h.Write([]byte(strings.Repeat("no tree ", 1000)))
	tree := h.Tree()
	nodes := tree.Nodes()
	wrong := append([]Tiger{}, nodes...)
	wrong[len(wrong)-1][0]++
	for name, c := range map[string]struct {
		size  uint64
		nodes []Tiger
	}{
		"no nodes":        {tree.Size, nil},
		"a row cut off":   {tree.Size, nodes[:len(nodes)-1]},
		"a node too many": {tree.Size, append(nodes[:len(nodes):len(nodes)], nodes[0])},
		"of another size": {tree.Size + leafLen, nodes},
		"a wrong leaf":    {tree.Size, wrong},
	} {
		if _, err := NewTree(c.size, c.nodes); !errors.Is(err, ErrTree) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if root, err := NewTree(tree.Size, nodes[:1]); err != nil || root.Segment < tree.Size || root.Root() != tree.Root() {
		t.Errorf("the root alone: %+v, %v", root, err)
	}
}

func TestSegmentOf(t *testing.T) {
	t.Parallel()
	for size, want := range map[uint64]uint64{
		0: 1 << 10, 1: 1 << 10, 1025: 2 << 10, 200000: 256 << 10, 256<<10 - 1: 256 << 10, 256 << 10: 128 << 10,
		614400: 256 << 10, 100 << 20: 256 << 10, 4 << 30: 2 << 20, 64<<30 + 1: 64 << 20,
	} {
		if got := SegmentOf(size); got != want {
			t.Errorf("%d bytes: segments of %d, want %d", size, got, want)
		}
	}
}

// BenchmarkHash is SHA1 and Tiger tree in one pass.
func BenchmarkHash(b *testing.B) {
	content := make([]byte, 16<<20)
	rand.Read(content)
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		if _, _, err := Hash(b.Context(), bytes.NewReader(content), uint64(len(content))); err != nil {
			b.Fatal(err)
		}
	}
}
