package reports_test

import (
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"gnucensus/probe"
	"gnucensus/reports"
	"gnucensus/storage"
)

// rounded lets figures differ in the last digits.
var rounded = cmpopts.EquateApprox(0, 1e-6)

// The views that read kept hosts where there are some, and derive them where not.
var keptViews = []string{
	"SELECT * FROM report.visit WHERE snapshot_id = $1 ORDER BY endpoint_id",
	"SELECT * FROM report.host WHERE snapshot_id = $1 ORDER BY endpoint_id",
	"SELECT * FROM report.degree WHERE snapshot_id = $1 ORDER BY endpoint_id",
	"SELECT * FROM report.coverage WHERE snapshot_id = $1",
}

func views(t testing.TB, db *storage.DB, snapshot int64) (all [][][]any) {
	t.Helper()
	for _, statement := range keptViews {
		rows, err := db.Select(t.Context(), statement, snapshot)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rows.Values)
	}
	return all
}

// aConversation may contradict every other: a host can call itself leaf and ultrapeer, list itself, and be listed as both.
func aConversation(t *rapid.T) probe.Observation {
	methods := []probe.Method{probe.TCPCrawl, probe.Leaf, probe.UDPPing, probe.UDPCrawl, probe.Query, probe.Import}
	outcomes := []probe.Outcome{probe.Answered, probe.Refused, probe.Timeout, probe.ConnectTimeout, probe.Silent, probe.Cancelled}
	o := talk(aHost(t), rapid.SampledFrom(methods).Draw(t, "method"), rapid.SampledFrom(outcomes).Draw(t, "outcome"), 0)
	o.Role = rapid.SampledFrom([]probe.Role{"", probe.Ultrapeer, probe.LeafRole}).Draw(t, "role")
	o.Agent = rapid.SampledFrom([]string{"", "LimeWire/5.5", "BearShare 5.2", "a"}).Draw(t, "agent")
	o.Files = rapid.Ptr(rapid.Int64Range(0, 3), true).Draw(t, "files")
	o.KiB = rapid.Ptr(rapid.Int64Range(0, 3), true).Draw(t, "KiB")
	for _, relation := range []probe.Relation{probe.PeerLink, probe.LeafLink, probe.XTry} {
		o.Peers = append(o.Peers, peers(relation, rapid.SliceOfN(rapid.Custom(aHost), 0, 4).Draw(t, string(relation))...)...)
	}
	return o
}

func aHost(t *rapid.T) byte { return rapid.ByteRange(1, 9).Draw(t, "host") }

// What is kept of hosts is what the views derive.
func TestKeptHostsAreThoseOfTheViews(t *testing.T) {
	t.Parallel()
	db := database(t)
	rapid.Check(t, func(r *rapid.T) {
		snapshot := record(t, db, true, rapid.SliceOfN(rapid.Custom(aConversation), 0, 12).Draw(r, "conversations")...)
		derived := views(t, db, snapshot)
		run(t, db, "outcomes", snapshot)
		if kept, err := db.HostsKept(t.Context(), snapshot, version); !kept || err != nil {
			r.Fatalf("hosts kept: %v, error %v", kept, err)
		}
		if diff := cmp.Diff(derived, views(t, db, snapshot)); diff != "" {
			r.Errorf("views (-derived +kept):\n%s", diff)
		}
	})
}

