package exchange_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/reports"
	"gnucensus/reports/exchange"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// imported is where a report tells its snapshot, which is another one after an import, and that it was imported.
var imported = regexp.MustCompile(`^Snapshot \d+:|, imported from [^;]*`)

// allReports makes every report of a snapshot, without what tells its number and where it was read from.
func allReports(t testing.TB, db *storage.DB, id int64) map[string]*reports.Report {
	t.Helper()
	made := map[string]*reports.Report{}
	for _, info := range reports.List() {
		r, err := reports.Run(t.Context(), db, info.Name, id, version)
		if err != nil {
			t.Fatal(err)
		}
		r.Snapshot = 0
		if info.Name == "history" {
			r.Rows = [][]any{r.Rows[len(r.Rows)-1][2:]} // the others are of earlier snapshots, the first cells their number and begin
		}
		for i := range r.Notes {
			r.Notes[i] = imported.ReplaceAllString(r.Notes[i], "")
		}
		made[info.Name] = r
	}
	return made
}

func sameReports(t *testing.T, want, got map[string]*reports.Report) {
	t.Helper()
	for name := range want {
		if diff := cmp.Diff(want[name], got[name], cmp.AllowUnexported(reports.Report{})); diff != "" {
			t.Errorf("report %s (-of the snapshot +of its import):\n%s", name, diff)
		}
	}
}

var endings = []string{".parquet", ".csv", ".csv.gz", ".csv.zst"}

// What is exported and imported again gives the same reports, and the same files when it is exported once more.
func TestExportAndImport(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, census())
	want := allReports(t, db, id)
	for _, ending := range endings {
		t.Run(ending, func(t *testing.T) {
			dir := t.TempDir()
			var written, read atomic.Int64
			first := export(t, db, exchange.Request{
				Contents: exchange.All, Path: filepath.Join(dir, "first"), Ending: ending, Snapshot: id, Rows: &written,
			})
			again, err := exchange.Import(t.Context(), db, first, &read)
			if err != nil {
				t.Fatal(err)
			}
			sameReports(t, want, allReports(t, db, again))
			second := export(t, db, exchange.Request{
				Contents: exchange.All, Path: filepath.Join(dir, "second"), Ending: ending, Snapshot: again,
			})
			files, copies := contents(t, first), contents(t, second)
			delete(files, "datapackage.json")
			delete(copies, "datapackage.json")
			if diff := cmp.Diff(files, copies); diff != "" || len(files) != 6 {
				t.Errorf("%d files (-first export +of its import):\n%s", len(files), diff)
			}
			// Observations are read twice: first for the agents in them.
			if w, r := written.Load(), read.Load(); w == 0 || r != w+int64(len(census())) {
				t.Errorf("counted %d rows written, %d read", w, r)
			}
		})
	}
}

// The same when addresses are replaced, but for agents that held some.
func TestExportAndImportOfReplacedAddresses(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, census())
	path := export(t, db, exchange.Request{
		Contents: exchange.All, Path: filepath.Join(t.TempDir(), "public"), Ending: ".parquet", Snapshot: id, Key: &key,
	})
	again, err := exchange.Import(t.Context(), db, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, got := allReports(t, db, id), allReports(t, db, again)
	delete(want, "agents")
	for _, r := range want {
		for i := range r.Notes {
			r.Notes[i] = strings.ReplaceAll(r.Notes[i], "203.0.113.77", "59.194.86.177") // in the name of the vantage
		}
	}
	sameReports(t, want, got)
}

