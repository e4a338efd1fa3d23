package main

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/probe"
	"gnucensus/servent/lab"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// TestBoundsOfACrawl stops a crawl by --max-hosts: the snapshot is not complete, and resume takes as many again.
func TestBoundsOfACrawl(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 10, Leaves: 40, Seed: 4})
	dsn := storagetest.DSN(t)
	r := run(t, seeded(net, dsn, "--max-hosts", "30", "--query-via", "0")...)
	first := decode[summary](t, r.stdout)
	if r.code != exitDone || first.State != "interrupted" || first.Visited != 30 ||
		!strings.Contains(r.stderr, "gnucensus snapshot resume 1") {
		t.Errorf("exit %d, %+v: %s", r.code, first, r.stderr)
	}
	again := decode[summary](t, must(t, "snapshot", "resume", "1", "--database", dsn, "--format", "json"))
	if again.State != "complete" || again.Visited != 50 {
		t.Errorf("after resume: %+v", again)
	}
	short := decode[summary](t, must(t, seeded(net, dsn, "--duration", "1ns", "--query-via", "0")...))
	if short.State != "interrupted" || short.Visited != 0 {
		t.Errorf("a crawl of one nanosecond: %+v", short)
	}
}

// TestRateIsOfTheHostsVisited runs a crawl three times over, with a seed that is excluded: the rate of each run is of the hosts
// that it visited, and the lines of progress count those of all runs, as the summary does.
func TestRateIsOfTheHostsVisited(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 10, Leaves: 40, Seed: 6})
	dsn, excluded := storagetest.DSN(t), file(t, "127.92.0.0/24")
	first := seeded(net, dsn, "--seed", "127.92.0.1:6346", "--exclude", excluded, "--max-hosts", "31", "--query-via", "0")
	resume := []string{"snapshot", "resume", "1", "--database", dsn, "--format", "json"}
	before := summary{}
	for i, test := range []struct {
		args []string
		ends []string // of the last line of progress
	}{
		{first, []string{"visited 30 reached 30 in flight 0", "visited 31 reached 31 in flight 0"}},
		{resume, []string{" visited 50 reached 50 in flight 0 left 0s"}},
		{resume, []string{"it stays as it is"}},
	} {
		r := run(t, test.args...)
		s := decode[summary](t, r.stdout)
		if got := s.HostsPerSecond * s.TookSeconds; math.Abs(got-float64(s.Visited-before.Visited)) > 1e-6 {
			t.Errorf("run %d: %v hosts in %v s, and visited %d after %d", i, got, s.TookSeconds, s.Visited, before.Visited)
		}
		if !slices.ContainsFunc(test.ends, func(end string) bool { return strings.Contains(r.stderr, end) }) {
			t.Errorf("run %d said:\n%s", i, r.stderr)
		}
		before = s
	}
	if before.State != "complete" || before.Heard != 51 || before.Visited != 50 {
		t.Errorf("in the end: %+v", before)
	}
}

// TestOnlyPendingQueriesAreAnnounced: a crawl tells how much it asks, which is nothing the second time and where nobody was met.
func TestOnlyPendingQueriesAreAnnounced(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 6, Leaves: 10, Seed: 7})
	dsn, queries := storagetest.DSN(t), file(t, "free music", "linux iso", "songs")
	asking := []string{"--queries", queries, "--query-via", "2", "--query-wait", "100ms"}
	r := run(t, seeded(net, dsn, asking...)...)
	if s := decode[summary](t, r.stdout); !strings.Contains(r.stderr, "asking 3 queries through 2 ultrapeers\n") || s.Queries != 6 {
		t.Errorf("the crawl asked %d queries, and said:\n%s", s.Queries, r.stderr)
	}
	r = run(t, "snapshot", "resume", "1", "--database", dsn, "--format", "json")
	if s := decode[summary](t, r.stdout); strings.Contains(r.stderr, "ask") || s.Queries != 6 {
		t.Errorf("resumed, it has asked %d queries, and said:\n%s", s.Queries, r.stderr)
	}
	r = run(t, append([]string{"crawl", "--scope", "lab", "--database", dsn, "--seed", nobody}, asking...)...)
	if !strings.Contains(r.stderr, "asks no query: no ultrapeer answered\n") {
		t.Errorf("where nobody was met it said:\n%s", r.stderr)
	}
}

