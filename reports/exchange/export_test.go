package exchange_test

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/reports/exchange"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// A description is what a reader of a data package needs of it.
type description struct {
	Snapshot struct {
		Number                  int64
		Network, Vantage, State string
		Started                 string
		Coverage                map[string]int64
	}
	Addresses struct {
		Replaced bool
		Method   string
	}
	Notes     []string
	Resources []struct {
		Name, Path, Format, Hash, Compression, MediaType string
		Bytes, Rows                                      int64
		Schema                                           struct {
			Fields []struct{ Name, Type, Unit, Description string }
		}
		Nodes *struct{ Fields []struct{ Name string } }
	}
}

func describe(t testing.TB, text string) description {
	t.Helper()
	var d description
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// Every export is described: size, checksum and rows are those of the file, each column has a meaning.
func TestExportsAreDescribed(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, census())
	files := every(t, id, func(r exchange.Request) { export(t, db, r) })
	rows := map[string]int64{
		"hosts": 8, "edges": 6, "hits": 3, "endpoint": 8, "observation": 11, "neighbour": 7, "rumour": 5, "query": 2, "hit": 3,
	}
	described := 0
	for name, text := range files {
		if filepath.Ext(name) != ".json" {
			continue
		}
		d := describe(t, text)
		if d.Snapshot.Number != id || d.Snapshot.Network != "gnutella" || d.Snapshot.State != "complete" || d.Addresses.Replaced ||
			d.Snapshot.Coverage["heard"] != 8 || d.Snapshot.Coverage["visited"] != 7 {
			t.Errorf("%s: %+v", name, d)
		}
		for _, r := range d.Resources {
			described++
			file := files[filepath.Join(filepath.Dir(name), r.Path)]
			digest := sha256.Sum256([]byte(file))
			if r.Hash != "sha256:"+hex.EncodeToString(digest[:]) || r.Bytes != int64(len(file)) {
				t.Errorf("%s: %s has %d bytes, %s", name, r.Path, r.Bytes, r.Hash)
			}
			want := rows[r.Name]
			if strings.Contains(r.Path, ".txt") {
				want = 7 // one link is told by both ends
			}
			if r.Rows != want {
				t.Errorf("%s: %s has %d rows, want %d", name, r.Path, r.Rows, want)
			}
			if (r.Nodes != nil) != (r.Format == "graphml") {
				t.Errorf("%s: nodes %+v of a %s", name, r.Nodes, r.Format)
			}
			for _, f := range r.Schema.Fields {
				if f.Name == "" || f.Type == "" || f.Description == "" {
					t.Errorf("%s: field %+v", name, f)
				}
			}
		}
	}
	if described != 13+3*6 {
		t.Errorf("%d files are described", described)
	}
}

// A host that was passed over took no time, which is an empty field, and not 0.
func TestExportOfAHostThatWasPassedOver(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	path := export(t, db, exchange.Request{
		Contents: exchange.All, Path: filepath.Join(t.TempDir(), "all"), Ending: ".csv", Snapshot: record(t, db, census()),
	})
	const want = "none,out-of-scope,2026-01-02T03:04:05.000010Z,,"
	if text := contents(t, path)["observation.csv"]; !strings.Contains(text, want) {
		t.Errorf("no observation is %q:\n%s", want, text)
	}
}

// The same snapshot gives the same bytes, under the same key too.
func TestExportsAreTheSameEachTime(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, census())
	for _, k := range []*exchange.Key{nil, &key} {
		once := every(t, id, func(r exchange.Request) { r.Key = k; export(t, db, r) })
		again := every(t, id, func(r exchange.Request) { r.Key = k; export(t, db, r) })
		if diff := cmp.Diff(once, again); diff != "" {
			t.Errorf("(-once +again):\n%s", diff)
		}
	}
}

