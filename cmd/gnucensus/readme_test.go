package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gnucensus/probe"
	"gnucensus/servent/lab"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// TestReadmeRuns runs the example SQL of README.md on a census, and looks whether README.md and the command line still know
// each other.
func TestReadmeRuns(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	readme := string(content)

	net := network(t, lab.Plan{Ultrapeers: 10, Leaves: 30, Full: 0.1})
	dsn := storagetest.DSN(t)
	must(t, seeded(net, dsn, "--query-via", "0")...)
	db := open(t, dsn)
	meet(t, db, "Phex 3.4.2.116")
	examples := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(readme, -1)
	if len(examples) < 3 {
		t.Errorf("%d examples of SQL", len(examples))
	}
	for _, example := range examples {
		found := rows(t, db, example[1])
		if len(found) == 0 {
			t.Errorf("no rows:\n%s", example[1])
		}
		isPhex := func(row []any) bool { return row[0] == "Phex" }
		if strings.Contains(example[1], "AS free_riders") && !slices.ContainsFunc(found, isPhex) {
			t.Errorf("software with a blank before its version: %v", found)
		}
	}

	for _, c := range (&program{}).app().Commands {
		if !strings.Contains(readme, "`gnucensus "+c.Name) {
			t.Errorf("command %s is not in README.md", c.Name)
		}
	}
	for _, target := range []string{"make census", "make test", "make bench", "make fuzz", "make build"} {
		if !strings.Contains(readme, target) {
			t.Errorf("%s is not in README.md", target)
		}
	}
}

// meet adds a host with that software to snapshot 1.
func meet(t *testing.T, db *storage.DB, agent string) {
	t.Helper()
	s, err := db.Resume(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := probe.Endpoint{Network: probe.Gnutella, Addr: netip.MustParseAddrPort("127.95.0.2:6346")}
	seen := probe.Observation{Endpoint: at, Method: probe.TCPCrawl, Outcome: probe.Answered, Started: time.Now(), Agent: agent}
	if err := s.Record(t.Context(), []probe.Observation{seen}); err != nil {
		t.Fatal(err)
	}
}
