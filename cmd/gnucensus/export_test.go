package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/urfave/cli/v2"

	"gnucensus/reports"
	"gnucensus/reports/exchange"
	"gnucensus/storage/storagetest"
)

// edgeList is a graph with a comment, a loop, a repetition, numbers beyond 32 bits and lines of both kinds.
const edgeList = "# a graph\r\n0\t1\r\n1 2\n2 0\n7 7\n1 2\n\n9000000000 1\n0\t18446744073709551615\n"

// imported makes a snapshot of an edge list, and returns the database and the folder with the list.
func imported(t *testing.T) (dsn, dir string) {
	t.Helper()
	dsn, dir = storagetest.DSN(t), t.TempDir()
	list := filepath.Join(dir, "list.txt")
	if err := os.WriteFile(list, []byte(edgeList), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "import", "edges", list, "--database", dsn)
	return dsn, dir
}

// TestExportFlags gives each flag of export a value, on the command line and in the environment, and looks at what changes.
func TestExportFlags(t *testing.T) {
	read := func(c *cli.Context) (exchange.Request, error) { return readRequest(c, exchange.All) }
	capture := func(args ...string) exchange.Request {
		return captureBelow(t, read, append([]string{"export", "all"}, args...)...)
	}
	dir := t.TempDir()
	base := []string{"-o", dir}
	standard := capture(base...)
	for _, test := range []struct {
		flag, value string
		change      func(*exchange.Request)
	}{
		{"snapshot", "7", func(r *exchange.Request) { r.Snapshot = 7 }},
		{"as", "csv.gz", func(r *exchange.Request) { r.Ending = ".csv.gz" }},
		{"force", "true", func(r *exchange.Request) { r.Force = true }},
	} {
		want := standard
		test.change(&want)
		if diff := cmp.Diff(want, capture(append(slices.Clip(base), "--"+test.flag+"="+test.value)...)); diff != "" {
			t.Errorf("--%s:\n%s", test.flag, diff)
		}
		fromEnvironment(t, test.flag, test.value, func() {
			if diff := cmp.Diff(want, capture(base...)); diff != "" {
				t.Errorf("--%s in the environment:\n%s", test.flag, diff)
			}
		})
	}
	fromEnvironment(t, "output", dir, func() {
		if diff := cmp.Diff(standard, capture()); diff != "" {
			t.Errorf("--output in the environment:\n%s", diff)
		}
	})
	if standard.Path != dir || standard.Ending != ".parquet" {
		t.Errorf("%+v", standard)
	}
}

// captureBelow is capture for a command below another.
func captureBelow[T any](t *testing.T, read func(*cli.Context) (T, error), args ...string) T {
	t.Helper()
	var got T
	p := &program{stdin: strings.NewReader(""), talk: newTalk(t.Output())}
	app := p.app()
	app.Command(args[0]).Command(args[1]).Action = func(c *cli.Context) (err error) {
		got, err = read(c)
		return err
	}
	line, err := arrange(app, append([]string{"gnucensus"}, args...))
	if err == nil {
		err = app.RunContext(t.Context(), line)
	}
	if err != nil {
		t.Fatalf("gnucensus %s: %v", strings.Join(args, " "), err)
	}
	return got
}

// TestExportAndImport: what is exported and imported again gives the same reports.
func TestExportAndImport(t *testing.T) {
	t.Parallel()
	dsn, dir := imported(t)
	out := filepath.Join(dir, "census")
	done := decode[map[string]any](t, must(t, "export", "all", "-o", out, "--addresses", "--format", "json", "--database", dsn))
	want := map[string]any{"snapshot": 1., "written": out, "rows": 18., "addresses": "exact"}
	if diff := cmp.Diff(want, done); diff != "" {
		t.Errorf("export says (-want +got):\n%s", diff)
	}
	for _, path := range []string{out, filepath.Join(out, "datapackage.json")} {
		done = decode[map[string]any](t, must(t, "import", path, "--format", "json", "--database", dsn))
		if done["heard"] != 6. || done["source"] != "census" || done["vantage"] != "published" || done["state"] != "complete" {
			t.Errorf("import of %s says %v", path, done)
		}
	}
	for _, info := range reports.List() {
		var made []reportJSON
		for _, id := range []string{"1", "2", "3"} {
			r := decode[reportJSON](t, must(t, "report", info.Name, "--snapshot", id, "--format", "json", "--database", dsn))
			r.Snapshot = 0
			if info.Name == "history" {
				r.Rows = [][]any{r.Rows[len(r.Rows)-1][2:]} // others are of earlier snapshots, the first cells a number and a time
			}
			r.Notes = slices.DeleteFunc(r.Notes, func(n string) bool { return strings.HasPrefix(n, "Snapshot ") })
			made = append(made, r)
		}
		if diff := cmp.Diff(made[0], made[1]) + cmp.Diff(made[0], made[2]); diff != "" {
			t.Errorf("report %s (-original +imported):\n%s", info.Name, diff)
		}
	}
	out = filepath.Join(dir, "edges.txt.zst")
	must(t, "export", "edges", "-o", out, "--snapshot", "2", "--database", dsn)
	done = decode[map[string]any](t, must(t, "import", "edges", out, "--format", "json", "--database", dsn))
	if done["edges"] != 5. {
		t.Errorf("import of %s says %v", out, done)
	}
}

