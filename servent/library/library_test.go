package library_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gnucensus/servent/library"
	"gnucensus/servent/qrp"
)

var shelf = []library.File{
	{Name: "Bach - Cello Suite 1 (Prelude).mp3", Size: 2 << 20},
	{Name: "bach_cello_suite_2.MP3", Size: 3 << 20},
	{Name: "Café Müller - Suite.ogg", Size: 1023},
	{Name: "suite suite suite.txt", Size: 1},
}

func TestMatch(t *testing.T) {
	t.Parallel()
	lib := library.New(shelf)
	for _, c := range []struct {
		query string
		limit int
		want  []uint32
	}{
		{"bach", 10, []uint32{1, 2}},
		{"BACH suite", 10, []uint32{1, 2}},
		{"suite", 10, []uint32{1, 2, 3, 4}},
		{"suite suite", 10, []uint32{1, 2, 3, 4}},
		{"suite", 2, []uint32{1, 2}},
		{"suite", 0, nil},
		{"mp3 prelude", 10, []uint32{1}},
		{"bach ogg", 10, nil},
		{"bac", 10, nil},
		{"CAFÉ", 10, []uint32{3}},
		{"Cafe muller", 10, []uint32{3}},
		{"suite-2", 10, []uint32{2}},
		{"", 10, nil},
		{"  --  ", 10, nil},
		{"*.*", 10, nil},
	} {
		var got []uint32
		for _, m := range lib.Match(c.query, c.limit) {
			if m.File != shelf[m.Index-1] {
				t.Errorf("query %q: index %d with file %v", c.query, m.Index, m.File)
			}
			got = append(got, m.Index)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("query %q, limit %d (-want +got):\n%s", c.query, c.limit, diff)
		}
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	var none *library.Library
	huge := []library.File{{Name: "a", Size: math.MaxUint32 << 10}, {Name: "b", Size: 4096}}
	for _, c := range []struct {
		name       string
		lib        *library.Library
		files, kib uint32
	}{
		{"nil", none, 0, 0},
		{"zero", &library.Library{}, 0, 0},
		{"empty", library.New(nil), 0, 0},
		{"four files", library.New(shelf), 4, 5121},
		{"more than fits", library.New(huge), 2, math.MaxUint32},
	} {
		if c.lib.Files() != c.files || c.lib.KiB() != c.kib {
			t.Errorf("%s: %d files, %d KiB; want %d, %d", c.name, c.lib.Files(), c.lib.KiB(), c.files, c.kib)
		}
		if got := len(slices.Collect(c.lib.All())); got != int(c.files) {
			t.Errorf("%s: all are %d, want %d", c.name, got, c.files)
		}
		if c.files == 0 && c.lib.Match("a", 10) != nil {
			t.Errorf("%s: matched a file it does not have", c.name)
		}
		if _, ok := c.lib.At(0); ok {
			t.Errorf("%s: has a file 0", c.name)
		}
		if _, ok := c.lib.At(c.files + 1); ok {
			t.Errorf("%s: has a file beyond the last", c.name)
		}
		if _, err := c.lib.Open(1); err == nil {
			t.Errorf("%s: opened a name", c.name)
		}
	}
}

// TestCommonWords holds libraries whose words are so common that their sets become bitmaps to a plain search.
func TestCommonWords(t *testing.T) {
	t.Parallel()
	const n = 40_000
	files := make([]library.File, n)
	for i := range files {
		name := fmt.Sprintf("n%d half%d third%d hundredth%d", i, i%2, i%3, i%100)
		if i >= n/2 {
			name += " late"
		}
		files[i].Name = name
	}
	lib := library.New(files)
	words := []string{"half0", "half1", "third0", "third1", "third2", "hundredth7", "hundredth42", "late", "n1234", "n39999", "none"}
	rapid.Check(t, func(t *rapid.T) {
		query := rapid.SliceOfNDistinct(rapid.SampledFrom(words), 1, 4, rapid.ID).Draw(t, "query")
		var want, got []uint32
		for i, f := range files {
			has := strings.Fields(f.Name)
			if !slices.ContainsFunc(query, func(w string) bool { return !slices.Contains(has, w) }) {
				want = append(want, uint32(i+1))
			}
		}
		for _, m := range lib.Match(strings.Join(query, " "), n) {
			got = append(got, m.Index)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%d files match, want %d", len(got), len(want))
		}
	})
}

// FuzzMatch checks that a name with words matches itself, and that it passes its own query routing table.
func FuzzMatch(f *testing.F) {
	f.Add("Bach - Cello Suite 1 (Prelude).mp3")
	f.Add("\x00\xff été İ")
	f.Fuzz(func(t *testing.T, name string) {
		lib := library.New([]library.File{{Name: name}})
		got := lib.Match(name, 1)
		if hasWords := len(qrp.Words(name)) > 0; (len(got) == 1) != hasWords {
			t.Fatalf("the name %q matches itself: %v", name, got)
		}
	})
}
