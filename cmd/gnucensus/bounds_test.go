package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/lab"
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

// TestQueriesAreAskedOnce resumes a crawl that is complete: no query is asked again, unless there is a new one to ask.
func TestQueriesAreAskedOnce(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 10, Leaves: 40, Seed: 6, Full: 0.2})
	dsn := storagetest.DSN(t)
	args := seeded(net, dsn, "--queries", file(t, "beethoven", "linux"), "--query-via", "3", "--query-wait", "100ms")
	first := decode[summary](t, must(t, args...))
	again := decode[summary](t, must(t, "snapshot", "resume", "1", "--database", dsn, "--format", "json"))
	if first.Queries != 6 || again.Queries != 6 || again.State != "complete" {
		t.Errorf("%d queries, after resume %d", first.Queries, again.Queries)
	}
	spread := rows(t, open(t, dsn), `
		SELECT words, count(DISTINCT via) FROM report.query
		WHERE outcome = 'answered' GROUP BY words ORDER BY words`)
	if diff := cmp.Diff([][]any{{"beethoven", int64(3)}, {"linux", int64(3)}}, spread); diff != "" {
		t.Errorf("ultrapeers asked through:\n%s", diff)
	}
}
