package qrp_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gnucensus/servent/qrp"
)

// The reference values that servents' own tests of the query routing hash hold, and a few recomputed.
func TestHashReferenceValues(t *testing.T) {
	for width, words := range map[int]map[string]uint32{
		13: {"": 0, "eb": 6791, "ebc": 7082, "ebck": 6698, "ebckl": 3179, "ebcklm": 3235, "ebcklme": 6438, "ebcklmen": 1062,
			"ebcklmenq": 3527, "linux": 2085},
		16: {"n": 65003, "nd": 54193, "ndf": 4953, "ndfl": 58201, "ndfla": 34830, "ndflal": 36910, "ndflale": 34586,
			"ndflalem": 37658, "ndflaleme": 45559, "hello": 38932, "linux": 16680, "ubuntu": 42399, "été": 30222,
			"urn:sha1:3i42h3s6nnfq2msvx7xzkyayscx5qbyj": 12816},
		10: {"ol2j34lj": 318, "asdfas23": 503, "9um3o34fd": 758, "a234d": 281, "a3f": 767, "3nja9": 581,
			"2459345938032343": 146, "7777a88a8a8a8": 342, "asdfjklkj3k": 861, "adfk32l": 1011, "zzzzzzzzzzz": 944},
		3: {"test": 2, "qrp": 7},
	} {
		for word, want := range words {
			if got := qrp.Hash(word, width); got != want {
				t.Errorf("Hash(%q, %d) = %d, want %d", word, width, got, want)
			}
		}
	}
}

func TestWords(t *testing.T) {
	for in, want := range map[string][]string{
		"Debian-13.1_netinst (amd64).ISO": {"debian", "13", "1", "netinst", "amd64", "iso"},
		"Été à la ﬁn":                     {"ete", "a", "la", "fin"},
		" - . ":                           nil,
		"日本 語":                            {"日本", "語"},
	} {
		if diff := cmp.Diff(want, qrp.Words(in)); diff != "" && len(want)+len(qrp.Words(in)) > 0 {
			t.Errorf("Words(%q): %s", in, diff)
		}
	}
}

func TestMatch(t *testing.T) {
	table := qrp.NewTable(1 << 16)
	table.Add("Linux Distribution.iso")
	for query, want := range map[string]bool{
		"linux": true, "LINUX iso": true, "distribut": true, "distri": false, "linu": true, "lin": false, "dis": false,
		"linux windows": false, "": false, "...": false,
	} {
		if got := table.Match(qrp.KeyOf(query)); got != want {
			t.Errorf("Match(%q) = %v, want %v", query, got, want)
		}
	}
}

// TestMatchShortWords: those that a peer may have left out of its table keep no query from it, where there are others.
func TestMatchShortWords(t *testing.T) {
	table := qrp.NewTable(1 << 16)
	table.Add("linux distribution")
	for query, want := range map[string]bool{"linux 13": true, "a linux": true, "13": false, "a 13": false, "linux 日": false} {
		if got := table.Match(qrp.KeyOf(query)); got != want {
			t.Errorf("Match(%q) = %v, want %v", query, got, want)
		}
	}
	table.Add("13")
	if !table.Match(qrp.KeyOf("13")) {
		t.Error("a short word alone is not looked up")
	}
}

// TestMatchURN: a file is found by its hash, whatever the words, and no part of the hash is a word.
func TestMatchURN(t *testing.T) {
	const here, elsewhere = "urn:sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ", "urn:sha1:LOUTZHNQZ74T6UVVEHLUEDSD63W2E6CP"
	table := qrp.NewTable(1 << 16)
	table.Add("Linux")
	table.Add(here)
	for _, test := range []struct {
		words string
		urns  []string
		want  bool
	}{
		{"", []string{here}, true}, {"\\", []string{elsewhere, here}, true}, {"windows", []string{here}, true},
		{"", []string{elsewhere}, false}, {"linux", []string{elsewhere}, true}, {"windows", []string{elsewhere}, false},
		{"urn sha1", nil, false}, {here, nil, false},
	} {
		if got := table.Match(qrp.KeyOf(test.words, test.urns...)); got != test.want {
			t.Errorf("%q, %q: %t", test.words, test.urns, got)
		}
	}
}

func TestMergeAcrossSizes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.IntRange(6, 14)
		into, from := qrp.NewTable(1<<sizes.Draw(t, "into")), qrp.NewTable(1<<sizes.Draw(t, "from"))
		names := rapid.SliceOf(rapid.StringMatching(`[a-z]{1,9}`)).Draw(t, "names")
		for i, n := range names {
			if i%2 == 0 {
				into.Add(n)
			} else {
				from.Add(n)
			}
		}
		into.Merge(from)
		for _, n := range names {
			if !into.Match(qrp.KeyOf(n)) {
				t.Fatalf("%q is lost", n)
			}
		}
	})
}

