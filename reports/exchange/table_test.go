package exchange

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"gnucensus/sql"
)

// Every file of sql/exports is a table that can be described.
func TestTables(t *testing.T) {
	t.Parallel()
	files, err := sql.Files.ReadDir("exports")
	if err != nil {
		t.Fatal(err)
	}
	kinds := []kind{integerKind, booleanKind, timeKind, stringKind, textKind, agentKind, jsonKind, addressKind, portKind,
		nameKind, guidKind, listKind}
	for _, f := range files {
		table := tableOf(strings.TrimSuffix(f.Name(), ".sql"))
		if table.title == "" || table.about == "" || table.method == "" || len(table.columns) == 0 {
			t.Errorf("%s: %+v", f.Name(), table)
		}
		for _, c := range table.columns {
			if !slices.Contains(kinds, c.kind) || !strings.HasSuffix(c.meaning, ".") {
				t.Errorf("%s: column %+v", f.Name(), c)
			}
		}
		for _, key := range table.key {
			if !slices.ContainsFunc(table.columns, func(c column) bool { return c.name == key && !c.optional }) {
				t.Errorf("%s: key %s is no column", f.Name(), key)
			}
		}
	}
	if len(files) != 10 {
		t.Errorf("%d files", len(files))
	}
}

// sample has a column of each kind that a file can hold, with and without missing values.
var sample = &table{name: "sample", columns: []column{
	{name: "z", kind: integerKind}, {name: "y", kind: integerKind, optional: true}, {name: "x", kind: booleanKind},
	{name: "w", kind: booleanKind, optional: true}, {name: "v", kind: timeKind}, {name: "u", kind: textKind},
	{name: "t", kind: agentKind, optional: true}, {name: "s", kind: jsonKind, optional: true}, {name: "r", kind: addressKind},
	{name: "q", kind: guidKind},
}}

// drawRow draws a row of sample. A text that may be missing is never empty: CSV does not tell the two apart, and the
// database has none.
func drawRow(t *rapid.T) []any {
	row := make([]any, len(sample.columns))
	for i, c := range sample.columns {
		if c.optional && rapid.Bool().Draw(t, "missing") {
			continue
		}
		switch c.kind {
		case integerKind:
			row[i] = rapid.Int64().Draw(t, c.name)
		case booleanKind:
			row[i] = rapid.Bool().Draw(t, c.name)
		case timeKind:
			row[i] = time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, c.name)).UTC()
		default:
			text := rapid.StringOf(rapid.RuneFrom([]rune("a,\"\r\n\\\x1b\u202eé ="))).Draw(t, c.name)
			if c.optional {
				text += "."
			}
			row[i] = text
		}
	}
	return row
}

// What is written comes back.
func TestRowsComeBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(drawRow), 0, 5).Draw(t, "rows")
		var file bytes.Buffer
		write(t, newCSVWriter, &file, rows)
		if diff := cmp.Diff(rows, collect(t, readCSV(&file, sample))); len(rows) > 0 && diff != "" {
			t.Fatalf("CSV (-written +read):\n%s", diff)
		}
		f, err := os.Create(filepath.Join(dir, "sample.parquet"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		write(t, newParquetWriter, f, rows)
		if diff := cmp.Diff(rows, collect(t, readParquet(f, sample))); len(rows) > 0 && diff != "" {
			t.Fatalf("Parquet (-written +read):\n%s", diff)
		}
	})
}

type fataler interface{ Fatal(...any) }