func TestExportOfHostsEdgesAndHits(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, census())
	files := every(t, id, func(r exchange.Request) { export(t, db, r) })
	hosts, err := csv.NewReader(strings.NewReader(files["hosts.csv"])).ReadAll()
	if err != nil || len(hosts) != 9 {
		t.Fatalf("error %v, %d lines", err, len(hosts))
	}
	want := []string{"8", "192.0.2.30", "6346", "", "true", "false", "connect-timeout", "", "", "", "", ""}
	if diff := cmp.Diff(want, hosts[8]); diff != "" {
		t.Errorf("the last host (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"edges.csv": "a,b,kind,told_by_a,told_by_b\n2,3,peer,true,true\n2,4,peer,true,false\n",
		"hits.csv":  "9,2,free jazz,2026-01-02T03:04:05.000008Z,2,10.0.0.66,45001,,ff112233-",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s:\n%s", name, files[name])
		}
	}
	var graph struct {
		Graph struct {
			Nodes []struct {
				Data []struct {
					Key string `xml:"key,attr"`
				} `xml:"data"`
			} `xml:"node"`
			Edges []struct {
				Source string `xml:"source,attr"`
			} `xml:"edge"`
		} `xml:"graph"`
	}
	if err := xml.Unmarshal([]byte(files["edges.graphml"]), &graph); err != nil {
		t.Fatal(err)
	}
	if n, e := len(graph.Graph.Nodes), len(graph.Graph.Edges); n != 8 || e != 6 || graph.Graph.Edges[0].Source != "n2" {
		t.Errorf("graph of %d nodes and %d edges: %+v", n, e, graph.Graph)
	}
	for _, name := range []string{"hosts.csv", "edges.graphml", "edges.txt"} {
		for _, packed := range []string{name + ".gz", name + ".zst"} {
			if text, ok := files[packed]; ok && unpacked(t, text) != files[name] {
				t.Errorf("%s is not %s", packed, name)
			}
		}
	}
}

// An edge list that was exported is one that can be imported.
func TestEdgeListComesBack(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, census())
	path := filepath.Join(t.TempDir(), "edges.txt")
	export(t, db, exchange.Request{Contents: exchange.Edges, Path: path, Snapshot: id})
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	again, err := db.ImportEdges(t.Context(), meta, storage.ReadEdges(f))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := db.Coverage(t.Context(), again); err != nil || c.Edges != 6 || c.Heard != 6 {
		t.Errorf("error %v, %+v", err, c)
	}
}

// Of a snapshot that holds nothing there is nothing to tell, and no error either.
func TestExportOfNothing(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	s, err := db.Begin(t.Context(), meta)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	files := every(t, s.ID(), func(r exchange.Request) { r.Key = &key; export(t, db, r) })
	if files["hosts.csv"] != "endpoint_id,addr,port,name,visited,reached,outcome,role,agent,files,kib,uptime_s\n" {
		t.Errorf("hosts: %q", files["hosts.csv"])
	}
	d := describe(t, files["edges.txt.json"])
	if len(d.Notes) != 2 || !strings.Contains(d.Notes[0], "not complete") || d.Resources[0].Rows != 0 {
		t.Errorf("described as %+v", d)
	}
}

// What is there is not overwritten unless asked, and then only by what is like it.
func TestExportOverwrites(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, census())
	dir := t.TempDir()
	occupied := filepath.Join(dir, "occupied.csv")
	if err := os.WriteFile(occupied+".json", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	strange := filepath.Join(dir, "strange")
	mixed := filepath.Join(dir, "mixed")
	export(t, db, exchange.Request{Contents: exchange.All, Path: mixed, Ending: ".csv", Snapshot: id})
	for _, folder := range []string{strange, filepath.Join(dir, "empty")} {
		if err := os.Mkdir(folder, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{strange, mixed} {
		if err := os.WriteFile(filepath.Join(folder, "census.key"), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		contents, name string
		force          bool
		want           string // part of the error
	}{
		{exchange.Hosts, "hosts.csv", false, ""},
		{exchange.Hosts, "hosts.csv", false, "hosts.csv exists already"},
		{exchange.Hosts, "hosts.csv", true, ""},
		{exchange.Hosts, "occupied.csv", false, "occupied.csv.json exists already"},
		{exchange.Hosts, "nowhere/hosts.csv", false, "no such file"},
		{exchange.Hosts, "strange", false, "ends in none of .csv"},
		{exchange.All, "all", false, ""},
		{exchange.All, "all", false, "all exists already"},
		{exchange.All, "all/", true, ""},
		{exchange.All, "empty", false, ""},
		{exchange.All, "hosts.csv", false, "hosts.csv exists already"},
		{exchange.All, "hosts.csv", true, "not a directory"},
		{exchange.All, "strange", false, "strange exists already"},
		{exchange.All, "strange", true, "it is no export"},
		{exchange.All, "mixed", true, "census.key in it is no part of the export"},
		{exchange.All, "nowhere/all", false, "no such file"},
	} {
		err := exchange.Export(t.Context(), db, exchange.Request{
			Contents: test.contents, Path: filepath.Join(dir, test.name), Ending: ".csv", Snapshot: id,
			Force: test.force, Version: version,
		})
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s to %s, force %v: error %v, want %q in it", test.contents, test.name, test.force, err, test.want)
		}
		exists := new(exchange.ExistsError)
		if errors.As(err, &exists) != strings.Contains(test.want, "exists already") {
			t.Errorf("%s to %s: error %v", test.contents, test.name, err)
		}
		noLeftovers(t, dir)
	}
	files := contents(t, dir)
	if files["occupied.csv.json"] != "mine" || files["strange/census.key"] != "mine" || files["mixed/census.key"] != "mine" {
		t.Errorf("files are %v", slices.Sorted(maps.Keys(files)))
	}
	if _, err := exchange.Import(t.Context(), db, filepath.Join(dir, "all"), nil); err != nil {
		t.Error(err)
	}
}

// noLeftovers looks for files that were never finished.
func noLeftovers(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s is left", e.Name())
		}
	}
}

