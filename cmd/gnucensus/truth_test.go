package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/probe"
	"gnucensus/servent"
	"gnucensus/servent/lab"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// summary is what crawl --format json prints.
type summary struct {
	Snapshot       int64   `json:"snapshot"`
	State          string  `json:"state"`
	Heard          int     `json:"heard"`
	Visited        int     `json:"visited"`
	Reached        int     `json:"reached"`
	Ultrapeers     int     `json:"ultrapeers"`
	Leaves         int     `json:"leaves"`
	Edges          int     `json:"edges"`
	Rumours        int     `json:"rumours"`
	Queries        int     `json:"queries"`
	Hits           int     `json:"hits"`
	TookSeconds    float64 `json:"took_seconds"`
	HostsPerSecond float64 `json:"hosts_per_second"`
}

// TestCensusFindsTheTruth compares what a census says of a lab with what the lab is: no host missed, none invented.
func TestCensusFindsTheTruth(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			net := network(t, lab.Plan{Ultrapeers: 20, Leaves: 120, Slow: 0.02, Seed: seed})
			dsn := storagetest.DSN(t)
			args := seeded(net, dsn, "--queries", file(t, "beethoven"), "--query-via", "2", "--query-wait", "5s")
			s := decode[summary](t, must(t, args...))
			if s.State != "complete" || s.Heard != 140 || s.Visited != 140 || s.Reached != 140 ||
				s.Ultrapeers != 20 || s.Leaves != 120 {
				t.Errorf("summary: %+v", s)
			}
			if s.Queries != 2 || s.Hits == 0 {
				t.Errorf("%d queries gave %d hits", s.Queries, s.Hits)
			}
			compare(t, open(t, dsn), s.Snapshot, net.Truth())
			checkHits(t, open(t, dsn), s.Snapshot)
		})
	}
}

// TestEveryOutcomeIsTheOneThatThePlanGave lets hosts be dead, firewalled, full and ignorant.
func TestEveryOutcomeIsTheOneThatThePlanGave(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			net := network(t, lab.Plan{
				Ultrapeers: 30, Leaves: 100, Seed: seed,
				Dead: 0.2, Firewalled: 0.1, Full: 0.1, Unaware: 0.05, Slow: 0.05,
			})
			dsn := storagetest.DSN(t)
			s := decode[summary](t, must(t, seeded(net, dsn, "--query-via", "0")...))
			db := open(t, dsn)
			compare(t, db, s.Snapshot, net.Truth())
			compareOutcomes(t, db, s.Snapshot, net.Truth())
		})
	}
}

// TestHostsThatLeaveInMidCrawl: each answers the first question, and is gone when the next one comes. Nobody else is.
func TestHostsThatLeaveInMidCrawl(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 20, Leaves: 120, Leaving: 0.3, LeaveAfter: leaveAfter, Seed: 4})
	dsn := storagetest.DSN(t)
	s := decode[summary](t, must(t, seeded(net, dsn, "--query-via", "0")...))
	if s.State != "complete" || s.Visited != 140 {
		t.Errorf("summary: %+v", s)
	}
	compareOutcomes(t, open(t, dsn), s.Snapshot, net.Truth())
}

