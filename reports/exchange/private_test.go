package exchange_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"gnucensus/reports/exchange"
	"gnucensus/storage/storagetest"
)

// readable is a file as a person would read it: unpacked, and every value of a Parquet file as text.
func readable(t testing.TB, name, text string) string {
	t.Helper()
	if filepath.Ext(name) != ".parquet" {
		return unpacked(t, text)
	}
	f, err := parquet.OpenFile(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, group := range f.RowGroups() {
		rows := group.Rows()
		defer rows.Close()
		buffer := make([]parquet.Row, 100)
		n, _ := rows.ReadRows(buffer)
		if int64(n) != group.NumRows() {
			t.Fatalf("%s: read %d of %d rows", name, n, group.NumRows())
		}
		for _, row := range buffer[:n] {
			fmt.Fprintln(&b, row)
		}
	}
	return b.String()
}

// every exports a snapshot in every way that there is and returns the files, by name.
func every(t testing.TB, id int64, export func(exchange.Request)) map[string]string {
	t.Helper()
	dir := t.TempDir()
	for contents, endings := range map[string][]string{
		exchange.Hosts: {".csv", ".csv.gz", ".csv.zst", ".parquet"},
		exchange.Edges: {".csv", ".csv.zst", ".parquet", ".graphml", ".graphml.gz", ".txt", ".txt.zst"},
		exchange.Hits:  {".csv", ".parquet"},
		exchange.All:   {".csv", ".csv.gz", ".parquet"},
	} {
		for i, ending := range endings {
			r := exchange.Request{Contents: contents, Path: filepath.Join(dir, contents+ending), Snapshot: id}
			if contents == exchange.All {
				r.Path, r.Ending = filepath.Join(dir, fmt.Sprintf("all%d", i)), ending
			}
			export(r)
		}
	}
	return contents(t, dir)
}

// An export whose addresses are replaced holds no address of the census, wherever a host may have hidden it.
func TestReplacedExportsHoldNoAddress(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, census())
	rows, err := db.Select(t.Context(), "SELECT addr FROM endpoint UNION SELECT addr FROM hit")
	if err != nil {
		t.Fatal(err)
	}
	forbidden := append([]string{}, secrets...)
	for _, row := range rows.Values {
		forbidden = append(forbidden, row[0].(string))
	}
	if len(rows.Values) != 9 {
		t.Fatalf("the census has %d addresses", len(rows.Values))
	}
	found := map[string]bool{} // in the exact exports
	for name, text := range every(t, id, func(r exchange.Request) { export(t, db, r) }) {
		for _, secret := range forbidden {
			found[secret] = found[secret] || strings.Contains(readable(t, name, text), secret)
		}
	}
	for _, secret := range forbidden {
		if !found[secret] {
			t.Errorf("%q is in no exact export, so its absence proves nothing", secret)
		}
	}
	files := every(t, id, func(r exchange.Request) {
		r.Key = &key
		export(t, db, r)
	})
	if len(files) != 13*2+3*7 {
		t.Errorf("%d files", len(files))
	}
	for name, text := range files {
		for _, secret := range forbidden {
			if strings.Contains(text, secret) || strings.Contains(readable(t, name, text), secret) {
				t.Errorf("%s holds %q", name, secret)
			}
		}
		if strings.Contains(text, fmt.Sprintf("%x", key)) {
			t.Errorf("%s holds the key", name)
		}
	}
}

// The same host is the same in every export under one key, and another under another key.
func TestKeyDecidesWhatStandsForAHost(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, census())
	address := func(k exchange.Key) string {
		path := export(t, db, exchange.Request{
			Contents: exchange.Hosts, Path: filepath.Join(t.TempDir(), "hosts.csv"), Snapshot: id, Key: &k,
		})
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.Split(string(text), "\n")[1], ",")[1]
	}
	one, two, again := address(exchange.NewKey()), address(key), address(key)
	if one == two || two != again {
		t.Errorf("the first host is %s, then %s under another key, then %s under that", one, two, again)
	}
	if _, err := netip.ParseAddr(two); err != nil {
		t.Error(err)
	}
}

// What is not an address stays: a version of four numbers, the numbers of hosts, the kinds of their links.
func TestReplacedExportKeepsWhatIsNoSecret(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, census())
	path := export(t, db, exchange.Request{
		Contents: exchange.All, Path: filepath.Join(t.TempDir(), "all"), Ending: ".csv", Snapshot: id, Key: &key,
	})
	files := contents(t, path)
	for file, want := range map[string]string{
		"observation.csv":  "Shareaza 2.7.10.2",
		"endpoint.csv":     ",6346,",
		"datapackage.json": `"rate": 2.5`,
	} {
		if !strings.Contains(files[file], want) {
			t.Errorf("%s holds no %q:\n%s", file, want, files[file])
		}
	}
	var d struct {
		Addresses struct{ Replaced bool }
		Resources []struct {
			Name   string
			Schema struct {
				Fields []struct{ Name, Replaced string }
			}
		}
	}
	if err := json.Unmarshal([]byte(files["datapackage.json"]), &d); err != nil {
		t.Fatal(err)
	}
	replaced := map[string]string{}
	for _, r := range d.Resources {
		for _, f := range r.Schema.Fields {
			if f.Replaced != "" {
				replaced[r.Name+"."+f.Name] = f.Replaced
			}
		}
	}
	if !d.Addresses.Replaced || len(replaced) != 11 || replaced["hit.servent"] != "replaced" {
		t.Errorf("replaced %v: %v", d.Addresses.Replaced, replaced)
	}
}
