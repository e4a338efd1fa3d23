package storage_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

func TestSelect(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	got, err := db.Select(t.Context(), `
		SELECT $1::bigint AS number, 2::smallint AS small, 1.5::real AS real, 2.25::numeric AS numeric, 'é' AS text,
			true AS yes, NULL AS nothing, '2002-08-08 10:00+02'::timestamptz AS moment, '11.0.0.1'::inet AS address,
			ARRAY['ipp', 'pong'] AS texts, ARRAY[3, 1] AS hosts, 'ff112233-4455-6677-8899-aabbccddeeff'::uuid AS servent,
			sum(n) AS total
		FROM generate_series(1, 4) AS n`, int64(7))
	if err != nil {
		t.Fatal(err)
	}
	want := &storage.Rows{
		Columns: []string{"number", "small", "real", "numeric", "text", "yes", "nothing", "moment", "address", "texts",
			"hosts", "servent", "total"},
		Values: [][]any{{int64(7), int64(2), 1.5, 2.25, "é", true, nil, time.Date(2002, 8, 8, 8, 0, 0, 0, time.UTC),
			"11.0.0.1", []string{"ipp", "pong"}, []int64{3, 1}, "ff112233-4455-6677-8899-aabbccddeeff", int64(10)}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestSelectOfNoRowsHasColumns(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	got, err := db.Select(t.Context(), "SELECT heard, visited FROM report.coverage")
	if diff := cmp.Diff(&storage.Rows{Columns: []string{"heard", "visited"}}, got); diff != "" || err != nil {
		t.Errorf("error %v, rows (-want +got):\n%s", err, diff)
	}
}

func TestSelectRefuses(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	for statement, want := range map[string]string{
		"DELETE FROM agent RETURNING agent":   "read-only",
		"SELECT '{\"a\": 1}'::jsonb AS facts": "column facts",
		"SELECT point(1, 2) AS place":         "column place",
		"SELECT nonsense":                     "nonsense",
	} {
		if _, err := db.Select(t.Context(), statement); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", statement, err, want)
		}
	}
}

func TestSelectEndsWithItsContext(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := db.Select(ctx, "SELECT pg_sleep(3600)::text"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want context.DeadlineExceeded", err)
	}
}

func TestMeasures(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id, err := db.ImportEdges(t.Context(), meta, edges(storage.Edge{From: 1, To: 2}))
	if err != nil {
		t.Fatal(err)
	}
	expect := func(version string, want ...storage.Measure) {
		t.Helper()
		got, err := db.Measures(t.Context(), id, version, "assortativity", "largest_component", "no such thing")
		if err != nil {
			t.Fatal(err)
		}
		if others, err := db.Measures(t.Context(), id, version, "largest", "component"); err != nil || len(others) > 0 {
			t.Errorf("of other things: %v, error %v", others, err)
		}
		if diff := cmp.Diff(append([]storage.Measure{}, want...), got); diff != "" {
			t.Errorf("measures (-want +got):\n%s", diff)
		}
	}
	size := storage.Measure{Name: "largest_component.hosts", Value: ptr(2.0), Method: "union-find"}
	none := storage.Measure{Name: "assortativity", Method: "Newman 2002"}
	at, err := db.Size(t.Context(), id)
	if want := (storage.Size{Endpoints: 2, Observations: 1}); err != nil || at != want {
		t.Fatalf("size %+v, error %v, want %+v", at, err, want)
	}
	for range 2 { // the second replaces the first
		if err := db.StoreMeasures(t.Context(), id, "v1", at, []storage.Measure{size, none}); err != nil {
			t.Fatal(err)
		}
	}
	expect("v1", none, size)
	expect("v2")
	for _, column := range []string{"endpoints", "observations"} {
		growth := "UPDATE snapshot SET " + column + " = " + column + " + 1 WHERE snapshot_id = $1"
		if _, err := storage.Pool(db).Exec(t.Context(), growth, id); err != nil {
			t.Fatal(err)
		}
		expect("v1") // stale
		if err := db.StoreMeasures(t.Context(), id, "v1", at, []storage.Measure{size}); err != nil {
			t.Fatal(err)
		}
		expect("v1") // computed before the snapshot grew, stored after
		if at, err = db.Size(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if err := db.StoreMeasures(t.Context(), id, "v1", at, []storage.Measure{size}); err != nil {
			t.Fatal(err)
		}
		expect("v1", size)
	}
}