// TestExcludedHostsAreNotVisited keeps a range out. Its hosts are heard of, and that is all.
func TestExcludedHostsAreNotVisited(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 10, Leaves: 40, Seed: 5})
	dsn := storagetest.DSN(t)
	keepOut := net.Truth()[49].Addr.Addr().String()
	s := decode[summary](t, must(t, seeded(net, dsn, "--exclude", file(t, keepOut+"/32 # asked to"), "--query-via", "0")...))
	if s.State != "complete" || s.Heard != 50 || s.Visited != 49 {
		t.Errorf("summary: %+v", s)
	}
	got := rows(t, open(t, dsn), `SELECT host, outcome FROM report.host WHERE NOT visited`)
	if diff := cmp.Diff([][]any{{keepOut + ":6346", "out-of-scope"}}, got); diff != "" {
		t.Errorf("hosts that were not visited:\n%s", diff)
	}
}

// TestSeedsThatMayNotBeVisited begins with one among others, which the crawl tells. Where there are no others, as when they opted
// out after it began, it says in the end that nobody was visited.
func TestSeedsThatMayNotBeVisited(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 4, Leaves: 4, Seed: 9})
	dsn := storagetest.DSN(t)
	r := run(t, seeded(net, dsn, "--seed", "127.95.0.1:6346", "--exclude", file(t, "127.95.0.0/24"), "--query-via", "0")...)
	said := fmt.Sprintf("1 of %d seeds may not be visited: 127.95.0.1:6346 is out of scope: excluded by ", len(net.Seeds())+1)
	if s := decode[summary](t, r.stdout); s.State != "complete" || s.Visited != 8 || !strings.Contains(r.stderr, said) {
		t.Errorf("%+v: %s", s, r.stderr)
	}
	db := open(t, dsn)
	infos, err := db.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	killed, err := db.Begin(t.Context(), storage.Meta{Network: "gnutella", Configuration: infos[0].Configuration})
	if err != nil {
		t.Fatal(err)
	}
	barred := probe.Endpoint{Network: probe.Gnutella, Addr: netip.MustParseAddrPort("127.95.0.1:6346")}
	err = killed.Hear(t.Context(), []probe.Endpoint{barred})
	killed.Close()
	if err != nil {
		t.Fatal(err)
	}
	r = run(t, "snapshot", "resume", "2", "--database", dsn)
	if r.code != exitFailed || !strings.Contains(r.stderr, "no host was visited") || !strings.Contains(r.stderr, refusalHint) {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

// TestResumeOfWhatIsComplete resumes a crawl that is complete: no query is asked again, and the snapshot stays as it is, unless
// there is something left to ask.
func TestResumeOfWhatIsComplete(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 10, Leaves: 40, Seed: 6, Full: 0.2})
	dsn := storagetest.DSN(t)
	args := seeded(net, dsn, "--queries", file(t, "beethoven", "linux"), "--query-via", "3", "--query-wait", "100ms")
	first := decode[summary](t, must(t, args...))
	db := open(t, dsn)
	state := func() [][]any { return rows(t, db, "SELECT state, started, ended, observations FROM snapshot") }
	before := state()
	r := run(t, "snapshot", "resume", "1", "--database", dsn, "--format", "json")
	again := decode[summary](t, r.stdout)
	if r.code != exitDone || strings.Contains(r.stderr, "goes on") || !strings.Contains(r.stderr, "it stays as it is") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	if diff := cmp.Diff(before, state()); diff != "" {
		t.Errorf("the snapshot changed:\n%s", diff)
	}
	first.TookSeconds, first.HostsPerSecond = 0, 0 // of the run
	if diff := cmp.Diff(first, again); diff != "" || first.Queries != 6 || first.State != "complete" {
		t.Errorf("summary:\n%s", diff)
	}
	spread := rows(t, db, `
		SELECT words, count(DISTINCT via) FROM report.query
		WHERE outcome = 'answered' GROUP BY words ORDER BY words`)
	if diff := cmp.Diff([][]any{{"beethoven", int64(3)}, {"linux", int64(3)}}, spread); diff != "" {
		t.Errorf("ultrapeers asked through:\n%s", diff)
	}
	complete := storage.SnapshotInfo{ID: 1, State: storage.StateComplete}
	for _, test := range []struct {
		settings
		want bool
	}{
		{settings{QueryVia: 3, Queries: []string{"linux", "beethoven"}}, true},
		{settings{QueryVia: 3, Queries: []string{"linux", "mozart"}}, false},
		{settings{QueryVia: 4, Queries: []string{"linux"}}, false},
		{settings{QueryVia: 0, Queries: []string{"mozart"}}, true},
	} {
		over, err := test.over(t.Context(), db, complete)
		if err != nil || over != test.want {
			t.Errorf("error %v, %d queries through %d: nothing is left: %t", err, len(test.Queries), test.QueryVia, over)
		}
	}
}
