package reports

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"pgregory.net/rapid"
)

func TestTablesFitTheirWidth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := &Report{Info: Info{Name: "x", Title: "Title", About: "What it is about, in a sentence or two."}, Columns: []Column{
			{Name: "figure"}, {Name: "unit"}, {Name: "count", Right: true}, {Name: "share", Unit: "%", Right: true},
		}}
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			r.Rows = append(r.Rows, []any{
				rapid.String().Draw(t, "figure"), rapid.StringN(0, 30, -1).Draw(t, "unit"),
				rapid.Int64().Draw(t, "count"), rapid.Float64Range(0, 100).Draw(t, "share"),
			})
		}
		r.Notes = []string{"a caveat of some length that a narrow terminal cannot show on one line"}
		if err := r.clean(); err != nil {
			t.Fatal(err)
		}
		width := rapid.IntRange(60, 200).Draw(t, "width")
		var b bytes.Buffer
		if err := r.Write(&b, Table, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if w := twwidth.Width(strings.TrimSuffix(line, "\n")); w > width {
				t.Errorf("line of %d columns, want at most %d: %q", w, width, line)
			}
		}
	})
}

func TestCleanTextHoldsNothingThatActs(t *testing.T) {
	t.Parallel()
	tricks := []string{"", "\x1b[2J", "\u009b1m", "\u202e", "\u2066", "\u200f", "\ufeff", "\u2028", "\xc3"}
	rapid.Check(t, func(t *rapid.T) {
		raw := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.SampledFrom(tricks).Draw(t, "trick")
		text := cleanText(raw)
		if !utf8.ValidString(text) {
			t.Errorf("%q is not UTF-8", text)
		}
		for _, r := range text {
			if unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) {
				t.Errorf("%q holds %U", text, r)
			}
		}
		if again := cleanText(text); again != text {
			t.Errorf("%q is not clean: %q", text, again)
		}
	})
	if got := cleanText("gtk-gnutella/1.2.3 (Ünïcode 東京)"); got != "gtk-gnutella/1.2.3 (Ünïcode 東京)" {
		t.Errorf("harmless text became %q", got)
	}
}

func TestNumbersForPeople(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value any
		unit  string
		want  string
	}{
		{nil, "", "–"}, {int64(0), "", "0"}, {int64(999), "", "999"}, {int64(1000), "", "1,000"},
		{int64(-1234567), "", "-1,234,567"}, {20777.0, "", "20,777"}, {1234.5678, "", "1,234.6"}, {0.035550373, "", "0.03555"},
		{-0.013168574, "", "-0.013169"}, {60.8951, "%", "60.90"}, {60.8951, "% of hosts", "60.90"}, {100.0, "%", "100.00"},
		{0.0, "ms", "0"}, {1e-20, "", "0"}, {1e21, "", "1,000,000,000,000,000,000,000"},
		{123456.7, "KiB", "123,457"}, {true, "", "true"},
	} {
		if got := pretty(c.value, c.unit); got != c.want {
			t.Errorf("pretty(%v, %q) = %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}

func TestMalformedHeads(t *testing.T) {
	t.Parallel()
	const head = "-- title: T\n-- about: A\n-- method: M\n--   and more\n-- param: snapshot\n-- column: n - right\n"
	d, err := parseDefinition("x", head+"SELECT 1")
	if err != nil || d.method != "M and more" || !d.columns[0].Right || d.columns[0].Unit != "" {
		t.Fatalf("definition %+v, error %v", d, err)
	}
	for _, line := range []string{
		"-- titel: T", "-- note", "-- column: n right", "-- column: n - middle", "-- order: first", "-- param: host",
	} {
		if _, err := parseDefinition("x", head+line+"\nSELECT 1"); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
	for line := range strings.Lines(head) {
		_, err := parseDefinition("x", strings.Replace(head, line, "", 1)+"SELECT 1")
		if err == nil && !strings.Contains(line, "more") {
			t.Errorf("a head without %q was taken", line)
		}
	}
}

func TestLongReportsAreCutOnScreenOnly(t *testing.T) {
	t.Parallel()
	r := &Report{Columns: []Column{{Name: "n", Right: true}}, Rows: [][]any{{int64(111)}, {int64(222)}, {int64(333)}}, screen: 2}
	for format, want := range map[Format]bool{Table: false, CSV: true, JSON: true, Markdown: true} {
		var b bytes.Buffer
		if err := r.Write(&b, format, 0); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), "333"); got != want {
			t.Errorf("%s has the third row: %v\n%s", format, got, b.String())
		}
	}
}
