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
			{Name: "figure"}, {Name: "unit"},
		}}
		shares := rapid.IntRange(1, 9).Draw(t, "shares")
		for range shares {
			r.Columns = append(r.Columns, Column{Name: "count", Right: true}, Column{Name: "share", Unit: "%", Right: true})
		}
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			row := []any{rapid.String().Draw(t, "figure"), rapid.StringN(0, 30, -1).Draw(t, "unit")}
			for range shares {
				row = append(row, rapid.Int64().Draw(t, "count"), rapid.Float64Range(0, 100).Draw(t, "share"))
			}
			r.Rows = append(r.Rows, row)
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

// table writes a report whose first column is a text, and returns the lines of the table without its head.
func table(t *testing.T, r *Report, width int) []string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b, Table, width); err != nil {
		t.Fatal(err)
	}
	_, body, found := strings.Cut(b.String(), "─\n")
	if !found {
		t.Fatalf("no table:\n%s", b.String())
	}
	return strings.Split(strings.TrimRight(body, "\n"), "\n")
}

// Rows that differ only at the end of a text can be told apart however narrow the terminal is.
func TestNarrowTablesLoseNothing(t *testing.T) {
	t.Parallel()
	names := []string{
		"share at most 10 files", "share at most 10 files, of reached", "share at most 10 files, or silent",
		"http://a-very-long-name-without-any-blank.example.net/software",
	}
	r := &Report{Columns: []Column{{Name: "figure"}, {Name: "hosts", Right: true}}}
	for i, name := range names {
		r.Rows = append(r.Rows, []any{name, int64(100 + i)})
	}
	for _, width := range []int{20, 24, 33, 50} {
		var got []string // the name of each row, put together again
		for _, line := range table(t, r, width) {
			if w := twwidth.Width(line); w > width {
				t.Errorf("line of %d columns, want at most %d: %q", w, width, line)
			}
			cells := strings.Fields(line)
			if last := len(cells) - 1; last > 0 && strings.HasPrefix(cells[last], "10") && len(cells[last]) == 3 {
				got, cells = append(got, ""), cells[:last]
			}
			got[len(got)-1] += strings.Join(cells, "")
		}
		for i, name := range names {
			if want := strings.ReplaceAll(name, " ", ""); i >= len(got) || got[i] != want {
				t.Errorf("%d columns wide, row %d of %q is not %q", width, i, got, want)
			}
		}
	}
}

// Where no terminal says how wide a line may be, a row is a line, whole.
func TestTablesOfNoWidthAreWhole(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a text of many words ", 10) + "and an end"
	r := &Report{Columns: []Column{{Name: "figure"}, {Name: "hosts", Right: true}}, Rows: [][]any{{long, int64(7)}}}
	if lines := table(t, r, 0); len(lines) != 1 || !strings.Contains(lines[0], long) {
		t.Errorf("a row became %q", lines)
	}
}

// Numbers that have no room beside each other stand below each other, and each part tells which rows they are of.
func TestTablesTooWideAreSplit(t *testing.T) {
	t.Parallel()
	r := &Report{Rows: [][]any{nil, nil}}
	for column := range int64(8) {
		r.Columns = append(r.Columns, Column{Name: "column", Right: true})
		for row := range r.Rows {
			r.Rows[row] = append(r.Rows[row], int64(row+1)*1111111+column)
		}
	}
	lines := table(t, r, 50)
	text := strings.Join(lines, "\n")
	for _, row := range r.Rows {
		for i, number := range row {
			want := 1
			if i == 0 {
				want = strings.Count(text, "─\n") + 1
			}
			if got := strings.Count(text, pretty(number, "")); got != want {
				t.Errorf("%v stands there %d times, want %d:\n%s", number, got, want, text)
			}
		}
	}
	for _, line := range lines {
		if w := twwidth.Width(line); w > 50 {
			t.Errorf("line of %d columns: %q", w, line)
		}
	}
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
		{0.0, "ms", "0"}, {1e-20, "", "1e-20"}, {9.05491e-7, "", "9.0549e-07"}, {-0.00001234567, "", "-0.000012346"},
		{0.5, "chance", "0.5"}, {0.001, "chance", "0.001"}, {9.05491e-7, "chance", "< 0.001"}, {0.0, "chance", "< 0.001"},
		{1e21, "", "1,000,000,000,000,000,000,000"},
		{123456.7, "KiB", "123,457"}, {true, "", "true"},
	} {
		if got := pretty(c.value, c.unit); got != c.want {
			t.Errorf("pretty(%v, %q) = %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}

// A number that is tiny or huge has an exponent, as in JSON, and not hundreds of zeros; none loses a digit.
func TestNumbersForMachines(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]string{
		0: "0", 0.25: "0.25", -1234567.125: "-1234567.125", 1e-6: "0.000001", 1e20: "100000000000000000000",
		1.6812345678901234e-276: "1.6812345678901234e-276", -9.5e-7: "-9.5e-07", 1e21: "1e+21",
	} {
		if got := plain(value); got != want {
			t.Errorf("plain(%v) = %q, want %q", value, got, want)
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
