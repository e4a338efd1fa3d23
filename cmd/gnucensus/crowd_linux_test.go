package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/probe"
	"gnucensus/servent/lab"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// crowdOutcomes are how the crawl handshake must end with hosts that behave in some way.
var crowdOutcomes = map[lab.Behaviour]probe.Outcome{
	lab.Normal: probe.Answered, lab.Trimming: probe.Answered, lab.Lying: probe.Answered,
	lab.Dead: probe.ConnectionRefused, lab.Silent: probe.ConnectTimeout,
}

// A truth is what lab --truth says of hosts and links.
type truth struct {
	behaviour map[string]lab.Behaviour
	links     []string // both ends, the lower address first
}

func readTruth(t *testing.T, file string) truth {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	told := truth{behaviour: map[string]lab.Behaviour{}}
	for _, line := range lines[1:] {
		addr := line[0]
		told.behaviour[addr] = lab.Behaviour(line[2])
		for other := range strings.FieldsSeq(line[6]) {
			if compareAddrs(addr, other) < 0 {
				told.links = append(told.links, addr+" "+other)
			}
		}
	}
	slices.Sort(told.links)
	return told
}

// TestCensusOfACrowd compares what a census by TCP says of a crowd with hosts of all kinds with what the crowd is. What liars
// invent adds hosts that nobody met, and takes nothing from the others.
func TestCensusOfACrowd(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "truth.csv")
	c := newCrowd(t, 2000, "--dead", "0.1", "--silent", "0.05", "--trimming", "0.02", "--lying", "0.05", "--truth", file)
	told := readTruth(t, file)
	dsn := storagetest.DSN(t)
	must(t, "crawl", "--scope", "lab", "--seed", c.first.String(), "--methods", "tcp-crawl", "--query-via", "0", "--database", dsn)
	db := open(t, dsn)
	compareCrowd(t, db, told)
	var links []string
	for _, r := range rows(t, db, `
		SELECT a.host, b.host FROM report.edge e
		JOIN report.host a ON a.snapshot_id = e.snapshot_id AND a.endpoint_id = e.a
		JOIN report.host b ON b.snapshot_id = e.snapshot_id AND b.endpoint_id = e.b`) {
		ends := []string{r[0].(string), r[1].(string)}
		if told.behaviour[ends[0]] != "" && told.behaviour[ends[1]] != "" {
			slices.SortFunc(ends, compareAddrs)
			links = append(links, strings.Join(ends, " "))
		}
	}
	slices.Sort(links)
	if diff := cmp.Diff(told.links, links); diff != "" {
		t.Errorf("links (-truth +census):\n%s", diff)
	}
}

// compareCrowd compares how each visit ended, and which lists are known to be trimmed.
func compareCrowd(t *testing.T, db *storage.DB, told truth) {
	t.Helper()
	met, invented := map[lab.Behaviour]int{}, map[probe.Outcome]int{}
	for _, r := range rows(t, db, `
		SELECT h.host, o.outcome, coalesce(o.fields ? 'trimmed', false) FROM observation o
		JOIN report.host h USING (snapshot_id, endpoint_id)`) {
		host, outcome, trimmed := r[0].(string), probe.Outcome(r[1].(string)), r[2].(bool)
		behaviour, real := told.behaviour[host]
		if !real {
			invented[outcome]++
			continue
		}
		met[behaviour]++
		if want := crowdOutcomes[behaviour]; outcome != want {
			t.Errorf("%s %s was %q, not %q", behaviour, host, outcome, want)
		}
		if trimmed != (behaviour == lab.Trimming) {
			t.Errorf("%s %s: known to be trimmed: %v", behaviour, host, trimmed)
		}
	}
	want := map[lab.Behaviour]int{}
	for _, behaviour := range told.behaviour {
		want[behaviour]++
	}
	if diff := cmp.Diff(want, met); diff != "" || len(met) != len(crowdOutcomes) {
		t.Errorf("hosts visited (-truth +census):\n%s", diff)
	}
	for outcome := range invented {
		if outcome != probe.ConnectionRefused && outcome != probe.OutOfScope {
			t.Errorf("%d invented hosts were %s", invented[outcome], outcome)
		}
	}
	if len(invented) != 2 {
		t.Errorf("invented hosts: %v", invented)
	}
}
