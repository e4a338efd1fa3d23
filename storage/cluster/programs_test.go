package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakePrograms makes a folder with an initdb and a postgres that says its version.
func fakePrograms(t *testing.T, dir, version string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", version)
	for _, name := range []string{"initdb", "postgres"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The named folder goes before the environment's, that before PATH, and PATH before the usual folders.
func TestWhichProgramsFirst(t *testing.T) {
	base := t.TempDir()
	named := fakePrograms(t, filepath.Join(base, "named"), "17.2")
	inEnv := fakePrograms(t, filepath.Join(base, "env"), "16.1 (Debian 16.1-1)")
	inPath := fakePrograms(t, filepath.Join(base, "path"), "19devel")
	t.Setenv("PATH", filepath.Join(base, "nothing here")+":relative::"+inPath+":"+os.Getenv("PATH"))
	t.Setenv("GNUCENSUS_PGBIN", inEnv)
	for _, want := range []programs{{named, 17}, {inEnv, 16}, {inPath, 19}} {
		if got, err := findPrograms(t.Context(), named, "", 0); got != want {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
		if named != "" {
			named = ""
		} else if err := os.Unsetenv("GNUCENSUS_PGBIN"); err != nil {
			t.Fatal(err)
		}
	}
}

// The version that made a cluster is looked for in all folders.
func TestProgramsOfVersion(t *testing.T) {
	base := t.TempDir()
	newer := fakePrograms(t, filepath.Join(base, "newer"), "99.1")
	older := fakePrograms(t, filepath.Join(base, "older"), "98beta2")
	t.Setenv("PATH", newer+":"+older)
	t.Setenv("GNUCENSUS_PGBIN", "")
	if got, err := findPrograms(t.Context(), "", "", 98); got != (programs{older, 98}) {
		t.Errorf("got %v, %v", got, err)
	}
	link := filepath.Join(base, "link")
	if err := os.Symlink(newer, link); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", newer+":"+link+":"+newer+"/")
	_, err := findPrograms(t.Context(), "", "/data/pg", 98)
	var version *VersionError
	if !errors.As(err, &version) || strings.Count(err.Error(), "PostgreSQL 99 in ") != 1 {
		t.Errorf("a folder with three names: %v", err)
	}
	_, err = findPrograms(t.Context(), newer, "/data/pg", 98)
	if !errors.As(err, &version) || version.Made != 98 || !slices.Equal(version.Found, []string{"PostgreSQL 99 in " + newer}) {
		t.Errorf("error %v", err)
	}
	for _, fact := range []string{"/data/pg", "PostgreSQL 98", "PostgreSQL 99", newer, "not touched"} {
		if !strings.Contains(err.Error(), fact) {
			t.Errorf("error does not name %q: %v", fact, err)
		}
	}
}

// A machine without the programs hears of the three ways out, and of what was found that does not do.
func TestNoPrograms(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	broken := fakePrograms(t, filepath.Join(base, "broken"), "new")
	onlyClient := t.TempDir()
	if err := os.WriteFile(filepath.Join(onlyClient, "initdb"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{onlyClient, broken, fakePrograms(t, filepath.Join(base, "old"), "12.9")} {
		dir := filepath.Clean(dir)
		_, err := Open(t.Context(), Config{Dir: filepath.Join(baseDir(t), "data"), Programs: dir})
		var missing *ProgramsError
		if !errors.As(err, &missing) {
			t.Fatalf("error %v", err)
		}
		if unfit := len(missing.Unfit); (unfit == 0) != (dir == onlyClient) {
			t.Errorf("unfit %q", missing.Unfit)
		}
		for _, way := range []string{"apt-get install postgresql", "--database", "GNUCENSUS_PGBIN", dir} {
			if !strings.Contains(err.Error(), way) {
				t.Errorf("error does not name %q: %v", way, err)
			}
		}
	}
}

// Of several versions in one place, the newest comes first, and 9 is older than 17.
func TestNewestFirst(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	var want []string
	for _, version := range []string{"17", "13", "9.6"} {
		want = append(want, filepath.Join(base, version, "bin"))
	}
	for _, dir := range want {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got := globbed([]string{filepath.Join(base, "*", "bin"), filepath.Join(base, "none*")})
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
