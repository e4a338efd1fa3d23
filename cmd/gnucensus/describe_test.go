package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// TestListFits fills each column of the list of snapshots: a line fits the screen, times are UTC, and what is not there is a dash.
func TestListFits(t *testing.T) {
	t.Parallel()
	at, long := time.Date(2026, 12, 20, 14, 14, 15, 0, time.FixedZone("", 3600)), strings.Repeat("long", 20)
	info := storage.SnapshotInfo{
		ID: 99_999_999, State: storage.StateInterrupted, Vantage: long, Heard: 9_999_999, Started: at, Ended: &at, Source: long,
	}
	var text bytes.Buffer
	if err := printList(&text, "table", []facts{brief(info), brief(storage.SnapshotInfo{Started: at})}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text.String(), "\n")
	if strings.Count(lines[0], " UTC") != 2 {
		t.Errorf("the head does not tell which time it is: %s", lines[0])
	}
	if n := utf8.RuneCountInString(lines[1]); n != helpWidth {
		t.Errorf("%d characters: %s", n, lines[1])
	}
	if !strings.HasSuffix(lines[1], "  2026-12-20 13:14  2026-12-20 13:14  longlonglonglongl…") {
		t.Errorf("a long line: %s", lines[1])
	}
	if got := strings.Join(strings.Fields(lines[2]), " "); got != "0 0 2026-12-20 13:14 – –" {
		t.Errorf("a line of nothing: %s", got)
	}
}

// TestConfigurationForPeople: a line for each setting, and for each query.
func TestConfigurationForPeople(t *testing.T) {
	t.Parallel()
	lines, err := configured(json.RawMessage(`{"random_seed":18446744073709551615,"contact":"","query_wait_ns":1500000000,
		"opens":{"wide":4,"host":0.2},"queries":["free music","linux"],"strange_ns":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := lines.print(&text, "table"); err != nil {
		t.Fatal(err)
	}
	want := `configuration  
  contact      –
  opens        host 0.2, wide 4
  queries      free music
               linux
  query wait   1.5s
  random seed  18446744073709551615
  strange      x
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Error(diff)
	}
	if lines, err = configured(json.RawMessage("{}")); err != nil || lines[0].text() != "–" {
		t.Errorf("of no settings: %v, error %v", lines, err)
	}
}

// TestSnapshotsForPeople looks at an import and at a crawl in both formats: a crawl has no source.
func TestSnapshotsForPeople(t *testing.T) {
	t.Parallel()
	dsn, name := storagetest.DSN(t), strings.Repeat("graph-", 10)+".txt"
	graph := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(graph, []byte("1 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "import", "edges", graph, "--database", dsn)
	run(t, "crawl", "--scope", "lab", "--seed", nobody, "--database", dsn, "--vantage", "here")
	list := strings.Split(must(t, "snapshot", "list", "--database", dsn), "\n")
	if !strings.HasSuffix(list[1], "graph-graph-graph…") || !strings.HasSuffix(list[2], "–") {
		t.Errorf("the list:\n%s", strings.Join(list, "\n"))
	}
	type source struct{ Source *string }
	sources := decode[[]source](t, must(t, "snapshot", "list", "--database", dsn, "--format", "json"))
	if len(sources) != 2 || sources[0].Source == nil || *sources[0].Source != name || sources[1].Source != nil {
		t.Errorf("sources in JSON: %+v", sources)
	}
	shown := must(t, "snapshot", "show", "2", "--database", dsn)
	for _, want := range []string{"\nsource               –\n", "\n  database patience  5m0s\n", "\n  scope              lab\n"} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %q in:\n%s", want, shown)
		}
	}
	type settingsOf struct{ Configuration settings }
	s := decode[settingsOf](t, must(t, "snapshot", "show", "2", "--database", dsn, "--format", "json"))
	if s.Configuration.Vantage != "here" {
		t.Errorf("settings in JSON: %+v", s)
	}
}