func TestExportRefuses(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, census())
	dir := t.TempDir()
	for _, test := range []struct{ contents, name, want string }{
		{exchange.Hosts, "hosts", ".csv, .csv.gz, .csv.zst, .parquet"},
		{exchange.Hosts, "hosts.txt", "ends in none"},
		{exchange.Hits, "hits.graphml", "ends in none"},
		{exchange.Hosts, "hosts.parquet.gz", "ends in none"},
		{exchange.Edges, "edges.gz", ".graphml, .graphml.gz, .graphml.zst, .txt, .txt.gz, .txt.zst"},
		{exchange.Edges, "edges.csv.zip", "ends in none"},
	} {
		r := exchange.Request{Contents: test.contents, Path: filepath.Join(dir, test.name), Snapshot: id}
		err := exchange.Export(t.Context(), db, r)
		if form := new(exchange.FormatError); !errors.As(err, &form) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s to %s: error %v, want %q in it", test.contents, test.name, err, test.want)
		}
	}
	r := exchange.Request{Contents: exchange.All, Path: filepath.Join(dir, "all"), Ending: ".xls", Snapshot: id}
	if err := exchange.Export(t.Context(), db, r); err == nil {
		t.Error("exported as .xls")
	}
	r.Ending, r.Snapshot = ".csv", 99
	if err := exchange.Export(t.Context(), db, r); !errors.Is(err, storage.ErrNoSnapshot) {
		t.Errorf("error %v, want ErrNoSnapshot", err)
	}
	noLeftovers(t, dir)
}

// An export that is called off leaves nothing, wherever it is when that happens.
func TestExportThatIsStopped(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, census())
	dir := t.TempDir()
	for contents, name := range map[string]string{exchange.Hosts: "hosts.csv", exchange.All: "all"} {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		err := exchange.Export(ctx, db, exchange.Request{
			Contents: contents, Path: filepath.Join(dir, name), Ending: ".parquet", Snapshot: id,
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", contents, err)
		}
	}
	if files := contents(t, dir); len(files) > 0 {
		t.Errorf("left: %v", slices.Sorted(maps.Keys(files)))
	}
}

func TestLoadKey(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "census.key")
	first, made, err := exchange.LoadKey(file)
	if err != nil || !made {
		t.Fatalf("made %v, error %v", made, err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	if again, made, err := exchange.LoadKey(file); err != nil || made || again != first || again == (exchange.Key{}) {
		t.Errorf("made %v, error %v, another key: %v", made, err, again != first)
	}
	text, err := os.ReadFile(file)
	if err != nil || string(text) != hex.EncodeToString(first[:])+"\n" {
		t.Errorf("the file holds %q, error %v", text, err)
	}
	for text, want := range map[string]string{
		"":                              "holds 0 characters, want 64 hexadecimal digits",
		strings.Repeat("ab", 31):        "holds 62 characters",
		strings.Repeat("ab", 33) + "\n": "holds 66 characters",
		strings.Repeat("xy", 32):        "invalid byte",
		strings.Repeat("a", 10_000):     "want 64 hexadecimal digits",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := exchange.LoadKey(file)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "abab") {
			t.Errorf("%.20q: error %v, want %q in it and no part of the key", text, err, want)
		}
	}
	if _, _, err := exchange.LoadKey(filepath.Join(file, "no", "folder")); err == nil {
		t.Error("a key was made in a file")
	}
}
