package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldest is the first major version of PostgreSQL that we run.
const oldest = 13

// usualFolders are patterns of where PostgreSQL's server programs lie, by system.
var usualFolders = []string{
	"/usr/lib/postgresql/*/bin",                      // Debian, Ubuntu
	"/usr/pgsql-*/bin",                               // Red Hat, Fedora: packages of the PostgreSQL project
	"/usr/lib*/postgresql[0-9-]*/bin",                // SUSE, Gentoo
	"/usr/libexec/postgresql*",                       // Alpine
	"/opt/homebrew/opt/postgresql*/bin",              // Homebrew
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin", // Homebrew on Linux
	"/usr/local/opt/postgresql*/bin",                 // Homebrew on Intel
	"/opt/local/lib/postgresql*/bin",                 // MacPorts
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/opt/postgresql*/bin",
	"/opt/*/postgresql*/bin",
	"/usr/local/pgsql*/bin", // built from source
	"/usr/local/bin",        // FreeBSD
}

// programs is a folder with initdb and postgres.
type programs struct {
	dir     string
	version int // major
}

func (p programs) String() string { return fmt.Sprintf("PostgreSQL %d in %s", p.version, p.dir) }

// ProgramsError reports that no PostgreSQL server programs were found, or none new enough.
type ProgramsError struct {
	Looked []string // folders and patterns where we looked
	Unfit  []string // what was found there that does not do, and why
}

// Error names the three ways out.
func (e *ProgramsError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "find PostgreSQL's server programs, initdb and postgres, version %d or newer: none in %s",
		oldest, strings.Join(e.Looked, ", "))
	if len(e.Unfit) > 0 {
		fmt.Fprintf(&b, " (unfit: %s)", strings.Join(e.Unfit, "; "))
	}
	b.WriteString("; install them (Debian and Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; " +
		"Alpine: apk add postgresql; Arch: pacman -S postgresql; macOS: brew install postgresql), " +
		"or name a database of your own with --database URL or GNUCENSUS_DATABASE, " +
		"or name the programs' folder in GNUCENSUS_PGBIN")
	return b.String()
}

// VersionError reports a cluster that was made by another major version of PostgreSQL than is installed. Nothing was
// changed.
type VersionError struct {
	Dir   string   // the cluster
	Made  int      // the major version that made it
	Found []string // the programs that were found, with their versions
}

// Error says what was found, what is needed and what to do.
func (e *VersionError) Error() string {
	return fmt.Sprintf("use the database in %s: it was made by PostgreSQL %d, and only these programs were found: %s; "+
		"install PostgreSQL %d beside them, or name its folder in GNUCENSUS_PGBIN, or use another data directory; "+
		"the database was not touched", e.Dir, e.Made, strings.Join(e.Found, ", "), e.Made)
}

// findPrograms finds server programs of the wanted major version, or with 0 the newest of the first place that has any:
// the named folder, else GNUCENSUS_PGBIN, else PATH and then the usual folders. The version that made the cluster in
// dir is the only one that can run it.
func findPrograms(ctx context.Context, named, dir string, want int) (programs, error) {
	if named == "" {
		named = os.Getenv("GNUCENSUS_PGBIN")
	}
	looked := append([]string{"PATH"}, usualFolders...)
	folders := append(filepath.SplitList(os.Getenv("PATH")), globbed(usualFolders)...)
	if named != "" {
		folder, err := filepath.Abs(named)
		if err != nil {
			return programs{}, fmt.Errorf("look for programs in %s: %w", named, err)
		}
		looked, folders = []string{folder}, []string{folder}
	}
	missing := &ProgramsError{Looked: looked}
	var others []string
	for _, folder := range distinct(folders) {
		p, err := programsIn(ctx, folder)
		switch {
		case ctx.Err() != nil:
			return programs{}, fmt.Errorf("look for programs: %w", context.Cause(ctx))
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			missing.Unfit = append(missing.Unfit, err.Error())
		case p.version < oldest:
			missing.Unfit = append(missing.Unfit, p.String())
		case want == 0 || p.version == want:
			return p, nil
		default:
			others = append(others, p.String())
		}
	}
	if len(others) > 0 {
		return programs{}, &VersionError{Dir: dir, Made: want, Found: others}
	}
	return programs{}, missing
}

// distinct leaves out folders that came before, under another name too. What does not exist stays, for others to find out.
func distinct(folders []string) []string {
	seen := make(map[string]bool)
	return slices.DeleteFunc(folders, func(folder string) bool {
		real, err := filepath.EvalSymlinks(folder)
		if err != nil {
			return false
		}
		again := seen[real]
		seen[real] = true
		return again
	})
}

var numbers = regexp.MustCompile(`\d+`)

// globbed expands patterns of folders, the matches of each by the numbers in their names, highest first.
func globbed(patterns []string) []string {
	var all []string
	for _, pattern := range patterns {
		matches, _ := filepath.Glob(pattern) // the only error is a malformed pattern
		slices.SortFunc(matches, func(a, b string) int { return slices.Compare(numbersIn(b), numbersIn(a)) })
		all = append(all, matches...)
	}
	return all
}

func numbersIn(s string) []int {
	var all []int
	for _, digits := range numbers.FindAllString(s, -1) {
		n, _ := strconv.Atoi(digits) // one too large is no version
		all = append(all, n)
	}
	return all
}

// programsIn looks for both programs in a folder, which must be absolute, and asks for their version.
func programsIn(ctx context.Context, folder string) (programs, error) {
	if !filepath.IsAbs(folder) {
		return programs{}, fmt.Errorf("look for programs in %q: %w", folder, os.ErrNotExist)
	}
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(folder, name)); err != nil {
			return programs{}, err
		}
	}
	out, err := exec.CommandContext(ctx, filepath.Join(folder, "postgres"), "--version").Output()
	if err != nil {
		return programs{}, fmt.Errorf("%s/postgres --version: %w", folder, err)
	}
	// Such as "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)", or 18beta1.
	_, version, _ := strings.Cut(string(out), ") ")
	major, err := strconv.Atoi(numbers.FindString(version))
	if err != nil {
		return programs{}, fmt.Errorf("%s/postgres --version: unexpected answer %.60q", folder, out)
	}
	return programs{dir: folder, version: major}, nil
}
