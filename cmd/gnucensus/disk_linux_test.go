package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gnucensus/servent/lab"
	"gnucensus/storage/smalldisk"
)

// TestNoRoomForADatabase: what initdb says keeps its lines, and the advice comes last.
func TestNoRoomForADatabase(t *testing.T) {
	t.Parallel()
	data := filepath.Join(smalldisk.Mount(t, "20m"), "data")
	r := run(t, "db", "migrate", "--data", data)
	want := regexp.MustCompile(`\Agnucensus: make a database in ` + data + `: .*no space left on device\n` +
		`(    .*\n)*    initdb: .*\n(    .*\n)*  Make room on ` + data + `\.\n\z`)
	if r.code != exitFailed || !want.MatchString(r.stderr) {
		t.Errorf("exit %d:\n%s", r.code, r.stderr)
	}
}

// TestCrawlRunsOutOfDisk fills the disk of database and spool in the middle of a crawl: the crawl ends when its patience
// does, says why and where to make room, and goes on when there is some.
func TestCrawlRunsOutOfDisk(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 30, Leaves: 270, Seed: 7})
	disk := smalldisk.Mount(t, "120m")
	data := filepath.Join(disk, "data")
	dsn := strings.TrimSpace(must(t, "db", "url", "--data", data))
	t.Cleanup(func() { run(t, "db", "stop", "--data", data) })
	args := []string{"--data", data, "--seed", net.Seeds()[0].String(), "--database-patience", "2s"}
	crawler := start(t, slowCrawl(args...)...)
	before := awaitVisits(t, dsn, 50)
	smalldisk.Fill(t, disk)
	r := crawler.end(t)
	for _, said := range []string{
		"the database did not come back", "no room is left on the disk of the database", "gnucensus snapshot resume 1",
		"\n  Make room on " + data + ".\n",
	} {
		if r.code != exitFailed || !strings.Contains(r.stderr, said) {
			t.Errorf("exit %d, without %q:\n%s", r.code, said, r.stderr)
		}
	}
	var edges []string
	for n := range 10_000 {
		edges = append(edges, fmt.Sprintf("%d\t%d", n, n+1))
	}
	r = run(t, "import", "edges", file(t, edges...), "--database", dsn) // whose disk that is, we cannot know
	if r.code != exitFailed || !strings.HasSuffix(r.stderr, "\n  Make room on the disk of the database server.\n") {
		t.Errorf("import: exit %d: %s", r.code, r.stderr)
	}
	if err := os.Remove(filepath.Join(disk, smalldisk.Ballast)); err != nil {
		t.Fatal(err)
	}
	s := decode[summary](t, must(t, "snapshot", "resume", "1", "--data", data, "--format", "json"))
	checkResumed(t, open(t, dsn), s, net, before)
}

// TestNoRoomForFiles: the advice names the folder of the file, and standard output as what it is.
func TestNoRoomForFiles(t *testing.T) {
	t.Parallel()
	disk := smalldisk.Mount(t, "4k")
	smalldisk.Fill(t, disk)
	r := run(t, "lab", "--ultrapeers", "200", "--truth", filepath.Join(disk, smalldisk.Ballast))
	if r.code != exitFailed || !strings.HasSuffix(r.stderr, "\n  Make room on "+disk+".\n") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	help := exec.Command(os.Args[0], "db", "status", "--data", "/nonexistent")
	help.Env = append(os.Environ(), runAsProgram+"=1")
	var said strings.Builder
	help.Stdout, help.Stderr = full, &said
	if err := help.Run(); err == nil || !strings.HasSuffix(said.String(), "\n  Make room where standard output goes.\n") {
		t.Errorf("%v: %s", err, said.String())
	}
}
