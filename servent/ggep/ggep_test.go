package ggep

import (
	"bytes"
	"encoding/hex"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gnucensus/servent/internal/vector"
)

const examples = "testdata/blocks.txt"

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestVectors parses each block and encodes it again; all of them are in the form that Append writes.
func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vector.Read(t, examples) {
		blocks, rest, err := Parse(v.Bytes)
		if err != nil || len(rest) > 0 || len(blocks) == 0 {
			t.Errorf("%s: %v, %d left, %v", v.Name, blocks, len(rest), err)
			continue
		}
		if b, err := Append([]byte{7}, blocks...); err != nil || !bytes.Equal(b[1:], v.Bytes) {
			t.Errorf("%s: encodes to\n%x, %v, want\n%x", v.Name, b[1:], err, v.Bytes)
		}
	}
}

// TestPrefixes cuts each block everywhere.
func TestPrefixes(t *testing.T) {
	t.Parallel()
	for _, v := range vector.Read(t, examples) {
		whole, _, _ := Parse(v.Bytes)
		for n := range v.Bytes {
			blocks, _, err := Parse(v.Bytes[:n])
			if !errors.Is(err, ErrTruncated) {
				t.Errorf("%s: %d bytes: %v", v.Name, n, err)
			}
			if diff := cmp.Diff(whole[:len(blocks)], blocks, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: %d bytes: %s", v.Name, n, diff)
			}
		}
	}
}

// FuzzParse checks that blocks survive to be encoded, in any form, and that reading them takes bounded memory.
func FuzzParse(f *testing.F) {
	for _, v := range vector.Read(f, examples) {
		f.Add(v.Bytes)
	}
	both := Block{ID: "Z", Data: make([]byte, 300), Deflate: true, COBS: true}
	deflated, err := Append(nil, PHC("192.0.2.1", "cache.example:6346"), both)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(deflated)
	f.Fuzz(func(t *testing.T, b []byte) {
		var blocks Blocks
		var err error
		n := allocated(func() { blocks, _, err = Parse(b) })
		if limit := uint64(2<<20 + 64*len(b)); n > limit {
			t.Fatalf("%d bytes of input took %d bytes of memory", len(b), n)
		}
		ParseAll(b)
		Find(b)
		readAllKeys(blocks)
		if err != nil {
			return
		}
		for _, encode := range []func([]byte, ...Block) ([]byte, error){Append, AppendNULFree} {
			encoded, err := encode(nil, blocks...)
			if errors.Is(err, ErrTooLong) {
				continue // data that deflate worse than they came
			}
			again, rest, err := Parse(encoded)
			if err != nil || len(rest) > 0 {
				t.Fatalf("%x: %d left, %v", encoded, len(rest), err)
			}
			plain := cmpopts.IgnoreFields(Block{}, "COBS")
			if diff := cmp.Diff(blocks, again, plain, cmpopts.EquateEmpty()); diff != "" {
				t.Fatal(diff)
			}
		}
		if encoded, err := AppendNULFree(nil, blocks...); err == nil && bytes.IndexByte(encoded, 0) >= 0 {
			t.Fatalf("%x has a NUL", encoded)
		}
	})
}

// readAllKeys calls every typed reader: none may panic.
func readAllKeys(x Blocks) {
	x.SCP()
	x.IPP()
	x.DHTIPP()
	x.ALT()
	x.PUSH()
	x.IP()
	x.IPv6()
	x.VC()
	x.UP()
	x.DU()
	x.GUE()
	x.TLS()
	x.QK()
	x.SO()
	x.LOC()
	x.DHT()
	x.HNAME()
	x.BH()
	x.UDPHC()
	x.PHC()
	if h, ok := x.H(); ok {
		h.SHA1()
	}
	x.URN()
	x.TT()
	x.LF()
	x.CT()
	x.M()
	x.PATH()
	x.Partial()
	x.WH()
	x.XQ()
	x.I6()
	x.FW()
	x.Guesser()
	x.GTKGV()
	x.ReturnPath()
}

// allocated tells how many bytes f allocates, and whatever else runs meanwhile.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hex  string
		want error
	}{
		"nothing":               {"", ErrTruncated},
		"another magic":         {"c4 81 41 40", ErrMalformed},
		"empty id":              {"c3 80 40", ErrMalformed},
		"reserved flag":         {"c3 91 41 40", ErrMalformed},
		"control byte in id":    {"c3 81 07 40", ErrMalformed},
		"no length bit":         {"c3 81 41 00", ErrMalformed},
		"both length bits":      {"c3 81 41 c0", ErrMalformed},
		"4 digits of length":    {"c3 81 41 80 80 80 40", ErrMalformed},
		"COBS code 0":           {"c3 c1 41 41 00", ErrMalformed},
		"COBS run too long":     {"c3 c1 41 41 03", ErrMalformed},
		"no zlib stream":        {"c3 a1 41 42 41 42", ErrMalformed},
		"zlib stream cut off":   {"c3 a1 41 42 78 9c", ErrMalformed},
		"33 extensions":         {"c3" + strings.Repeat("01 41 40", 32) + "81 41 40", ErrTooLong},
		"no extension is last":  {"c3 01 41 40", ErrTruncated},
		"less data than length": {"c3 81 41 42 00", ErrTruncated},
	} {
		if blocks, _, err := Parse(unhex(t, c.hex)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v", name, blocks, err)
		}
	}
	most := unhex(t, "c3"+strings.Repeat("01 41 40", 31)+"81 41 40")
	if blocks, _, err := Parse(most); err != nil || len(blocks) != MaxBlocks {
		t.Errorf("32 extensions: %d, %v", len(blocks), err)
	}
}