// Examples of the protocol's own texts: words in slots 4 and 12 of 16 (linux, iso), and in slot 2 of 8 (test).
func TestPublishedPatches(t *testing.T) {
	for name, c := range map[string]struct {
		slots      uint32
		compressor uint8
		entryBits  uint8
		data       string
		words      []string
	}{
		"4 bits, infinity 7":       {16, qrp.Plain, 4, "0000a0000000a000", []string{"linux", "iso"}},
		"4 bits, infinity 2":       {16, qrp.Plain, 4, "0000f0000000f000", []string{"linux", "iso"}},
		"8 bits, infinity 7":       {16, qrp.Plain, 8, "00000000fa00000000000000fa000000", []string{"linux", "iso"}},
		"1 bit":                    {16, qrp.Plain, 1, "0808", []string{"linux", "iso"}},
		"2 bits":                   {16, qrp.Plain, 2, "00c000c0", []string{"linux", "iso"}},
		"8 slots, 8 bits":          {8, qrp.Plain, 8, "0000fa0000000000", []string{"test"}},
		"8 slots, 4 bits, deflate": {8, qrp.Zlib, 4, "789c6358c0c0000001e400a1", []string{"test"}},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := hex.DecodeString(c.data)
			if err != nil {
				t.Fatal(err)
			}
			var r qrp.Receiver
			if err := r.Reset(c.slots); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Patch(qrp.Patch{Number: 1, Count: 1, Compressor: c.compressor, EntryBits: c.entryBits, Data: data}); err != nil {
				t.Fatal(err)
			}
			if n := r.Table().Count(); n != len(c.words) {
				t.Errorf("%d slots present, want %d", n, len(c.words))
			}
			for _, w := range c.words {
				if !r.Table().Match(qrp.KeyOf(w)) {
					t.Errorf("%q does not match", w)
				}
			}
		})
	}
}

// Whatever tables a node has had, the peer that applies our patches has the last one.
func TestPatchesRebuildTheTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := 1 << rapid.IntRange(1, 17).Draw(t, "width")
		squeeze := rapid.Bool().Draw(t, "squeeze")
		var r qrp.Receiver
		if err := r.Reset(uint32(slots)); err != nil {
			t.Fatal(err)
		}
		var old *qrp.Table
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			next := qrp.NewTable(slots)
			for _, n := range rapid.SliceOf(rapid.StringMatching(`[a-z]{1,9}`)).Draw(t, "names") {
				next.Add(n)
			}
			before, kept := r.Table(), r.Table().Clone()
			for _, p := range qrp.Patches(old, next, squeeze) {
				if whole, err := r.Patch(p); err != nil || whole != (p.Number == p.Count) {
					t.Fatal(whole, err)
				}
			}
			if !before.Equal(kept) {
				t.Fatal("the table of the sequence before changed")
			}
			if diff := cmp.Diff(next, r.Table(), cmp.AllowUnexported(qrp.Table{})); diff != "" {
				t.Fatal(diff)
			}
			old = next
		}
	})
}

