package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"gnucensus/probe"
	"gnucensus/servent/lab"
	"gnucensus/storage/storagetest"
)

// TestOwnLimitsAreNotTheHosts crawls with far fewer descriptors than connections to silent hosts take. The crawl says so and
// slows down, no host is taken for another kind for our sake, and who was not asked is asked when the crawl goes on.
func TestOwnLimitsAreNotTheHosts(t *testing.T) {
	t.Parallel()
	hosts := network(t, lab.Plan{Ultrapeers: 10, Leaves: 50, Firewalled: 0.8, Seed: 11})
	dsn := storagetest.DSN(t)
	db := open(t, dsn)
	const descriptors = "32"
	args := slices.Concat([]string{"-c", "ulimit -n " + descriptors + ` && exec "$0" "$@"`, os.Args[0]},
		seeded(hosts, dsn, "--methods", "tcp-crawl", "--query-via", "0"))
	r := startCommand(t, exec.Command("sh", args...)).end(t)
	for _, want := range []string{"this side is the limit, slowing down", "too many open files"} {
		if r.code != exitDone || !strings.Contains(r.stderr, want) {
			t.Errorf("exit %d, and nothing is said of %q: %s", r.code, want, r.stderr)
		}
	}
	check := func(ours probe.Outcome) {
		t.Helper()
		ended := map[string]probe.Outcome{}
		for _, row := range rows(t, db, `
			SELECT h.host, o.outcome FROM report.observation o JOIN report.host h USING (snapshot_id, endpoint_id)
			ORDER BY o.observation_id`) {
			ended[row[0].(string)] = probe.Outcome(row[1].(string))
		}
		for _, h := range hosts.Truth() {
			want := probe.Answered
			if h.Behaviour == lab.Firewalled {
				want = probe.ConnectTimeout
			}
			if outcome := ended[h.Addr.String()]; outcome != want && outcome != ours {
				t.Errorf("%s %v is %q, not %q", h.Behaviour, h.Addr, outcome, want)
			}
		}
	}
	check(probe.LocalLimit)
	s := decode[summary](t, must(t, "snapshot", "resume", "1", "--database", dsn, "--format", "json"))
	if s.State != "complete" || s.Visited != 60 {
		t.Errorf("after resume: %+v", s)
	}
	check("")
}
