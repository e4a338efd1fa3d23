package storage_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gnucensus/probe"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// differs is a statement that answers otherwise each time, with a value of each type that rows have, and an argument.
const differs = `
	SELECT random(), NULL, NULL, true, 9007199254740993, 1.0::float8, 'NaN'::float8, 'text', timestamptz '2026-01-02 03:04:05Z',
		ARRAY['a', 'b'], ARRAY[1, 2], $1::bigint
	UNION ALL
	SELECT NULL, 'known', 1::bigint, NULL, 0, '-Infinity', 0, '', NULL, NULL, NULL, NULL`

// What was answered of a snapshot whose hosts are kept is answered again, until they are kept anew.
func TestAnswersAreKept(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	s := begin(t, db)
	grow := func(n int) storage.Size {
		t.Helper()
		if err := s.Record(t.Context(), []probe.Observation{talk(host(n), probe.UDPPing, probe.Silent)}); err != nil {
			t.Fatal(err)
		}
		at, err := db.Size(t.Context(), s.ID())
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	keep := func(at storage.Size) {
		t.Helper()
		links := storage.HostLinks{
			ToldRoles: make([]string, at.Endpoints), Peers: make([]int32, at.Endpoints), Leaves: make([]int32, at.Endpoints),
		}
		visits, err := db.Visits(t.Context(), s.ID(), at)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.KeepHosts(t.Context(), s.ID(), "test", at, visits, links); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(at storage.Size, argument int64) *storage.Rows {
		t.Helper()
		answer, err := db.Answer(t.Context(), s.ID(), at, differs, argument)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	same := func(a, b *storage.Rows) string { return cmp.Diff(a, b, cmpopts.EquateNaNs()) }

	first := grow(1)
	if same(ask(first, 1), ask(first, 1)) == "" {
		t.Error("an answer was kept though the hosts are not")
	}
	keep(first)
	answer := ask(first, 1)
	if diff := same(answer, ask(first, 1)); diff != "" {
		t.Errorf("kept answer (-first +second):\n%s", diff)
	}
	want := []any{
		nil, nil, true, int64(9007199254740993), 1.0, math.NaN(), "text", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		[]string{"a", "b"}, []int64{1, 2}, int64(1),
	}
	if diff := cmp.Diff(want, ask(first, 1).Values[0][1:], cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("values (-want +kept):\n%s", diff)
	}
	if same(answer, ask(first, 2)) == "" {
		t.Error("another argument, the same answer")
	}
	second := grow(2)
	if same(answer, ask(second, 1)) == "" {
		t.Error("the answer stayed though the snapshot grew")
	}
	keep(second)
	if same(answer, ask(second, 1)) == "" {
		t.Error("the answer stayed though the hosts were kept anew")
	}
}
