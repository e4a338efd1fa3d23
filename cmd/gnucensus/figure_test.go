package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/reports/figure"
	"gnucensus/storage/storagetest"
)

// TestFigure draws figures of an import from the command line.
func TestFigure(t *testing.T) {
	t.Parallel()
	dsn, dir := storagetest.DSN(t), t.TempDir()
	must(t, "import", "edges", file(t, "1 2", "2 3", "3 1", "3 4"), "--database", dsn)
	for name, begin := range map[string]string{"a.svg": "<svg ", "a.pdf": "%PDF-", "a.PNG": "\x89PNG"} {
		path := filepath.Join(dir, name)
		drawn := decode[struct {
			Figure, File, Caption string
			Snapshot              int64
		}](t, must(t, "figure", "degrees", "-o", path, "--format", "json", "--database", dsn))
		told := strings.Contains(drawn.Caption, "Coverage: 4 hosts")
		if drawn.Figure != "degrees" || drawn.File != path || drawn.Snapshot != 1 || !told {
			t.Errorf("%+v", drawn)
		}
		if content, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(content, []byte(begin)) {
			t.Errorf("%s: %v, begins with %q", name, err, content[:min(8, len(content))])
		}
	}
	must(t, "import", "edges", file(t, "1 2"), "--database", dsn)
	text := must(t, "figure", "cores", "-o", filepath.Join(dir, "b.svg"), "--snapshot", "1", "--database", dsn)
	if !strings.Contains(text, "4 hosts heard of") {
		t.Errorf("figure of snapshot 1: %s", text)
	}
	r := run(t, "figure", "cores", "-o", filepath.Join(dir, "none", "b.svg"), "--database", dsn)
	if r.code != exitFailed || !strings.Contains(r.stderr, "a folder that is there") {
		t.Errorf("a folder that is not there: exit %d: %s", r.code, r.stderr)
	}
	list := must(t, "figure")
	for _, info := range figure.List() {
		if !strings.Contains(list, info.Name) || !strings.Contains(list, info.About) {
			t.Errorf("%s is not in the list:\n%s", info.Name, list)
		}
	}
}

// TestFigureFlags gives each flag of a figure a value and looks at what changes.
func TestFigureFlags(t *testing.T) {
	read := func(args ...string) figure.Options {
		return capture(t, readFigure, append([]string{"figure", "degrees"}, args...)...)
	}
	if diff := cmp.Diff(figure.Options{Format: figure.SVG}, read("-o", "a.svg")); diff != "" {
		t.Errorf("with a file alone: %s", diff)
	}
	for _, test := range []struct {
		flag, value string
		want        figure.Options
	}{
		{"output", "b.pdf", figure.Options{Format: figure.PDF}},
		{"width", "120.5", figure.Options{Format: figure.SVG, Width: 120.5}},
		{"bare", "true", figure.Options{Format: figure.SVG, Bare: true}},
	} {
		var file []string
		if test.flag != "output" {
			file = []string{"-o", "a.svg"}
		}
		if diff := cmp.Diff(test.want, read(append(file, "--"+test.flag+"="+test.value)...)); diff != "" {
			t.Errorf("--%s: %s", test.flag, diff)
		}
		fromEnvironment(t, test.flag, test.value, func() {
			if diff := cmp.Diff(test.want, read(file...)); diff != "" {
				t.Errorf("--%s in the environment: %s", test.flag, diff)
			}
		})
	}
}