// compare holds hosts, roles, files and links to the truth.
func compare(t *testing.T, db *storage.DB, snapshot int64, truth []lab.Host) {
	t.Helper()
	type host struct {
		role  string
		files int64 // -1: not measured
	}
	want, links := map[string]host{}, []string{}
	riders := 0
	role := map[string]servent.Role{}
	for _, h := range truth {
		role[h.Addr.String()] = h.Role
	}
	for _, h := range truth {
		w := host{role: string(h.Role), files: int64(h.Files)}
		if h.Behaviour == lab.Dead || h.Behaviour == lab.Firewalled {
			w.files = -1
		} else if h.Files == 0 {
			riders++
		}
		want[h.Addr.String()] = w
		for _, other := range h.Links {
			kind := "peer"
			if role[h.Addr.String()] == servent.Leaf || role[other.String()] == servent.Leaf {
				kind = "leaf"
			}
			if h.Addr.Addr().Less(other.Addr()) {
				links = append(links, h.Addr.String()+" "+other.String()+" "+kind)
			}
		}
	}
	got := map[string]host{}
	for _, r := range rows(t, db, `
		SELECT host, COALESCE(role, ''), COALESCE(files, -1) FROM report.host
		WHERE snapshot_id = $1`, snapshot) {
		got[r[0].(string)] = host{r[1].(string), r[2].(int64)}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(host{})); diff != "" {
		t.Errorf("hosts (-truth +census):\n%s", diff)
	}
	var told []string
	for _, r := range rows(t, db, `
		SELECT a.host, b.host, e.kind FROM report.edge e
		JOIN report.host a ON a.snapshot_id = e.snapshot_id AND a.endpoint_id = e.a
		JOIN report.host b ON b.snapshot_id = e.snapshot_id AND b.endpoint_id = e.b
		WHERE e.snapshot_id = $1`, snapshot) {
		ends := []string{r[0].(string), r[1].(string)}
		slices.SortFunc(ends, compareAddrs)
		told = append(told, strings.Join(ends, " ")+" "+r[2].(string))
	}
	slices.Sort(links)
	slices.Sort(told)
	if diff := cmp.Diff(links, told); diff != "" {
		t.Errorf("links (-truth +census):\n%s", diff)
	}
	free := rows(t, db, `SELECT count(*) FROM report.host WHERE snapshot_id = $1 AND files = 0`, snapshot)
	if free[0][0] != int64(riders) {
		t.Errorf("%v free riders, the truth has %d", free[0][0], riders)
	}
}

func compareAddrs(a, b string) int {
	x, _ := parseSeed(a)
	y, _ := parseSeed(b)
	return x.Addr.Addr().Compare(y.Addr.Addr())
}

// expected are the outcomes that methods must have with hosts that behave in some way.
var expected = map[lab.Behaviour]map[probe.Method]probe.Outcome{
	lab.Normal:     {probe.UDPPing: probe.Answered, probe.UDPCrawl: probe.Answered},
	lab.Slow:       {probe.UDPPing: probe.Answered, probe.UDPCrawl: probe.Answered},
	lab.Dead:       {probe.UDPPing: probe.Silent, probe.TCPCrawl: probe.ConnectionRefused},
	lab.Firewalled: {probe.UDPPing: probe.Silent, probe.TCPCrawl: probe.ConnectTimeout},
	lab.Full:       {probe.UDPPing: probe.Answered, probe.TCPCrawl: probe.Refused},
	lab.Unaware:    {probe.TCPCrawl: probe.Unsupported},
	lab.Leaving: {
		probe.UDPPing: probe.Answered, probe.UDPCrawl: probe.Silent, probe.TCPCrawl: probe.ConnectionRefused,
	},
}

func compareOutcomes(t *testing.T, db *storage.DB, snapshot int64, truth []lab.Host) {
	t.Helper()
	got := map[string]map[probe.Method]probe.Outcome{}
	for _, r := range rows(t, db, `
		SELECT h.host, o.method, o.outcome FROM report.observation o
		JOIN report.host h USING (snapshot_id, endpoint_id)
		WHERE o.snapshot_id = $1`, snapshot) {
		host := r[0].(string)
		if got[host] == nil {
			got[host] = map[probe.Method]probe.Outcome{}
		}
		got[host][probe.Method(r[1].(string))] = probe.Outcome(r[2].(string))
	}
	for _, h := range truth {
		for method, want := range expected[h.Behaviour] {
			if outcome := got[h.Addr.String()][method]; outcome != want {
				t.Errorf("%s %s (%s): %s was %q, not %q", h.Behaviour, h.Role, h.Addr, method, outcome, want)
			}
		}
	}
}

// checkHits looks for hits that cannot be.
func checkHits(t *testing.T, db *storage.DB, snapshot int64) {
	t.Helper()
	for _, r := range rows(t, db, `
		SELECT words, via, outcome FROM report.query WHERE snapshot_id = $1 AND outcome <> 'answered'`, snapshot) {
		t.Errorf("query %v through %v: %v", r[0], r[1], r[2])
	}
	for _, r := range rows(t, db, `
		SELECT h.responder, h.hops, h.delay_ms, h.results FROM report.hit h
		LEFT JOIN report.host s ON s.snapshot_id = h.snapshot_id AND s.endpoint_id = h.endpoint_id
		WHERE h.snapshot_id = $1
			AND (h.hops < 1 OR h.results < 1 OR h.delay_ms < 0 OR s.files IS NOT DISTINCT FROM 0)`, snapshot) {
		t.Errorf("a hit that cannot be: %v", r)
	}
}
