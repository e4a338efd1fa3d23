package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/lab"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// slowly paces a crawl of a lab of 300 hosts so that it lasts for some batches, without queries.
var slowly = []string{"--rate", "40", "--query-via", "0"}

// TestKilledCrawlerResumes kills the crawler in the middle. What it had committed stays, and a resumed crawl ends with the
// hosts of one that nobody killed, without a conversation that was held twice.
func TestKilledCrawlerResumes(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 30, Leaves: 270, Seed: 1})
	dsn := storagetest.DSN(t)
	crawler := start(t, seeded(net, dsn, slowly...)...)
	before := awaitVisits(t, dsn, 50)
	if err := crawler.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	crawler.end(t)

	db := open(t, dsn)
	list := decode[[]snapshotLine](t, must(t, "snapshot", "list", "--database", dsn, "--format", "json"))
	if list[0].State != storage.StateKilled {
		t.Errorf("the killed crawl is %s", list[0].State)
	}
	s := decode[summary](t, must(t, "snapshot", "resume", "1", "--database", dsn, "--format", "json"))
	checkResumed(t, db, s, net, before)
}

// TestInterruptedCrawlerResumes stops the crawler by Ctrl-C: it says how to go on, and that works.
func TestInterruptedCrawlerResumes(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 30, Leaves: 270, Seed: 2})
	dsn := storagetest.DSN(t)
	crawler := start(t, seeded(net, dsn, slowly...)...)
	before := awaitVisits(t, dsn, 50)
	if err := crawler.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	r := crawler.end(t)
	if r.code != exitInterrupted || !strings.Contains(r.stderr, "gnucensus snapshot resume 1") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	if s := decode[summary](t, r.stdout); s.State != "interrupted" || s.Visited < before {
		t.Errorf("summary of the interrupted crawl: %+v", s)
	}
	s := decode[summary](t, must(t, "snapshot", "resume", "1", "--database", dsn, "--format", "json"))
	checkResumed(t, open(t, dsn), s, net, before)
}

// TestCrawlOutlivesItsReader has nobody read what a crawl says, as when it is piped into a program that ends. It goes on to its
// bound, and so does the run that resumes it.
func TestCrawlOutlivesItsReader(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 10, Leaves: 40, Seed: 8})
	dsn := storagetest.DSN(t)
	for _, test := range []struct {
		args  []string
		state string
	}{
		{seeded(net, dsn, "--max-hosts", "30", "--query-via", "0"), "interrupted"},
		{[]string{"snapshot", "resume", "1", "--database", dsn, "--format", "json"}, "complete"},
	} {
		reader, writer, err := os.Pipe()
		if err == nil {
			err = reader.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		defer writer.Close()
		command := exec.Command(os.Args[0], test.args...)
		command.Env = append(os.Environ(), runAsProgram+"=1")
		command.Stderr = writer
		printed, err := command.Output()
		if err != nil {
			t.Fatalf("%s: %v", test.args[0], err)
		}
		if s := decode[summary](t, string(printed)); s.State != test.state {
			t.Errorf("%s: %+v", test.args[0], s)
		}
	}
}

// TestKilledDatabaseEndsImpatientCrawl kills the private PostgreSQL in the middle of a crawl that does not wait for it.
func TestKilledDatabaseEndsImpatientCrawl(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 30, Leaves: 270, Seed: 3})
	server := privateServer(t)
	args := []string{"--data", server.data, "--seed", net.Seeds()[0].String(), "--database-patience", "0s"}
	crawler := start(t, slowCrawl(args...)...)
	before := awaitVisits(t, server.dsn, 50)
	server.kill(t)
	r := crawler.end(t)
	if r.code != exitFailed || !strings.Contains(r.stderr, "gnucensus snapshot resume 1") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	s := decode[summary](t, must(t, "snapshot", "resume", "1", "--data", server.data, "--format", "json"))
	must(t, "db", "url", "--data", server.data) // it stays up for a look
	checkResumed(t, open(t, server.dsn), s, net, before)
}

// TestCrawlOutlivesItsDatabase kills the private PostgreSQL in the middle of a crawl, which starts it again.
func TestCrawlOutlivesItsDatabase(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 30, Leaves: 270, Seed: 4})
	server := privateServer(t)
	crawler := start(t, slowCrawl("--data", server.data, "--seed", net.Seeds()[0].String())...)
	before := awaitVisits(t, server.dsn, 50)
	server.kill(t)
	r := crawler.end(t)
	if r.code != exitDone || !strings.Contains(r.stderr, "the database is back") {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	must(t, "db", "url", "--data", server.data) // it stays up for a look
	checkResumed(t, open(t, server.dsn), decode[summary](t, r.stdout), net, before)
	if left := spooled(server.data); len(left) > 0 {
		t.Errorf("on disk: %v", left)
	}
}

