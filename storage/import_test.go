package storage_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// tables are the rows of a snapshot that another database held, by table.
type tables map[string][][]any

var (
	begun    = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	imported = storage.SnapshotInfo{
		Network: "gnutella", Vantage: "there", Version: "v1", Source: "census", State: storage.StateComplete, Started: begun,
		Ended: ptr(begun.Add(time.Hour)), Configuration: []byte(`{"rate": 5}`),
	}
)

// small is a snapshot of two hosts.
func small() tables {
	return tables{
		"endpoint": {
			{int64(1), netip.MustParseAddr("198.51.100.1"), int64(6346), nil},
			{int64(2), netip.MustParseAddr("2001:db8::2"), int64(7000), nil},
		},
		"observation": {
			{int64(1), int64(1), "tcp-crawl", "answered", begun, int64(12), nil, "LimeWire/5", "ultrapeer", int64(7), nil, int64(60),
				`{"code": "200"}`},
			{int64(2), int64(1), "query", "answered", begun, int64(12), nil, nil, nil, nil, nil, nil, nil},
		},
		"neighbour": {{int64(1), "peer", []int64{2, 2}}},
		"rumour":    {{int64(1), "x-try", []int64{2}}},
		"query":     {{int64(2), "free jazz"}},
		"hit": {
			{int64(2), int64(1), netip.MustParseAddr("10.0.0.1"), int64(1), [16]byte{0xff}, int64(99), int64(2), int64(3), "LIME", true},
		},
	}
}

func (t tables) rows(name string) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, row := range t[name] {
			if !yield(slices.Clone(row), nil) {
				return
			}
		}
	}
}

func TestImportSnapshot(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id, err := db.ImportSnapshot(t.Context(), imported, small().rows)
	if err != nil {
		t.Fatal(err)
	}
	want := imported
	want.ID, want.Heard = id, 2
	if diff := cmp.Diff([]storage.SnapshotInfo{want}, snapshots(t, db)); diff != "" {
		t.Errorf("snapshots (-want +got):\n%s", diff)
	}
	got := selectRows(t, db, `
		SELECT e.host, o.method, o.agent, o.files, o.fields->>'code', n.endpoints, r.endpoints, h.words, h.responder, h.servent
		FROM report.observation o
		JOIN report.endpoint e USING (snapshot_id, endpoint_id)
		LEFT JOIN report.edge_list n USING (snapshot_id, observation_id)
		LEFT JOIN report.rumour_list r USING (snapshot_id, observation_id)
		LEFT JOIN report.hit h USING (snapshot_id, observation_id)
		WHERE o.snapshot_id = $1 ORDER BY o.observation_id`, id)
	rows := [][]any{
		{"198.51.100.1:6346", "tcp-crawl", "LimeWire/5", int64(7), "200", []int64{2, 2}, []int64{2}, nil, nil, nil},
		{"198.51.100.1:6346", "query", nil, nil, nil, nil, nil, "free jazz", "10.0.0.1:1", "ff000000-0000-0000-0000-000000000000"},
	}
	if diff := cmp.Diff(rows, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if _, err := db.Resume(t.Context(), id); !errors.Is(err, storage.ErrImported) {
		t.Errorf("error %v, want ErrImported", err)
	}
}

// A snapshot that never ended there is interrupted here.
func TestImportSnapshotThatWasKilled(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	killed := imported
	killed.State, killed.Ended, killed.Configuration = storage.StateKilled, nil, nil
	if _, err := db.ImportSnapshot(t.Context(), killed, tables{}.rows); err != nil {
		t.Fatal(err)
	}
	if got := snapshots(t, db)[0]; got.State != storage.StateInterrupted || !got.Ended.Equal(begun) || got.Heard != 0 {
		t.Errorf("imported as %+v", got)
	}
}

func TestImportSnapshotWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	broken := errors.New("disk on fire")
	for name, test := range map[string]struct {
		table, want string
		edit        func(row []any)
	}{
		"gap in the numbers":  {"endpoint", "not numbered from 1 without gaps", func(row []any) { row[0] = row[0].(int64)*2 - 1 }},
		"unknown outcome":     {"observation", `store observation`, func(row []any) { row[3] = "fine" }},
		"unknown neighbour":   {"neighbour", "observation 1 names an endpoint that is not there", func(row []any) { row[2] = []int64{3} }},
		"endpoint 0":          {"rumour", "observation 1 names an endpoint that is not there", func(row []any) { row[2] = []int64{0} }},
		"unknown observation": {"rumour", "a list of x-try is of observation 9", func(row []any) { row[0] = int64(9) }},
		"unknown query":       {"hit", "hit_query_fkey", func(row []any) { row[0] = int64(9) }},
		"unknown host":        {"observation", "observation 1 names an endpoint that", func(row []any) { row[1] = row[0].(int64) * 3 }},
		"list out of place":   {"neighbour", "a list of peer is of observation 9", func(row []any) { row[0] = int64(9) }},
		"address twice": {"endpoint", "its endpoint 2 was heard of twice", func(row []any) {
			row[1], row[2] = netip.MustParseAddr("198.51.100.1"), int64(1)
		}},
		"number too large": {"hit", "store hit", func(row []any) { row[0] = int64(1 << 40) }},
		"no text":          {"query", "store query", func(row []any) { row[1] = "\x00" }},
		"unknown relation": {"neighbour", `has a list of "friend"`, func(row []any) { row[1] = "friend" }},
	} {
		broken := maps.Clone(small())
		for _, row := range broken[test.table] {
			test.edit(row)
		}
		_, err := db.ImportSnapshot(t.Context(), imported, broken.rows)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, test.want)
		}
	}
	for _, table := range []string{"endpoint", "observation", "hit"} {
		_, err := db.ImportSnapshot(t.Context(), imported, func(name string) iter.Seq2[[]any, error] {
			if name != table {
				return small().rows(name)
			}
			return func(yield func([]any, error) bool) { yield(nil, broken) }
		})
		if !errors.Is(err, broken) {
			t.Errorf("%s: error %v, want %v", table, err, broken)
		}
	}
	if infos := snapshots(t, db); len(infos) != 0 {
		t.Errorf("snapshots are %+v, want none", infos)
	}
}

// An import that is stopped in its last step, when the server looks at the new rows, has stored nothing.
func TestImportStoppedAtItsEnd(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	for name, work := range map[string]func(context.Context) (int64, error){
		"snapshot": func(ctx context.Context) (int64, error) { return db.ImportSnapshot(ctx, imported, small().rows) },
		"graph": func(ctx context.Context) (int64, error) {
			return db.ImportEdges(ctx, meta, edges(storage.Edge{From: 1, To: 2}))
		},
	} {
		if err := stoppedInAnalyze(t, db, work); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want context.Canceled", name, err)
		}
	}
	if infos := snapshots(t, db); len(infos) != 0 {
		t.Errorf("snapshots are %+v, want none", infos)
	}
}

// stoppedInAnalyze ends the context of an import while another transaction keeps the server from looking at the rows, though
// rows may be added, and returns the error of the import.
func stoppedInAnalyze(t *testing.T, db *storage.DB, work func(context.Context) (int64, error)) error {
	t.Helper()
	return held(t, db, "SHARE UPDATE EXCLUSIVE", "ANALYZE%", func(ctx context.Context) error {
		_, err := work(ctx)
		return err
	}, func(stop context.CancelFunc, _ int32) { stop() })
}