// TestExportKey: addresses are replaced unless asked otherwise, under a key that is kept where it is named.
func TestExportKey(t *testing.T) {
	t.Parallel()
	dsn, dir := imported(t)
	key := filepath.Join(dir, "census.key")
	hosts := func(name string, args ...string) (text, said string) {
		t.Helper()
		path := filepath.Join(dir, name)
		r := run(t, append([]string{"export", "hosts", "-o", path, "--database", dsn}, args...)...)
		if r.code != exitDone {
			t.Fatal(r.stderr)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b), r.stderr
	}
	exact, said := hosts("exact.csv", "--addresses")
	if !strings.Contains(exact, ",9000000000,") || strings.Contains(said, "key") {
		t.Errorf("%s%s", said, exact)
	}
	lost, said := hosts("lost.csv")
	if strings.Contains(lost, "9000000000") || !strings.Contains(said, "not kept") {
		t.Errorf("%s%s", said, lost)
	}
	first, said := hosts("first.csv", "--key", key)
	if !strings.Contains(said, "Made "+key) {
		t.Error(said)
	}
	second, said := hosts("second.csv", "--key", key)
	if first != second || first == lost || strings.Contains(said, "Made") {
		t.Errorf("%s%s%s", said, first, second)
	}
	if err := os.WriteFile(key, []byte("0123\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, "export", "hosts", "-o", filepath.Join(dir, "third.csv"), "--key", key, "--database", dsn)
	if r.code != exitFailed || !strings.Contains(r.stderr, "holds 4 characters, want 64 hexadecimal digits") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	r = run(t, "export", "hosts", "-o", filepath.Join(dir, "first.csv"), "--addresses", "--database", dsn)
	if r.code != exitFailed || r.stderr != "gnucensus: "+filepath.Join(dir, "first.csv")+" exists already\n  --force replaces it.\n" {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	if forced, _ := hosts("first.csv", "--force", "--addresses"); forced != exact {
		t.Error(forced)
	}
}

// TestExportWrongUsage: nothing is opened, and no key is made.
func TestExportWrongUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := filepath.Join(dir, "census.key")
	for _, test := range []struct{ args, want, hint string }{
		{"export hosts", "export hosts: -o is missing", "gnucensus export hosts --help"},
		{"export hosts -o hosts.xls", "hosts.xls ends in none of .csv", "Endings: .csv, .csv.gz, .csv.zst, .parquet."},
		{"export edges -o edges.graphml.zip", "ends in none of", ".graphml.zst"},
		{"export all -o " + dir + "/all --as graphml", `export all: --as: "graphml"`, "Formats: csv, csv.gz, csv.zst, parquet."},
		{"export hits -o hits.csv more", `"more" is one argument too many`, "gnucensus export hits --help"},
		{"export hits -o hits.csv --format csv", `--format: "csv"`, "table, json"},
		{"export hits -o hits.csv --addresses --key " + key, "--addresses and --key exclude each other", "replac"},
		{"export edge -o edges.csv", `unknown command "edge"`, "edges"},
		{"export hosts -o hosts.xls --key " + key, "ends in none of", ""},
		{"import", "DIR is missing", "gnucensus import --help"},
		{"import one two", `"two" is one argument too many`, "gnucensus import --help"},
	} {
		r := run(t, strings.Split(test.args, " ")...)
		if r.code != exitUsage || !strings.Contains(r.stderr, test.want) || !strings.Contains(r.stderr, test.hint) || r.stdout != "" {
			t.Errorf("gnucensus %s: exit %d, want %q, %q:\n%s", test.args, r.code, test.want, test.hint, r.stderr)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("error %v, made %v", err, entries)
	}
}

// TestImportFailures: nothing is stored of what is no export, and the message tells what is.
func TestImportFailures(t *testing.T) {
	t.Parallel()
	dsn, dir := imported(t)
	out := filepath.Join(dir, "census")
	must(t, "export", "all", "-o", out, "--as", "csv", "--database", dsn)
	if err := os.WriteFile(filepath.Join(out, "query.csv"), []byte("tampered"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][2]string{
		out:                                {"query.csv is not what was exported: its checksum is", "Nothing was stored."},
		filepath.Join(dir, "nowhere"):      {"no such file", "Nothing was stored."},
		dir:                                {"datapackage.json: no such file", "Nothing was stored."},
		filepath.Join(dir, "list.txt"):     {"list.txt is neither a folder nor its", "gnucensus import edges FILE"},
		filepath.Join(out, "endpoint.csv"): {"endpoint.csv is neither a folder", "gnucensus export all"},
	} {
		r := run(t, "import", path, "--database", dsn)
		if r.code != exitFailed || !strings.Contains(r.stderr, want[0]) || !strings.Contains(r.stderr, want[1]) || r.stdout != "" {
			t.Errorf("import %s: exit %d, want %q:\n%s", path, r.code, want, r.stderr)
		}
	}
	if list := must(t, "snapshot", "list", "--format", "json", "--database", dsn); len(decode[[]any](t, list)) != 1 {
		t.Error(list)
	}
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestImportEdges reads a graph however it is packed, from a file and from standard input, or tells the line that is wrong.
func TestImportEdges(t *testing.T) {
	t.Parallel()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	long := gzipped(t, strings.Repeat("0 1\n", 100_000))
	dsn, dir := storagetest.DSN(t), t.TempDir()
	for name, test := range map[string]struct {
		content []byte
		want    string // part of the error; empty: none
	}{
		"plain.txt":    {[]byte(edgeList), ""},
		"list.txt.gz":  {gzipped(t, edgeList), ""},
		"list.txt.zst": {encoder.EncodeAll([]byte(edgeList), nil), ""},
		"misnamed.zst": {gzipped(t, edgeList), ""},
		"wrong":        {gzipped(t, "# x\n0 1\n0 one\n"), "line 3: read host number"},
		"negative":     {[]byte("0 -1\r\n"), "line 1: read host number"},
		"large":        {[]byte("0 1\n18446744073709551616 1\n"), "line 2: read host number"},
		"three":        {[]byte("0 1 2\n"), "line 1: want two host numbers"},
		"cut short":    {long[:len(long)-20], ": unexpected EOF"},
		"no gzip":      {[]byte{0x1f, 0x8b, 'x'}, "unpack gzip"},
		"no zstd":      {[]byte("\x28\xb5\x2f\xfdgarbage"), "line 1: "},
		"nothing":      {nil, "there are no edges in it"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, test.content, 0o600); err != nil {
			t.Fatal(err)
		}
		piped := func() result {
			var stdout, stderr bytes.Buffer
			p := &program{stdin: bytes.NewReader(test.content), stdout: &stdout, talk: newTalk(&stderr)}
			code := p.run(t.Context(), []string{"gnucensus", "import", "edges", "-", "--format", "json", "--database", dsn})
			return result{code, stdout.String(), stderr.String()}
		}
		for _, r := range []result{run(t, "import", "edges", path, "--format", "json", "--database", dsn), piped()} {
			switch {
			case test.want != "":
				if r.code != exitFailed || !strings.Contains(r.stderr, test.want) {
					t.Errorf("%s: exit %d, want %q:\n%s", name, r.code, test.want, r.stderr)
				}
			case r.code != exitDone:
				t.Errorf("%s: %s", name, r.stderr)
			default:
				var got struct{ Heard, Edges int }
				if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || got.Heard != 6 || got.Edges != 5 {
					t.Errorf("%s: error %v, %+v", name, err, got)
				}
			}
		}
	}
}