func TestImportOfAnInterruptedSnapshot(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	s, err := db.Begin(t.Context(), meta)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Record(t.Context(), census()); err != nil {
		t.Fatal(err)
	}
	path := export(t, db, exchange.Request{
		Contents: exchange.All, Path: filepath.Join(t.TempDir(), "running"), Ending: ".csv", Snapshot: s.ID(),
	})
	id, err := exchange.Import(t.Context(), db, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	infos, err := db.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	original, copied := infos[0], infos[1]
	if copied.ID != id || copied.State != storage.StateInterrupted || copied.Source != "running" || copied.Ended == nil {
		t.Errorf("imported as %+v", copied)
	}
	if !copied.Started.Equal(original.Started) || copied.Vantage != original.Vantage || copied.Version != version ||
		string(copied.Configuration) != string(original.Configuration) {
		t.Errorf("imported as %+v, was %+v", copied, original)
	}
}

// Nothing is stored of a folder that is not what was exported.
func TestImportRefuses(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, census())
	path := func(contents, name string) string {
		return export(t, db, exchange.Request{
			Contents: contents, Path: filepath.Join(t.TempDir(), name), Ending: ".csv", Snapshot: id,
		})
	}
	edit := func(file, old, new string) string {
		folder := path(exchange.All, "all")
		file = filepath.Join(folder, file)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), old) {
			t.Fatalf("%s does not hold %q", file, old)
		}
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), old, new)), 0o644); err != nil {
			t.Fatal(err)
		}
		return folder
	}
	part := path(exchange.Hosts, "hosts.csv")
	for name, test := range map[string]struct{ path, want string }{
		"changed file":       {edit("endpoint.csv", "6346", "6349"), "endpoint.csv is not what was exported: its checksum is"},
		"missing table":      {edit("datapackage.json", `"name": "hit"`, `"name": "hat"`), "no table hit"},
		"file elsewhere":     {edit("datapackage.json", `"path": "hit.csv"`, `"path": "../hit.csv"`), "outside the folder"},
		"newer layout":       {edit("datapackage.json", `"layout": 2`, `"layout": 3`), "use gnucensus " + version},
		"older layout":       {edit("datapackage.json", `"layout": 2`, `"layout": 1`), "use gnucensus " + version},
		"other description":  {edit("datapackage.json", `"contents"`, `"x"`), "not the description of a gnucensus export"},
		"no description":     {t.TempDir(), "datapackage.json: no such file"},
		"hosts alone":        {part + ".json", "the export holds hosts alone"},
		"file of hosts":      {part, "hosts.csv is neither a folder nor its datapackage.json"},
		"nothing":            {filepath.Join(t.TempDir(), "nothing"), "no such file"},
		"broken description": {edit("datapackage.json", `{`, `{{`), "not the description of a gnucensus export"},
	} {
		_, err := exchange.Import(t.Context(), db, test.path, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, test.want)
		}
		if wantPart := strings.Contains(name, "hosts"); errors.Is(err, exchange.ErrPart) != wantPart {
			t.Errorf("%s: error %v is ErrPart: %v", name, err, !wantPart)
		}
	}
	if infos, err := db.Snapshots(t.Context()); err != nil || len(infos) != 1 {
		t.Errorf("error %v, snapshots %+v", err, infos)
	}
}

// A description that tells of more or fewer rows than a table has is not of this export, whichever table it is.
func TestImportCountsRows(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, census())
	for _, ending := range []string{".csv", ".parquet"} {
		path := export(t, db, exchange.Request{
			Contents: exchange.All, Path: filepath.Join(t.TempDir(), "all"), Ending: ending, Snapshot: id,
		})
		file := filepath.Join(path, "datapackage.json")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tables := regexp.MustCompile(`"rows": [0-9]+`).FindAllIndex(text, -1)
		if len(tables) != 6 {
			t.Fatalf("the description tells the rows of %d tables", len(tables))
		}
		for i, at := range tables {
			edited := slices.Concat(text[:at[0]], []byte(`"rows": 777`), text[at[1]:])
			if err := os.WriteFile(file, edited, 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := exchange.Import(t.Context(), db, path, nil)
			if err == nil || !strings.Contains(err.Error(), " rows, not 777") {
				t.Errorf("table %d in %s: error %v", i, ending, err)
			}
		}
	}
	if infos, err := db.Snapshots(t.Context()); err != nil || len(infos) != 1 {
		t.Errorf("error %v, snapshots %+v", err, infos)
	}
}