func write(t fataler, open func(io.Writer, *table) (rowWriter, error), w io.Writer, rows [][]any) {
	out, err := open(w, sample)
	for _, row := range rows {
		if err == nil {
			err = out.write(row)
		}
	}
	if err == nil {
		err = out.close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func collect(t fataler, rows iter.Seq2[[]any, error]) [][]any {
	var all [][]any
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}

// More rows than are kept in memory at once.
func TestParquetHasGroups(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "pairs.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pairs := &table{name: "pairs", columns: []column{{name: "b", kind: integerKind}, {name: "a", kind: integerKind}}}
	out, err := newParquetWriter(f, pairs)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 2*groupRows + 3
	for i := range int64(rows) {
		if err := out.write([]any{i, -i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.close(); err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for row, err := range readParquet(f, pairs) {
		if err != nil || row[0] != n || row[1] != -n {
			t.Fatalf("row %d is %v, error %v", n, row, err)
		}
		n++
	}
	file, err := openParquet(f, pairs)
	if err != nil || n != rows || len(file.RowGroups()) != 3 {
		t.Errorf("error %v, %d rows in %d groups", err, n, len(file.RowGroups()))
	}
	if columns := file.Schema().Columns(); columns[0][0] != "b" || columns[1][0] != "a" {
		t.Errorf("columns %v", columns)
	}
}

func TestReadCSVRefuses(t *testing.T) {
	t.Parallel()
	pairs := &table{columns: []column{{name: "a", kind: integerKind}, {name: "b", kind: timeKind, optional: true}}}
	for text, want := range map[string]string{
		"":                            "line 1: column 1 is not a",
		"a\n":                         "line 1: column 2 is not b",
		"b,a\n":                       "line 1: column 1 is not a",
		"a,b":                         "line 1: unexpected EOF",
		"a,b\n1\n":                    "line 2: 1 fields, want 2",
		"a,b\n1,,\n":                  "line 2: 3 fields, want 2",
		"a,b\n1,\n\"x\n\n\",\n":       "line 3: column a: ",
		"a,b\n,\n":                    "line 2: column a: ",
		"a,b\n1,yesterday\n":          "line 2: column b: ",
		"a,b\n\"1\" ,\n":              "line 2: a quote",
		"a,b\n1\"\",\n":               "line 2: a quote",
		"a,b\n\"1\n":                  "line 2: unexpected EOF",
		"a,b\n9223372036854775808,\n": "out of range",
		"a,b\n" + strings.Repeat("1", maxRecord) + ",\n":  "line 2: longer than",
		"a,b\n" + strings.Repeat(",", maxRecord+1) + "\n": "line 2: longer than",
	} {
		var last error
		for _, err := range readCSV(strings.NewReader(text), pairs) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), want) {
			t.Errorf("%.30q: error %v, want %q in it", text, last, want)
		}
	}
}

// Whatever a file holds, it is read to its end or refused, and what was read can be written.
func FuzzReadCSV(f *testing.F) {
	for _, seed := range []string{"", "a,b\n1,2\n", "a,b\n\"x\"\"\r\n\",\n", "a,b\n1,\"", "a,b\r\n1,2\r\n"} {
		f.Add([]byte(seed))
	}
	texts := &table{columns: []column{{name: "a", kind: textKind}, {name: "b", kind: textKind}}}
	f.Fuzz(func(t *testing.T, text []byte) {
		var rows [][]any
		for row, err := range readCSV(bytes.NewReader(text), texts) {
			if err != nil {
				return
			}
			rows = append(rows, row)
		}
		var again bytes.Buffer
		out, err := newCSVWriter(&again, texts)
		for _, row := range rows {
			err = out.write(row)
		}
		if err != nil || out.close() != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rows, collect(t, readCSV(&again, texts))); len(rows) > 0 && diff != "" {
			t.Errorf("(-read +read of what was written):\n%s", diff)
		}
	})
}

// parquetFile makes a file of the bytes.
func parquetFile(t testing.TB, text []byte) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.parquet")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func sampleParquet(t testing.TB, rows int) []byte {
	t.Helper()
	var b bytes.Buffer
	list := make([][]any, rows)
	for i := range list {
		text := fmt.Sprint("text ", i)
		list[i] = []any{int64(i), nil, true, false, time.UnixMicro(int64(i)).UTC(), text, text, nil, text, text}
	}
	write(t, newParquetWriter, &b, list)
	return b.Bytes()
}

func TestReadParquetRefuses(t *testing.T) {
	t.Parallel()
	var foreign bytes.Buffer
	if err := parquet.Write(&foreign, []struct{ Name string }{{"x"}}); err != nil {
		t.Fatal(err)
	}
	good := sampleParquet(t, 3)
	for name, test := range map[string]struct {
		text []byte
		want string
	}{
		"empty":     {nil, ""},
		"text":      {[]byte("endpoint_id,addr\n1,\n"), ""},
		"cut short": {good[:len(good)-9], ""},
		"foreign":   {foreign.Bytes(), errForeign.Error()},
		"wiped":     {append(make([]byte, 200), good[200:]...), ""},
	} {
		var last error
		for _, err := range readParquet(parquetFile(t, test.text), sample) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), test.want) {
			t.Errorf("%s: error %v, want %q in it", name, last, test.want)
		}
	}
}

// Whatever a file holds, reading it ends, and in no panic.
func FuzzReadParquet(f *testing.F) {
	f.Add(sampleParquet(f, 0))
	f.Add(sampleParquet(f, 3))
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n := 0
		for _, err := range readParquet(parquetFile(t, text), sample) {
			if n++; err != nil || n > 100_000 {
				return
			}
		}
	})
}
