package reports_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/probe"
	"gnucensus/reports"
)

// A host has a degree when it listed its links, be it none, or when somebody told of one. Else its degree is not known.
func TestDegreesThatNobodyTold(t *testing.T) {
	t.Parallel()
	db := database(t)
	lonely := talk(2, probe.TCPCrawl, probe.Answered, 0)
	lonely.Role = probe.LeafRole
	lister := talk(3, probe.UDPCrawl, probe.Answered, 0)
	lister.Role = probe.Ultrapeer
	lister.Peers = append(peers(probe.PeerLink, 4, 5), peers(probe.XTry, 6)...)
	pinged := talk(7, probe.UDPPing, probe.Answered, 0)
	pinged.Role = probe.Ultrapeer
	refused := talk(8, probe.TCPCrawl, probe.Refused, 0)
	refused.Role = probe.LeafRole
	snapshot := record(t, db, true,
		lonely, lister, pinged, refused, talk(1, probe.TCPCrawl, probe.ConnectTimeout, 0), talk(5, probe.UDPPing, probe.Silent, 0))

	const degrees = `
		SELECT h.host, d.visited, d.degree, d.peers, d.leaves
		FROM report.degree d JOIN report.host h USING (snapshot_id, endpoint_id)
		WHERE snapshot_id = $1 ORDER BY h.host`
	want := [][]any{
		{endpoint(1).String(), true, nil, nil, nil},                // dead
		{endpoint(2).String(), true, int64(0), int64(0), int64(0)}, // says that it has none
		{endpoint(3).String(), true, int64(2), int64(2), int64(0)},
		{endpoint(4).String(), false, int64(1), int64(1), nil}, // by the word of 3, who does not speak of its leaves
		{endpoint(5).String(), true, int64(1), int64(1), nil},  // likewise, though it was visited
		{endpoint(6).String(), false, nil, nil, nil},           // a rumour
		{endpoint(7).String(), true, nil, nil, nil},            // was not asked
		{endpoint(8).String(), true, nil, nil, nil},            // did not tell
	}
	for _, of := range []string{"derived", "kept"} {
		rows, err := db.Select(t.Context(), degrees, snapshot)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, rows.Values); diff != "" {
			t.Errorf("degrees, %s (-want +got):\n%s", of, diff)
		}
		if err := reports.Keep(t.Context(), db, snapshot, version); err != nil {
			t.Fatal(err)
		}
	}

	topology := run(t, db, "topology", snapshot)
	for _, row := range [][]any{ // visited, only heard of, all
		{"links per host", "mean", 1.0, 1.0, 1.0},
		{"links per host", "median", 1.0, 1.0, 1.0},
		{"links per host", "not told", 3.0, 1.0, 4.0},
		{"links per host", "0", 1.0, 0.0, 1.0},
		{"links per host", "1", 1.0, 1.0, 2.0},
		{"peers per ultrapeer", "not told", 1.0, 0.0, 1.0},
		{"leaves per ultrapeer", "mean", 0.0, nil, 0.0},
		{"leaves per ultrapeer", "not told", 2.0, 1.0, 3.0},
		{"ultrapeers per leaf", "mean", 0.0, nil, 0.0},
		{"ultrapeers per leaf", "not told", 1.0, 0.0, 1.0},
		{"degrees", "Gini coefficient", 4.0 / 9, 0.0, 3.0 / 8},
		{"clustering", "mean, all hosts", 0.0, nil, 0.0},
	} {
		of, figure := row[0].(string), row[1].(string)
		var got []any
		for _, column := range []string{"visited", "only_heard_of", "all"} {
			got = append(got, value(t, topology, column, of, figure))
		}
		if diff := cmp.Diff(row[2:], got, rounded); diff != "" {
			t.Errorf("%s, %s (-want +got):\n%s", of, figure, diff)
		}
	}
	if got := value(t, run(t, db, "random", snapshot), "random", "Gini coefficient of degrees"); got != 3.0/8 {
		t.Errorf("two links among the four hosts of known degree, at random: Gini coefficient %v", got)
	}
	for _, row := range run(t, db, "degrees", snapshot).Rows[:2] {
		want := []any{"links per host", nil, int64(3), nil, int64(1), nil, int64(4), nil}
		if row[1] != nil {
			want = []any{"links per host", int64(0), int64(1), 100.0, int64(0), 100.0, int64(1), 100.0}
		}
		if diff := cmp.Diff(want, row); diff != "" {
			t.Errorf("report degrees (-want +got):\n%s", diff)
		}
	}
}

// Hosts that were only asked for their files have no degree, and the reports say so.
func TestNobodyWasAskedForLinks(t *testing.T) {
	t.Parallel()
	db := database(t)
	snapshot := record(t, db, true, shares(1, 0, 0), shares(2, 5, 5), talk(3, probe.UDPPing, probe.Silent, 0))
	topology := run(t, db, "topology", snapshot)
	for figure, want := range map[string]any{"mean": nil, "median": nil, "largest": nil, "not told": 3.0} {
		if got := value(t, topology, "visited", "links per host", figure); got != want {
			t.Errorf("links per host, %s: %v, want %v", figure, got, want)
		}
	}
	if got := value(t, topology, "all", "degrees", "Gini coefficient"); got != nil {
		t.Errorf("Gini coefficient of no degrees: %v", got)
	}
	want := [][]any{{"links per host", nil, int64(3), nil, int64(0), nil, int64(3), nil}}
	if diff := cmp.Diff(want, run(t, db, "degrees", snapshot).Rows); diff != "" {
		t.Errorf("report degrees (-want +got):\n%s", diff)
	}
}
