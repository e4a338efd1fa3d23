package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gnucensus/servent/lab"
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
	examples := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(readme, -1)
	if len(examples) < 3 {
		t.Errorf("%d examples of SQL", len(examples))
	}
	for _, example := range examples {
		if len(rows(t, db, example[1])) == 0 {
			t.Errorf("no rows:\n%s", example[1])
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
