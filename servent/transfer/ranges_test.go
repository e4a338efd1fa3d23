package transfer

import (
	"net/http"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestContentRange(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]span{
		"bytes 0-9/200000":            {0, 10},
		"bytes=10-19/200000":          {10, 20},
		" bytes 199999-199999/200000": {199999, 200000},
		"bytes 5-4/200000":            {},
		"bytes 0-200000/200000":       {},
		"bytes */200000":              {},
		"bytes 0-9":                   {},
		"0-9/200000":                  {},
		"bytes -1-9/200000":           {},
		"":                            {},
	} {
		part, size, err := parseContentRange(value)
		if part != want || (err == nil) != (want != span{}) || err == nil && size != 200000 {
			t.Errorf("%q: %v of %d, %v", value, part, size, err)
		}
	}
}

// TestSizeOf reads the size of a file in answers of all kinds.
func TestSizeOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code          int
		length, bytes string // headers
		want          uint64
		ok            bool
	}{
		{200, "10", "", 10, true}, {200, "5", "bytes 0-4/10", 10, true}, {206, "5", "bytes 0-4/10", 10, true},
		{416, "0", "bytes */10", 10, true}, {416, "0", "bytes */0", 0, true}, {416, "0", "", 0, false},
		{206, "5", "", 0, false}, {200, "", "", 0, false}, {200, "x", "", 0, false}, {416, "0", "bytes */x", 0, false},
	} {
		header := http.Header{}
		header.Set("Content-Length", c.length)
		header.Set("Content-Range", c.bytes)
		if got, err := sizeOf(&response{code: c.code, header: header}); (err == nil) != c.ok || c.ok && got != c.want {
			t.Errorf("%+v: %d, %v", c, got, err)
		}
	}
}

func TestAvailable(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][]span{
		"bytes 0-10,20-30":             {{0, 11}, {20, 31}},
		"bytes=20-30, 0-10":            {{0, 11}, {20, 31}},
		"bytes 0-10,5-30,31-40":        {{0, 41}},
		"bytes 3-2,x-5,,7-7":           {{7, 8}},
		"bytes":                        nil,
		"bytes 0-99999999999999999999": {{0, 1<<63 - 1}},
	} {
		if got := parseAvailable(value); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

// TestSpans holds merge, within and the header form to a plain set of bytes.
func TestSpans(t *testing.T) {
	t.Parallel()
	drawSpan := func(t *rapid.T, name string) span {
		from := rapid.Uint64Range(0, 60).Draw(t, name)
		return span{from, from + rapid.Uint64Range(1, 20).Draw(t, name)}
	}
	rapid.Check(t, func(t *rapid.T) {
		var has [100]bool
		var spans []span
		for range rapid.IntRange(0, 6).Draw(t, "n") {
			s := drawSpan(t, "span")
			spans = append(spans, s)
			for i := s.from; i < s.to; i++ {
				has[i] = true
			}
		}
		merged := merge(spans)
		again := parseAvailable(formatAvailable(merged))
		if !slices.Equal(again, merged) {
			t.Fatalf("%v is written %q, which is %v", merged, formatAvailable(merged), again)
		}
		wanted := drawSpan(t, "wanted")
		var want span
		for i := wanted.from; i < wanted.to; i++ {
			if has[i] {
				want.from, want.to = i, i
				for ; want.to < wanted.to && has[want.to]; want.to++ {
				}
				break
			}
		}
		if got := within(merged, wanted); got != want {
			t.Fatalf("%v within %v is %v, want %v", wanted, merged, got, want)
		}
	})
}

// FuzzRange checks that no range reaches out of its file, and that what it says is a range of that file.
func FuzzRange(f *testing.F) {
	for _, value := range []string{"bytes=0-9", "bytes=10-", "bytes=-5", "bytes=0-5,3-9", "bytes=18446744073709551615-", "bytes = 1 - 2"} {
		f.Add(value, uint64(200000))
	}
	f.Fuzz(func(t *testing.T, value string, size uint64) {
		size &= 1<<62 - 1
		s, err := parseRange(value, size)
		if err == nil && (s.from >= s.to || s.to > size) || err != nil && s != (span{}) {
			t.Fatalf("%q of %d bytes: %v, %v", value, size, s, err)
		}
		if err == nil {
			if again, err := parseRange("bytes="+s.String(), size); err != nil || again != s {
				t.Fatalf("%q: %v, then %v, %v", value, s, again, err)
			}
		}
		for _, a := range parseAvailable(value) {
			if a.from >= a.to {
				t.Fatalf("%q: available %v", value, a)
			}
		}
		if part, total, err := parseContentRange(value); err == nil && (part.from >= part.to || part.to > total) {
			t.Fatalf("%q: content %v of %d", value, part, total)
		}
	})
}
