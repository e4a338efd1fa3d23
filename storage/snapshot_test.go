package storage_test

import (
	"testing"

	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

func TestBeginHoldsTheSnapshot(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	s, err := db.Begin(t.Context(), meta)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	infos, err := db.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(infos) != 1 || infos[0].ID != s.ID() || infos[0].State != storage.StateRunning {
		t.Errorf("snapshots are %+v, want the one that runs", infos)
	}
}