func TestReceiverRefuses(t *testing.T) {
	type step struct {
		reset uint32
		patch qrp.Patch
	}
	full := make([]byte, 8)
	for name, c := range map[string]struct {
		steps []step
		want  error
	}{
		"patch before reset":      {[]step{{patch: qrp.Patch{Number: 1, Count: 1, EntryBits: 4}}}, qrp.ErrNoReset},
		"no power of two":         {[]step{{reset: 17}}, qrp.ErrSlots},
		"a huge table":            {[]step{{reset: 1 << 31}}, qrp.ErrSlots},
		"a sequence from two":     {[]step{{reset: 16}, {patch: qrp.Patch{Number: 2, Count: 2, EntryBits: 4}}}, qrp.ErrSequence},
		"a sequence from nothing": {[]step{{reset: 16}, {patch: qrp.Patch{Number: 0, Count: 0, EntryBits: 4}}}, qrp.ErrSequence},
		"a changing count": {[]step{{reset: 16}, {patch: qrp.Patch{Number: 1, Count: 2, EntryBits: 4}},
			{patch: qrp.Patch{Number: 2, Count: 3, EntryBits: 4}}}, qrp.ErrSequence},
		"changing entries": {[]step{{reset: 16}, {patch: qrp.Patch{Number: 1, Count: 2, EntryBits: 4}},
			{patch: qrp.Patch{Number: 2, Count: 2, EntryBits: 8}}}, qrp.ErrEntry},
		"entries of three bits": {[]step{{reset: 16}, {patch: qrp.Patch{Number: 1, Count: 1, EntryBits: 3, Data: full}}}, qrp.ErrEntry},
		"an unknown compressor": {[]step{{reset: 16}, {patch: qrp.Patch{Number: 1, Count: 1, EntryBits: 4, Compressor: 2, Data: full}}}, qrp.ErrEntry},
		"too little data":       {[]step{{reset: 16}, {patch: qrp.Patch{Number: 1, Count: 1, EntryBits: 4, Data: full[:7]}}}, qrp.ErrData},
		"too much data":         {[]step{{reset: 16}, {patch: qrp.Patch{Number: 1, Count: 1, EntryBits: 4, Data: make([]byte, 2000)}}}, qrp.ErrData},
		"no zlib":               {[]step{{reset: 16}, {patch: qrp.Patch{Number: 1, Count: 1, EntryBits: 4, Compressor: 1, Data: full}}}, qrp.ErrData},
	} {
		t.Run(name, func(t *testing.T) {
			var r qrp.Receiver
			var err error
			for _, s := range c.steps {
				if err != nil {
					t.Fatalf("an earlier step: %v", err)
				}
				if s.reset != 0 {
					err = r.Reset(s.reset)
				} else {
					_, err = r.Patch(s.patch)
				}
			}
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// A table is large enough for what is in it, and one of several matches what each of them does.
func TestBuildAndUnion(t *testing.T) {
	names := func(n int) []string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("%d word%d another%d.txt", i, i*i, i*7))
		}
		return list
	}
	var all []*qrp.Table
	for _, c := range []struct{ names, slots int }{
		{0, qrp.EmptySlots}, {1, 1 << 14}, {20, 1 << 14}, {40, 1 << 15}, {120, 1 << 16}, {10_000, qrp.MaxTold},
	} {
		table := qrp.Build(slices.Values(names(c.names)))
		if table.Slots() != c.slots {
			t.Errorf("%d names: %d slots, want %d", c.names, table.Slots(), c.slots)
		}
		if c.slots < qrp.MaxTold && table.Count()*100 > c.slots {
			t.Errorf("%d names: %d of %d slots are present", c.names, table.Count(), c.slots)
		}
		for _, name := range names(c.names) {
			if !table.Match(qrp.KeyOf(name)) {
				t.Errorf("%q does not match", name)
			}
		}
		all = append(all, table)
	}
	few := qrp.Union(all[:3]...)
	for _, name := range names(20) {
		if !few.Match(qrp.KeyOf(name)) {
			t.Errorf("the union does not match %q", name)
		}
	}
	if few.Slots() != 1<<14 || few.Match(qrp.KeyOf("elsewhere")) {
		t.Errorf("the union has %d slots, and matches what none of its parts does", few.Slots())
	}
	large := qrp.NewTable(qrp.MaxSlots)
	large.Add("far")
	if u := qrp.Union(large, all[1]); u.Slots() != qrp.MaxTold || !u.Match(qrp.KeyOf("far word0")) {
		t.Errorf("a large table makes one of %d slots", u.Slots())
	}
	if qrp.Union().Slots() != qrp.EmptySlots || !few.Equal(few.Clone()) || few.Equal(all[1]) || few.Equal(large) {
		t.Error("what is equal is not, or the other way round")
	}
}

// Whatever a peer sends, the receiver answers with a table of the announced size or an error.
func FuzzReceiver(f *testing.F) {
	f.Add(uint32(16), uint8(1), uint8(1), uint8(0), uint8(4), []byte("\x00\x00\xa0\x00\x00\x00\xa0\x00"))
	f.Add(uint32(8), uint8(1), uint8(2), uint8(1), uint8(4), []byte("\x78\x9c\x63\x58\xc0\xc0\x00\x00\x01\xe4\x00\xa1"))
	f.Fuzz(func(t *testing.T, slots uint32, number, count, compressor, width uint8, data []byte) {
		var r qrp.Receiver
		if r.Reset(slots) != nil {
			return
		}
		half := len(data) / 2
		r.Patch(qrp.Patch{Number: number, Count: count, Compressor: compressor, EntryBits: width, Data: data[:half]})
		r.Patch(qrp.Patch{Number: number + 1, Count: count, Compressor: compressor, EntryBits: width, Data: data[half:]})
		if n := r.Table().Slots(); uint32(n) != slots || r.Table().Count() > n {
			t.Fatalf("%d of %d slots present after a reset to %d", r.Table().Count(), n, slots)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	table := qrp.NewTable(1 << 16)
	table.Add("some words of a file name that somebody shares.mp3")
	key := qrp.KeyOf("words somebody shares")
	for b.Loop() {
		if !table.Match(key) {
			b.Fatal("no match")
		}
	}
}
