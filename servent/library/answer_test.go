package library_test

import (
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/ggep"
	"gnucensus/servent/internal/vector"
	"gnucensus/servent/library"
	"gnucensus/servent/message"
	"gnucensus/servent/urn"
)

func hashes(first byte) urn.URN {
	return urn.URN{SHA1: &urn.SHA1{first}, Tiger: &urn.Tiger{first, 1}}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	lib := library.New([]library.File{
		{Name: "one.txt", URN: hashes(1)}, {Name: "two.txt", URN: hashes(2)}, {Name: "three.txt"}, {Name: "same as one", URN: hashes(1)},
	})
	urns := func(names ...string) []byte {
		tail, err := message.Extensions{URNs: names}.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		return tail
	}
	sha1 := urn.URN{SHA1: hashes(2).SHA1}.String()
	unknown := urn.URN{SHA1: hashes(9).SHA1}.String()
	for name, c := range map[string]struct {
		query message.Query
		limit int
		want  []uint32
	}{
		"words":             {message.Query{Words: "txt"}, 10, []uint32{1, 2, 3}},
		"limited":           {message.Query{Words: "txt"}, 2, []uint32{1, 2}},
		"a hash":            {message.Query{Words: `\`, Tail: urns(sha1)}, 10, []uint32{2}},
		"a bitprint":        {message.Query{Words: `\`, Tail: urns(hashes(2).String())}, 10, []uint32{2}},
		"a hash and words":  {message.Query{Words: "three", Tail: urns(sha1)}, 10, []uint32{2}},
		"two hashes":        {message.Query{Tail: urns(unknown, sha1)}, 10, []uint32{2}},
		"an unknown hash":   {message.Query{Words: "three", Tail: urns(unknown)}, 10, nil},
		"no room":           {message.Query{Words: `\`, Tail: urns(sha1)}, 0, nil},
		"wishes for hashes": {message.Query{Words: "three", Tail: urns("urn:sha1:")}, 10, []uint32{3}},
		"index all":         {message.Query{Words: "    "}, 10, []uint32{1, 2, 3, 4}},
		"index some":        {message.Query{Words: "    "}, 3, []uint32{1, 2, 3}},
		"five blanks":       {message.Query{Words: "     "}, 10, nil},
	} {
		var got []uint32
		for _, r := range lib.Answer(&c.query, c.limit, netip.Addr{}) {
			got = append(got, r.Index)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestResult(t *testing.T) {
	t.Parallel()
	modified := time.Unix(1795210549, 123).UTC()
	u := hashes(1)
	lib := library.New([]library.File{
		{Name: "small", Size: math.MaxInt32, Modified: modified, URN: u}, {Name: "large", Size: math.MaxInt32 + 1}, {Name: "huge", Size: 1 << 40},
	})
	find := func(words string, flags uint16) message.Result {
		t.Helper()
		results := lib.Answer(&message.Query{Words: words, Flags: flags}, 1, netip.Addr{})
		if len(results) != 1 {
			t.Fatalf("%s: %d results", words, len(results))
		}
		return results[0]
	}

	r := find("small", 0)
	ct, _ := r.GGEP().CT()
	root, _ := r.GGEP().TT()
	if want := []string{urn.URN{SHA1: u.SHA1}.String()}; !slices.Equal(r.Extensions().URNs, want) || root != *u.Tiger ||
		!ct.Equal(modified.Truncate(time.Second)) || r.Size != math.MaxInt32 || r.GGEP().Has("LF") || r.GGEP().Has("H") {
		t.Errorf("without flags: %+v, CT %v", r, ct)
	}

	r = find("small", message.QueryH)
	h, _ := r.GGEP().H()
	if want := slices.Concat(u.SHA1[:], u.Tiger[:]); h.Kind != ggep.Bitprint || !slices.Equal(h.Sum, want) ||
		len(r.Extensions().URNs) != 0 || r.GGEP().Has("TT") {
		t.Errorf("with the flag for H: %+v", r)
	}
	for words, size := range map[string]uint64{"large": 1 << 31, "huge": 1 << 40} {
		r := find(words, 0)
		if r.Size != math.MaxUint32 || r.Bytes() != size || r.GGEP().Has("CT") || len(r.Extensions().URNs) != 0 {
			t.Errorf("%s: %+v", words, r)
		}
	}
}

// TestCapturedResults makes the results that gtk-gnutella made of the same files.
func TestCapturedResults(t *testing.T) {
	t.Parallel()
	for _, v := range vector.Read(t, "testdata/gtk-gnutella.txt") {
		m, err := message.ParseDatagram(v.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		captured := m.Body.(*message.QueryHit).Results
		var files []library.File
		for _, r := range captured {
			u, err := urn.Parse(r.Extensions().URNs[0])
			if err != nil {
				t.Fatal(err)
			}
			root, _ := r.GGEP().TT()
			u.Tiger = (*urn.Tiger)(&root)
			ct, _ := r.GGEP().CT()
			files = append(files, library.File{Name: r.Name, Size: r.Bytes(), Modified: ct, URN: u})
		}
		if diff := cmp.Diff(captured, library.New(files).Answer(&message.Query{Words: "    "}, 10, netip.Addr{})); diff != "" {
			t.Errorf("%s (-captured +ours):\n%s", v.Name, diff)
		}
	}
}

func TestAlternates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "file.txt", "content")
	mesh := &library.Mesh{}
	lib := open(t, library.Config{Folders: []string{dir}, Mesh: mesh})
	scan(t, lib)
	file, ok := lib.At(1)
	if !ok {
		t.Fatal("no file")
	}
	for i := range 12 {
		mesh.Add(*file.URN.SHA1, netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), 6346), netip.Addr{})
	}
	here := netip.MustParseAddrPort("127.0.0.9:6346")
	mesh.Add(*file.URN.SHA1, here, here.Addr())
	for to, want := range map[string]bool{"203.0.113.7": false, "192.168.1.1": false, "127.0.0.1": true} {
		alternates := lib.Answer(&message.Query{Words: "file"}, 1, netip.MustParseAddr(to))[0].GGEP().ALT()
		if len(alternates) != 10 {
			t.Errorf("%d alternates, want the 10 that a hit has room for", len(alternates))
		}
		if told := slices.ContainsFunc(alternates, func(h ggep.Host) bool { return h.Addr == here }); told != want {
			t.Errorf("%v is told to %s: %t, want %t", here, to, told, want)
		}
	}
}
