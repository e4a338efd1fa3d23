package storage_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/probe"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// all reads the rows of a statement.
func all(t *testing.T, r *storage.Reader, statement string, args ...any) [][]any {
	t.Helper()
	var rows [][]any
	for row, err := range r.Rows(t.Context(), statement, args...) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// A reader sees one state of the database.
func TestReaderSeesOneMoment(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	s := begin(t, db)
	const count = "SELECT count(*) FROM observation WHERE snapshot_id = $1"
	err := db.Read(t.Context(), func(r *storage.Reader) error {
		before := all(t, r, count, s.ID())
		if err := s.Record(t.Context(), []probe.Observation{talk(host(1), probe.UDPPing, probe.Silent)}); err != nil {
			return err
		}
		if diff := cmp.Diff(before, all(t, r, count, s.ID())); diff != "" {
			t.Errorf("observations (-before +after a batch):\n%s", diff)
		}
		info, err := r.Snapshot(t.Context(), s.ID())
		if err != nil || info.Network != meta.Network || info.State != storage.StateRunning || info.Heard != 0 {
			t.Errorf("error %v, snapshot %+v", err, info)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if infos := snapshots(t, db); infos[0].Heard != 1 {
		t.Errorf("snapshots %+v", infos)
	}
}

// Whoever has read enough does not wait for the rest.
func TestReaderStops(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	enough := errors.New("enough")
	err := db.Read(t.Context(), func(r *storage.Reader) error {
		for row, err := range r.Rows(t.Context(), "SELECT generate_series(1, 1000000000000)") {
			if err != nil || row[0] != int64(1) {
				t.Errorf("row %v, error %v", row, err)
			}
			break
		}
		return enough
	})
	if !errors.Is(err, enough) {
		t.Errorf("error %v, want %v", err, enough)
	}
	if err := db.Read(t.Context(), func(r *storage.Reader) error { all(t, r, "SELECT 1"); return nil }); err != nil {
		t.Errorf("the next reader: %v", err)
	}
}

func TestReaderFails(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	for statement, want := range map[string]string{
		"SELECT nonsense":                        "read rows",
		"DELETE FROM agent RETURNING agent":      "read-only",
		"SELECT point(1, 2) AS place":            "column place",
		"SELECT 1 / (2 - generate_series(1, 3))": "division by zero",
	} {
		err := db.Read(t.Context(), func(r *storage.Reader) (last error) {
			for _, err := range r.Rows(t.Context(), statement) {
				last = err
			}
			return last
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", statement, err, want)
		}
	}
	err := db.Read(t.Context(), func(r *storage.Reader) error {
		_, err := r.Snapshot(t.Context(), 7)
		return err
	})
	if !errors.Is(err, storage.ErrNoSnapshot) {
		t.Errorf("error %v, want ErrNoSnapshot", err)
	}
}
