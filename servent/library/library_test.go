package library_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/library"
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
		{"bach", 10, []uint32{0, 1}},
		{"BACH suite", 10, []uint32{0, 1}},
		{"suite", 10, []uint32{0, 1, 2, 3}},
		{"suite", 2, []uint32{0, 1}},
		{"suite", 0, nil},
		{"mp3 prelude", 10, []uint32{0}},
		{"bach ogg", 10, nil},
		{"bac", 10, nil},
		{"CAFÉ", 10, []uint32{2}},
		{"suite-2", 10, []uint32{1}},
		{"", 10, nil},
		{"  --  ", 10, nil},
		{"*.*", 10, nil},
	} {
		var got []uint32
		for _, m := range lib.Match(c.query, c.limit) {
			if m.File != shelf[m.Index] {
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
		if c.files == 0 && c.lib.Match("a", 10) != nil {
			t.Errorf("%s: matched a file it does not have", c.name)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("Bach - Cello Suite 1 (Prelude).mp3")
	f.Add("\x00\xff été İ")
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range library.Words(text) {
			if w == "" || strings.ContainsAny(w, " .-_/\x00") {
				t.Errorf("word %q of %q", w, text)
			}
		}
		if len(text) > 0 && len(library.Words(text)) > 0 {
			if got := library.New([]library.File{{Name: text}}).Match(text, 1); len(got) != 1 {
				t.Errorf("the name %q does not match itself", text)
			}
		}
	})
}