// TestInflateLimit checks that all deflated extensions share one limit, over several magic bytes too.
func TestInflateLimit(t *testing.T) {
	t.Parallel()
	half := Block{ID: "A", Data: make([]byte, MaxInflated/2), Deflate: true}
	fits, err := Append(nil, half, half)
	if err != nil {
		t.Fatal(err)
	}
	if blocks, _, err := Parse(fits); err != nil || len(blocks) != 2 {
		t.Errorf("up to the limit: %d blocks, %v", len(blocks), err)
	}
	over, err := Append(nil, half, half, Block{ID: "B", Data: []byte{1}, Deflate: true})
	if err != nil {
		t.Fatal(err)
	}
	if blocks, _, err := Parse(over); !errors.Is(err, ErrTooLong) || len(blocks) != 2 {
		t.Errorf("over the limit: %d blocks, %v", len(blocks), err)
	}
	if all := ParseAll(append(fits, fits...)); len(all) != 2 {
		t.Errorf("over the limit in two parts: %d blocks", len(all))
	}
}

func TestAppendErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		blocks []Block
		want   error
	}{
		"empty id":      {[]Block{{}}, ErrMalformed},
		"16 characters": {[]Block{{ID: "0123456789abcdef"}}, ErrMalformed},
		"NUL in id":     {[]Block{{ID: "a\x00"}}, ErrMalformed},
		"33 blocks":     {make([]Block, 33), ErrTooLong},
		"256 KiB":       {[]Block{{ID: "A", Data: make([]byte, MaxData+1)}}, ErrTooLong},
	} {
		if b, err := Append([]byte{7}, c.blocks...); !errors.Is(err, c.want) || !bytes.Equal(b, []byte{7}) {
			t.Errorf("%s: %x, %v", name, b, err)
		}
	}
	if b, err := Append(nil); err != nil || len(b) != 0 {
		t.Errorf("no blocks: %x, %v", b, err)
	}
}

func TestLength(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0: "40", 1: "41", 63: "7f", 64: "8140", 200: "8348", 4095: "bf7f", 4096: "818040", 262143: "bfbf7f",
	} {
		if got := hex.EncodeToString(appendLength(nil, n)); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
		if got, rest, err := parseLength(unhex(t, want)); got != n || len(rest) > 0 || err != nil {
			t.Errorf("%s: %d, %d left, %v", want, got, len(rest), err)
		}
	}
}

func TestCOBS(t *testing.T) {
	t.Parallel()
	run := strings.Repeat("61", 254)
	for plain, coded := range map[string]string{
		"01000002":          "0201010202",
		"00":                "0101",
		"1100":              "021101",
		"":                  "01",
		run:                 "ff" + run,
		run + "00":          "ff" + run + "0101",
		run + "62":          "ff" + run + "0262",
		run + "0062":        "ff" + run + "010262",
		run[2:] + "00":      "fe" + run[2:] + "01",
		run + run:           "ff" + run + "ff" + run,
		"00" + run + "0000": "01ff" + run + "010101",
	} {
		if got := hex.EncodeToString(encodeCOBS(unhex(t, plain))); got != coded {
			t.Errorf("%s: encodes to %s, want %s", plain, got, coded)
		}
		if got, err := decodeCOBS(unhex(t, coded)); err != nil || hex.EncodeToString(got) != plain {
			t.Errorf("%s: decodes to %x, %v", coded, got, err)
		}
	}
	// LimeWire's form of a run of 254 bytes at the end, and a block with no data at all.
	if got, err := decodeCOBS(unhex(t, "ff"+run+"01")); err != nil || hex.EncodeToString(got) != run {
		t.Errorf("decodes to %x, %v", got, err)
	}
	if got, err := decodeCOBS(nil); err != nil || len(got) > 0 {
		t.Errorf("decodes to %x, %v", got, err)
	}
}

// TestTails checks what follows a block: another one, a NUL, or other data before it.
func TestTails(t *testing.T) {
	t.Parallel()
	a, b := unhex(t, "c3 81 41 41 01"), unhex(t, "c3 81 42 41 02")
	if got := ParseAll(append(append(bytes.Clone(a), b...), 0)); len(got) != 2 || got[0].ID != "A" || got[1].ID != "B" {
		t.Errorf("two blocks and a NUL: %v", got)
	}
	if got := ParseAll(append(bytes.Clone(a), b[:3]...)); len(got) != 1 {
		t.Errorf("a block and half of one: %v", got)
	}
	if got := Find(append([]byte{1, Magic, 0x80}, a...)); len(got) != 1 || got[0].ID != "A" {
		t.Errorf("after a false start: %v", got)
	}
	if got := Find([]byte{1, 2, 3}); got != nil {
		t.Errorf("nothing there: %v", got)
	}
	if got := Find(append(bytes.Repeat([]byte{Magic}, maxSearched), a...)); got != nil {
		t.Errorf("after too many false starts: %v", got)
	}
}
