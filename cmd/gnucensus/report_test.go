package main

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/reports"
	"gnucensus/storage/storagetest"
)

// reportJSON is what report --format json prints.
type reportJSON struct {
	Report   string
	Snapshot int64
	Columns  []struct{ Name, Unit string }
	Rows     [][]any
	Notes    []string
}

// TestLabToReport is the main job, with the lab in a process of its own: a lab that writes its truth, a crawl of it, and a
// report that must agree with what the truth says.
func TestLabToReport(t *testing.T) {
	t.Parallel()
	truth, dsn := filepath.Join(t.TempDir(), "t.csv"), storagetest.DSN(t)
	network := start(t, "lab", "--ultrapeers", "20", "--leaves", "180", "--random-seed", "7", "--base", base(t).String(),
		"--truth", truth, "--format", "json")
	if line := <-network.line; !strings.Contains(line, "200 hosts up") {
		t.Fatalf("the lab says %q", line)
	}
	seeds := decode[[]string](t, <-network.print)
	must(t, "crawl", "--scope", "lab", "--seeds", file(t, seeds...), "--query-via", "0", "--database", dsn)
	if err := network.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if r := network.end(t); r.code != exitDone {
		t.Errorf("the lab ended with %d: %s", r.code, r.stderr)
	}

	r := decode[reportJSON](t, must(t, "report", "freeriders", "--format", "json", "--database", dsn))
	got := map[string][]any{}
	for _, row := range r.Rows {
		got[row[0].(string)] = row
	}
	column := func(row, name string) float64 {
		t.Helper()
		i := slices.IndexFunc(r.Columns, func(c struct{ Name, Unit string }) bool { return c.Name == name })
		if i < 0 || got[row] == nil {
			t.Fatalf("no row %q or no column %q in %v", row, name, r)
		}
		value, _ := got[row][i].(float64)
		return value
	}
	files := filesOf(t, truth)
	slices.SortFunc(files, func(a, b int) int { return b - a })
	total := sum(files)
	atMost := func(n int) int { return len(files) - slices.IndexFunc(files, func(f int) bool { return f <= n }) }
	for row, n := range map[string]int{"share no file": 0, "share at most 10 files": 10, "share at most 100 files": 100} {
		if column(row, "hosts") != float64(atMost(n)) || !near(column(row, "share"), 100*float64(atMost(n))/float64(len(files))) {
			t.Errorf("%s: %v, the truth has %d of %d", row, got[row], atMost(n), len(files))
		}
	}
	for _, percent := range []int{1, 5, 10, 20, 25} {
		row := fmt.Sprintf("top %d %% of hosts", percent)
		top := int(math.Ceil(float64(percent*len(files)) / 100))
		if column(row, "hosts") != float64(top) || !near(column(row, "of_files"), 100*float64(sum(files[:top]))/float64(total)) {
			t.Errorf("%s: %v, the truth has %d hosts with %d of %d files", row, got[row], top, sum(files[:top]), total)
		}
	}
	if column("measured", "hosts") != float64(len(files)) || column("not measured", "hosts") != 0 {
		t.Errorf("measured %v, not measured %v, the truth has %d hosts", got["measured"], got["not measured"], len(files))
	}
}

func filesOf(t *testing.T, truth string) []int {
	t.Helper()
	f, err := os.Open(truth)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(records[0], "files")
	var files []int
	for _, record := range records[1:] {
		n, err := strconv.Atoi(record[at])
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, n)
	}
	return files
}

func sum(numbers []int) int {
	total := 0
	for _, n := range numbers {
		total += n
	}
	return total
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-6 }

// TestReportsOnAnImport imports a small graph and prints each report on it in each format.
func TestReportsOnAnImport(t *testing.T) {
	t.Parallel()
	dsn := storagetest.DSN(t)
	graph := file(t, "# a comment", "1\t2", "1 3", "4 3", "3 4", "5 5")
	imported := must(t, "import", "edges", graph, "--database", dsn, "--format", "json")
	if imported != `{"snapshot":1,"heard":5,"visited":4,"edges":3}`+"\n" {
		t.Errorf("import says %s", imported)
	}
	for _, info := range reports.List() {
		for _, form := range reports.Formats() {
			if out := must(t, "report", info.Name, "--database", dsn, "--format", form); out == "" {
				t.Errorf("report %s as %s is empty", info.Name, form)
			}
		}
		r := decode[reportJSON](t, must(t, "report", info.Name, "--database", dsn, "--format", "json", "--snapshot", "1"))
		if r.Report != info.Name || r.Snapshot != 1 || len(r.Columns) == 0 || len(r.Notes) == 0 {
			t.Errorf("report %s: %+v", info.Name, r)
		}
	}
	if list := must(t, "report"); !strings.Contains(list, "freeriders") {
		t.Errorf("list of reports: %s", list)
	}
}

// TestSnapshotCommands lists, shows and deletes.
func TestSnapshotCommands(t *testing.T) {
	t.Parallel()
	dsn := storagetest.DSN(t)
	if list := must(t, "snapshot", "list", "--database", dsn, "--format", "json"); list != "[]\n" {
		t.Errorf("no snapshots: %s", list)
	}
	must(t, "import", "edges", file(t, "1 2"), "--database", dsn, "--vantage", "elsewhere")
	must(t, "import", "edges", file(t, "1 2", "2 3"), "--database", dsn)
	type shown struct {
		Snapshot, Heard, Edges int
		State, Vantage         string
	}
	want := []shown{{1, 2, 0, "complete", "elsewhere"}, {2, 3, 0, "complete", "published"}}
	got := decode[[]shown](t, must(t, "snapshot", "list", "--database", dsn, "--format", "json"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	show := decode[shown](t, must(t, "snapshot", "show", "2", "--database", dsn, "--format", "json"))
	if diff := cmp.Diff(shown{2, 3, 2, "complete", "published"}, show); diff != "" {
		t.Error(diff)
	}
	text := must(t, "snapshot", "show", "2", "--database", dsn)
	if !strings.Contains(text, "lines.txt") {
		t.Errorf("show does not tell the source:\n%s", text)
	}
	for _, role := range []string{"ultrapeers", "leaves"} { // which a graph of numbers does not tell
		if !regexp.MustCompile(`(?m)^` + role + ` +–$`).MatchString(text) {
			t.Errorf("show counts %s:\n%s", role, text)
		}
		as := decode[map[string]any](t, must(t, "snapshot", "show", "2", "--database", dsn, "--format", "json"))
		if count, printed := as[role]; count != nil || !printed {
			t.Errorf("show counts %s: %v", role, count)
		}
	}
	r := run(t, "snapshot", "resume", "2", "--database", dsn)
	if r.code != exitFailed || !strings.Contains(r.stderr, "import") {
		t.Errorf("resuming an import: exit %d: %s", r.code, r.stderr)
	}
	must(t, "snapshot", "delete", "1", "--database", dsn)
	got = decode[[]shown](t, must(t, "snapshot", "list", "--database", dsn, "--format", "json"))
	if diff := cmp.Diff(want[1:], got); diff != "" {
		t.Error(diff)
	}
}