// TestCrawlGoesOnWithoutDatabase takes a database away until the crawl has written to disk, and gives it back.
func TestCrawlGoesOnWithoutDatabase(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 30, Leaves: 270, Seed: 5})
	server, data := privateServer(t), dataDir(t)
	args := []string{"--database", server.dsn, "--data", data, "--seed", net.Seeds()[0].String()}
	crawler := start(t, slowCrawl(args...)...)
	before := awaitVisits(t, server.dsn, 50)
	server.kill(t)
	eventually(t, "nothing was kept on disk", func() bool { return len(spooled(data)) > 0 })
	must(t, "db", "url", "--data", server.data)
	r := crawler.end(t)
	if r.code != exitDone {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	checkResumed(t, open(t, server.dsn), decode[summary](t, r.stdout), net, before)
	if left := spooled(data); len(left) > 0 {
		t.Errorf("on disk: %v", left)
	}
}

// TestLossOfPower kills the database and then, when it has written to disk, the crawler, in the middle of the writing of a
// batch: what is whole on disk is stored when the crawl is resumed.
func TestLossOfPower(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 30, Leaves: 270, Seed: 6})
	server, data := privateServer(t), dataDir(t)
	flags := []string{"--database", server.dsn, "--data", data}
	crawler := start(t, slowCrawl(append(flags, "--seed", net.Seeds()[0].String())...)...)
	before := awaitVisits(t, server.dsn, 50)
	server.kill(t)
	eventually(t, "nothing was kept on disk", func() bool { return len(spooled(data)) > 0 })
	if err := crawler.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	crawler.end(t)
	file := spooled(data)[0]
	whole, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, append(whole, whole[len(whole)-200:]...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	must(t, "db", "url", "--data", server.data)
	r := run(t, append([]string{"snapshot", "resume", "1", "--format", "json"}, flags...)...)
	if r.code != exitDone || !strings.Contains(r.stderr, "observations that waited in "+file) {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	checkResumed(t, open(t, server.dsn), decode[summary](t, r.stdout), net, before)
	if left := spooled(data); len(left) > 0 {
		t.Errorf("on disk: %v", left)
	}
}

// A server is a private server that runs until the test ends.
type server struct {
	data, dsn string
	process   int
}

func privateServer(t *testing.T) server {
	t.Helper()
	data := dataDir(t)
	dsn := strings.TrimSpace(must(t, "db", "url", "--data", data))
	t.Cleanup(func() {
		if r := run(t, "db", "stop", "--data", data); r.code != exitDone {
			t.Error(r.stderr)
		}
	})
	status := decode[struct{ Process int }](t, must(t, "db", "status", "--data", data, "--format", "json"))
	return server{data, dsn, status.Process}
}

// kill kills the server.
func (s server) kill(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(s.process, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// slowCrawl is the command line of a crawl that lasts for some batches.
func slowCrawl(flags ...string) []string {
	return slices.Concat([]string{"crawl", "--scope", "lab", "--format", "json"}, slowly, flags)
}

// spooled lists the files of crawls whose database is away, those with something in them.
func spooled(data string) []string {
	files, _ := filepath.Glob(filepath.Join(data, "spool", "*")) // the pattern is a good one
	return slices.DeleteFunc(files, func(name string) bool {
		info, err := os.Stat(name)
		return err != nil || info.Size() < 1000
	})
}

// snapshotLine is what snapshot list --format json prints of one.
type snapshotLine struct {
	Snapshot int64
	State    storage.State
}

// awaitVisits waits until some visits of snapshot 1 are committed, and returns how many were found.
func awaitVisits(t *testing.T, dsn string, least int64) int {
	t.Helper()
	var db *storage.DB
	var visits int64
	eventually(t, "less than "+strconv.FormatInt(least, 10)+" visits were committed", func() bool {
		if db == nil {
			db, _ = storage.Open(t.Context(), dsn) // it may be migrated just now
			return false
		}
		found, err := db.Select(t.Context(), `SELECT count(DISTINCT endpoint_id) FROM observation WHERE snapshot_id = 1`)
		if err == nil {
			visits = found.Values[0][0].(int64)
		}
		return visits >= least
	})
	db.Close()
	return int(visits)
}

// checkResumed looks whether a snapshot that was cut in two is as good as one in one piece.
func checkResumed(t *testing.T, db *storage.DB, s summary, net *lab.Net, before int) {
	t.Helper()
	hosts := len(net.Truth())
	if before >= hosts {
		t.Fatalf("all %d hosts were visited before the end: nothing was left to resume", hosts)
	}
	if s.State != "complete" || s.Heard != hosts || s.Visited != hosts {
		t.Errorf("summary of the resumed crawl: %+v", s)
	}
	compare(t, db, s.Snapshot, net.Truth())
	twice := rows(t, db, `
		SELECT endpoint_id, method, count(*) FROM observation
		WHERE snapshot_id = $1 AND outcome <> 'silent' GROUP BY 1, 2 HAVING count(*) > 1`, s.Snapshot)
	if diff := cmp.Diff([][]any(nil), twice); diff != "" {
		t.Errorf("conversations held twice:\n%s", diff)
	}
}
