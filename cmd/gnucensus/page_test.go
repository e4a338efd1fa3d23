package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gnucensus/storage/storagetest"
)

// TestPage writes pages of an import from the command line.
func TestPage(t *testing.T) {
	t.Parallel()
	dsn, dir := storagetest.DSN(t), t.TempDir()
	must(t, "import", "edges", file(t, "1 2", "2 3", "3 1", "3 4"), "--database", dsn)
	must(t, "import", "edges", file(t, "1 2"), "--database", dsn)
	path := filepath.Join(dir, "census.html")
	for args, want := range map[string]string{"": "<title>Census of gnutella, snapshot 2<", "--snapshot=1": "snapshot 1<"} {
		must(t, append([]string{"report", "html", "-o", path, "--database", dsn}, strings.Fields(args)...)...)
		if content, err := os.ReadFile(path); err != nil || !strings.Contains(string(content), want) {
			t.Errorf("%q: %v, the page does not hold %q", args, err, want)
		}
	}
	if left, err := filepath.Glob(path + ".*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if out := must(t, "report", "html", "-o", "-", "--database", dsn); !strings.HasPrefix(out, "<!DOCTYPE html>") {
		t.Errorf("standard output is %.40q", out)
	}
	for args, want := range map[string]struct {
		code int
		hint string
	}{
		"":                                      {exitUsage, "gnucensus: report html: --output FILE is missing"},
		"-o " + filepath.Join(dir, "none", "x"): {exitFailed, "a folder that is there"},
		"--snapshot 9 -o " + path:               {exitFailed, "gnucensus snapshot list"},
	} {
		r := run(t, append([]string{"report", "html", "--database", dsn}, strings.Fields(args)...)...)
		if r.code != want.code || !strings.Contains(r.stderr, want.hint) {
			t.Errorf("%q: exit %d: %s", args, r.code, r.stderr)
		}
	}
}