// Kept hosts count only as long as the snapshot holds no more than it did, not even a host that was merely heard of.
func TestKeptHostsOfASnapshotThatGrows(t *testing.T) {
	t.Parallel()
	db := database(t)
	snapshot := record(t, db, false, census()...)
	run(t, db, "outcomes", snapshot)
	s, err := db.Resume(t.Context(), snapshot)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, grow := range map[string]func() error{
		"a host is heard of": func() error { return s.Hear(t.Context(), []probe.Endpoint{endpoint(200)}) },
		"a host is visited": func() error {
			return s.Record(t.Context(), []probe.Observation{talk(1, probe.Leaf, probe.Answered, time.Second)})
		},
	} {
		if err := grow(); err != nil {
			t.Fatal(err)
		}
		if kept, err := db.HostsKept(t.Context(), snapshot, version); kept || err != nil {
			t.Errorf("%s: hosts kept: %v, error %v", name, kept, err)
		}
		derived := views(t, db, snapshot)
		run(t, db, "outcomes", snapshot)
		if kept, err := db.HostsKept(t.Context(), snapshot, version); !kept || err != nil {
			t.Errorf("%s, then a report: hosts kept: %v, error %v", name, kept, err)
		}
		if diff := cmp.Diff(derived, views(t, db, snapshot)); diff != "" {
			t.Errorf("%s: views (-derived +kept):\n%s", name, diff)
		}
	}
	if kept, err := db.HostsKept(t.Context(), snapshot, "another version"); kept || err != nil {
		t.Errorf("by another version of the code: hosts kept: %v, error %v", kept, err)
	}
}

// Several reports may keep the hosts of one snapshot at once.
func TestReportsAtOnce(t *testing.T) {
	t.Parallel()
	db := database(t)
	snapshot := record(t, db, true, census()...)
	errs := make(chan error)
	for range 4 {
		go func() {
			_, err := reports.Run(t.Context(), db, "topology", snapshot, version)
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// The history of a vantage is its snapshots up to the one that is asked for, each with what reports on it alone say.
func TestHistory(t *testing.T) {
	t.Parallel()
	db := database(t)
	first := record(t, db, false, shares(1, 0, 0), shares(2, 5, 5), talk(3, probe.TCPCrawl, probe.Silent, 0))
	elsewhere, err := db.ImportEdges(t.Context(), storage.Meta{Network: "gnutella", Vantage: "elsewhere"}, storage.ReadEdges(strings.NewReader("1 2\n")))
	if err != nil {
		t.Fatal(err)
	}
	second := record(t, db, true, census()...)
	for snapshot, want := range map[int64][][]any{
		first: {
			{first, "interrupted", 3.0, 2.0, 0.0, 100.0 / 3, 50.0, 0.5},
		},
		elsewhere: {
			{elsewhere, "complete", 2.0, 1.0, 1.0, 100.0, nil, nil},
		},
		second: {
			{first, "interrupted", 3.0, 2.0, 0.0, 100.0 / 3, 50.0, 0.5},
			{second, "complete", 12.0, 8.0, 12.0, 1100.0 / 12, 300.0 / 7, 5.58 / 7},
		},
	} {
		var got [][]any
		for _, row := range run(t, db, "history", snapshot).Rows {
			got = append(got, []any{row[0], row[2], row[3], row[4], row[5], row[6], row[8], row[7]})
		}
		if diff := cmp.Diff(want, got, rounded); diff != "" {
			t.Errorf("snapshot %d (-want +got):\n%s", snapshot, diff)
		}
	}
}

// A crawl and the imports of it are one row of the history, each in the place of its begin.
func TestHistoryCountsEachCrawlOnce(t *testing.T) {
	t.Parallel()
	db := database(t)
	copyOf := func(begun time.Time) int64 {
		t.Helper()
		id, err := db.ImportSnapshot(t.Context(), storage.SnapshotInfo{
			Network: meta.Network, Vantage: meta.Vantage, Version: version, State: storage.StateComplete, Source: "census", Started: begun,
		}, func(string) iter.Seq2[[]any, error] { return func(func([]any, error) bool) {} })
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	crawl := record(t, db, true, shares(1, 0, 0))
	infos, err := db.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	copied := copyOf(infos[0].Started)
	copyOf(begun)
	older := copyOf(begun) // than the crawl, which is there twice
	last := record(t, db, true, shares(1, 0, 0))
	for snapshot, want := range map[int64][]any{
		crawl: {crawl}, copied: {copied}, older: {older, crawl}, last: {older, crawl, last},
	} {
		var got []any
		for _, row := range run(t, db, "history", snapshot).Rows {
			got = append(got, row[0])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("snapshots in the history of %d (-want +got):\n%s", snapshot, diff)
		}
	}
}
