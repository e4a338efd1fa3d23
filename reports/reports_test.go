package reports_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/probe"
	"gnucensus/reports"
	"gnucensus/storage"
)

var update = flag.Bool("update", false, "write the golden files anew")

// begunAt is the only part of a report that the clock writes.
var begunAt = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?`)

func TestReportsOfASmallCensus(t *testing.T) {
	t.Parallel()
	db := database(t)
	snapshot := record(t, db, true, census()...)
	for _, info := range reports.List() {
		r := run(t, db, info.Name, snapshot)
		for _, format := range reports.Formats() {
			golden(t, info.Name+"."+format, write(t, r, reports.Format(format), 0))
		}
	}
}

func run(t testing.TB, db *storage.DB, name string, snapshot int64) *reports.Report {
	t.Helper()
	r, err := reports.Run(t.Context(), db, name, snapshot, version)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t testing.TB, r *reports.Report, format reports.Format, width int) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b, format, width); err != nil {
		t.Fatal(err)
	}
	return begunAt.ReplaceAllStringFunc(b.String(), func(time string) string { return "2026-01-02 03:04:05"[:len(time)] })
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-golden +ours):\n%s", name, diff)
	}
}

// value returns the cell of a row that begins with the given texts.
func value(t testing.TB, r *reports.Report, column string, row ...string) any {
	t.Helper()
	i := slices.IndexFunc(r.Columns, func(c reports.Column) bool { return c.Name == column })
	for _, cells := range r.Rows {
		found := true
		for j, text := range row {
			found = found && cells[j] == text
		}
		if found {
			return cells[i]
		}
	}
	t.Fatalf("report %s has no row %q", r.Name, row)
	return nil
}

// importPublished makes a snapshot of the graph of reports/graph: a crawl of August 2002 that its authors published.
func importPublished(t *testing.T, db *storage.DB) int64 {
	t.Helper()
	file, err := os.Open("graph/testdata/p2p-Gnutella08.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := db.ImportEdges(t.Context(), meta, storage.ReadEdges(plain))
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func TestTopologyOfAPublishedGraph(t *testing.T) {
	t.Parallel()
	db := database(t)
	r := run(t, db, "topology", importPublished(t, db))
	for _, want := range []struct {
		thing, figure, column string
		format, value         string
	}{
		{"graph", "hosts", "all", "%.0f", "6301"},
		{"graph", "hosts", "visited", "%.0f", "2465"},
		{"graph", "hosts", "only_heard_of", "%.0f", "3836"},
		{"graph", "share of hosts", "only_heard_of", "%.1f", "60.9"},
		{"graph", "edges", "all", "%.0f", "20777"},
		{"weak components", "number", "all", "%.0f", "2"},
		{"largest weak component", "hosts", "all", "%.0f", "6299"},
		{"largest weak component", "edges", "all", "%.0f", "20776"},
		{"links per host", "median", "all", "%.0f", "3"},
		{"links per host", "largest", "all", "%.0f", "97"},
		{"links per host", "1", "all", "%.0f", "1746"},
		{"degrees", "Gini coefficient", "all", "%.3f", "0.524"},
		{"degrees", "assortativity", "all", "%.6f", "0.035550"},
		{"strong components", "number", "all", "%.0f", "4234"},
		{"largest strong component", "hosts", "all", "%.0f", "2068"},
		{"largest strong component", "edges", "all", "%.0f", "9313"},
		{"distances", "mean", "all", "%.3f", "4.643"},
		{"distances", "effective diameter", "all", "%.2f", "5.49"},
		{"distances", "diameter, at least", "all", "%.0f", "9"},
		{"distances", "diameter, at most", "all", "%.0f", "9"},
		{"clustering", "mean, all hosts", "all", "%.4f", "0.0109"},
		{"clustering", "mean, 2 links or more", "all", "%.4f", "0.0150"},
		{"clustering", "triangles", "all", "%.0f", "2383"},
		{"clustering", "closed triads, T/(T+O)", "all", "%.6f", "0.006983"},
		{"clustering", "closed triads, 3T/(3T+O)", "all", "%.5f", "0.02066"},
	} {
		if got := fmt.Sprintf(want.format, value(t, r, want.column, want.thing, want.figure)); got != want.value {
			t.Errorf("%s, %s, %s: %s, published is %s", want.thing, want.figure, want.column, got, want.value)
		}
	}
}

// Nothing that a snapshot lacks may become a number, and every report says what is missing.
func TestReportsOfNearlyNothing(t *testing.T) {
	t.Parallel()
	db := database(t)
	dead := talk(1, probe.TCPCrawl, probe.ConnectionRefused, 0)
	alone := talk(1, probe.TCPCrawl, probe.Answered, 0)
	linked := talk(1, probe.TCPCrawl, probe.Answered, 0)
	linked.Peers = peers(probe.PeerLink, 1, 2, 3)
	for name, observed := range map[string][]probe.Observation{
		"empty": nil, "one dead host": {dead}, "one host": {alone}, "one host that shares nothing": {shares(1, 0, 0)},
		"no files measured": {linked}, "a query without a hit": {alone, ask(1, "free jazz")},
	} {
		snapshot := record(t, db, false, observed...)
		for _, info := range reports.List() {
			r := run(t, db, info.Name, snapshot)
			for _, format := range reports.Formats() {
				text := write(t, r, reports.Format(format), 0)
				if bad := regexp.MustCompile(`NaN|Inf|<nil>|%!`).FindString(text); bad != "" {
					t.Errorf("%s: report %s as %s has %q:\n%s", name, info.Name, format, bad, text)
				}
				if format != "csv" && !strings.Contains(text, "not complete") {
					t.Errorf("%s: report %s as %s does not tell that the snapshot is not complete", name, info.Name, format)
				}
			}
		}
	}
}

func TestCoverageOfOneHost(t *testing.T) {
	t.Parallel()
	db := database(t)
	text := write(t, run(t, db, "outcomes", record(t, db, true, talk(1, probe.TCPCrawl, probe.Silent, 0))), reports.Table, 0)
	if !strings.Contains(text, "Coverage: 1 host heard of;") {
		t.Errorf("one host is told of as more:\n%s", text)
	}
}

func TestReportsSayWhatCannotBeSaid(t *testing.T) {
	t.Parallel()
	db := database(t)
	empty := record(t, db, true)
	for name, want := range map[string]string{
		"summary": "heard of no host", "topology": "there is no graph", "sharing": "No host told",
		"freeriders": "nothing can be said of free riding", "latency": "nothing can be said of latency",
		"agents": "nothing can be said of software", "outcomes": "there are no outcomes", "degrees": "there is no distribution",
		"tails": "there is no distribution", "random": "there is no graph", "resilience": "nothing to take apart",
		"families": "nothing can be said of sharing", "responders": "nothing can be said of responders",
		"abilities": "nothing can be said of features", "reachability": "nothing can be said of who can be reached",
		"history": "nothing can be said of the network",
	} {
		if text := write(t, run(t, db, name, empty), reports.Markdown, 0); !strings.Contains(text, want) {
			t.Errorf("report %s of an empty snapshot does not say %q:\n%s", name, want, text)
		}
	}
	full := record(t, db, true, census()...)
	for _, info := range reports.List() {
		if text := write(t, run(t, db, info.Name, full), reports.Markdown, 0); strings.Contains(text, "nothing can be said") {
			t.Errorf("report %s of a full snapshot says that nothing can be said", info.Name)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	t.Parallel()
	db := database(t)
	_, err := reports.Run(t.Context(), db, "freerider", 1, version)
	var unknown *reports.UnknownError
	if !errors.As(err, &unknown) || !slices.Contains(unknown.Known, "freeriders") {
		t.Errorf("unknown report: %v", err)
	}
	if _, err := reports.Run(t.Context(), db, "freeriders", 1, version); !errors.Is(err, storage.ErrNoSnapshot) {
		t.Errorf("unknown snapshot: %v", err)
	}
	if err := new(reports.Report).Write(&bytes.Buffer{}, "xml", 0); err == nil {
		t.Error("format xml was written")
	}
}

// A measure is kept as long as the snapshot does not grow, and computed anew when it did.
func TestMeasuresAreKept(t *testing.T) {
	t.Parallel()
	db := database(t)
	snapshot := record(t, db, false, census()...)
	if err := reports.KeepAll(t.Context(), db, snapshot, version, nil); err != nil {
		t.Fatal(err)
	}
	poisoned := []storage.Measure{{Name: "graph.components", Value: new(float64), Method: "by hand"}}
	at, err := db.Size(t.Context(), snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.StoreMeasures(t.Context(), snapshot, version, at, poisoned); err != nil {
		t.Fatal(err)
	}
	if got := value(t, run(t, db, "topology", snapshot), "all", "weak components", "number"); got != 0.0 {
		t.Errorf("components %v: the kept measure was not used", got)
	}
	s, err := db.Resume(t.Context(), snapshot)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Record(t.Context(), []probe.Observation{shares(99, 1, 1)}); err != nil {
		t.Fatal(err)
	}
	if got := value(t, run(t, db, "topology", snapshot), "all", "weak components", "number"); got != 3.0 {
		t.Errorf("components %v after the snapshot grew", got)
	}
}

func TestMachineFormatsHoldAllDigits(t *testing.T) {
	t.Parallel()
	db := database(t)
	r := run(t, db, "freeriders", record(t, db, true, census()...))
	var object struct {
		Report   string
		Snapshot int64
		Columns  []struct{ Name, Unit string }
		Rows     [][]any
		Notes    []string
	}
	decoder := json.NewDecoder(strings.NewReader(write(t, r, reports.JSON, 0)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&object); err != nil {
		t.Fatal(err)
	}
	if object.Report != "freeriders" || object.Snapshot != r.Snapshot || object.Columns[2].Unit != "%" {
		t.Errorf("head of the object: %+v", object)
	}
	if share, ok := object.Rows[0][2].(float64); !ok || share != 300.0/7 {
		t.Errorf("share %v, want %v", object.Rows[0][2], 300.0/7)
	}
	records, err := csv.NewReader(strings.NewReader(write(t, r, reports.CSV, 0))).ReadAll()
	if err != nil || len(records) != len(r.Rows)+1 {
		t.Errorf("CSV has %d records and error %v, want %d", len(records), err, len(r.Rows)+1)
	}
}
