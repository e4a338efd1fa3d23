package storage_test

import (
	"errors"
	"io"
	"iter"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

func edges(list ...storage.Edge) iter.Seq2[storage.Edge, error] {
	return func(yield func(storage.Edge, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestReadEdges(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want []storage.Edge
		err  string // part of the error; "" for none
	}{
		"nothing":       {"", nil, ""},
		"comments":      {"# Directed graph\n#FromNodeId\tToNodeId\n\n", nil, ""},
		"tabs, blanks":  {"0\t1\n 2   3 \n", []storage.Edge{{From: 0, To: 1}, {From: 2, To: 3}}, ""},
		"CRLF, no end":  {"# x\r\n0\t1\r\n1\t0", []storage.Edge{{From: 0, To: 1}, {From: 1, To: 0}}, ""},
		"loop, twice":   {"7 7\n1 2\n1 2\n", []storage.Edge{{From: 7, To: 7}, {From: 1, To: 2}, {From: 1, To: 2}}, ""},
		"largest":       {"18446744073709551615 0\n", []storage.Edge{{From: math.MaxUint64, To: 0}}, ""},
		"too large":     {"0 1\n0 18446744073709551616\n", []storage.Edge{{From: 0, To: 1}}, "line 2"},
		"negative":      {"-1 0\n", nil, "line 1"},
		"not a number":  {"# x\n\na b\n", nil, "line 3"},
		"one word":      {"17\n", nil, "line 1: want two host numbers, got 1 words"},
		"a third word":  {"1 2 0.5\n", nil, "got 3 words"},
		"after comment": {"1 2 # x\n", nil, "line 1"},
		"endless line":  {"# x\n" + strings.Repeat("1", 1<<20), nil, "line 2: bufio.Scanner: token too long"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []storage.Edge
			message := ""
			for e, err := range storage.ReadEdges(strings.NewReader(tt.text)) {
				if err != nil {
					message = err.Error()
					continue
				}
				got = append(got, e)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("edges (-want +got):\n%s", diff)
			}
			if (message == "") != (tt.err == "") || !strings.Contains(message, tt.err) {
				t.Errorf("error %q, want %q in it", message, tt.err)
			}
		})
	}
}

func TestReadEdgesOfABrokenFile(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	r := io.MultiReader(strings.NewReader("0 1\n"), iotest.ErrReader(broken))
	var last error
	for _, err := range storage.ReadEdges(r) {
		last = err
	}
	if !errors.Is(last, broken) {
		t.Errorf("error %v, want %v", last, broken)
	}
}

func FuzzReadEdges(f *testing.F) {
	for _, seed := range []string{"# c\n0\t1\r\n", "18446744073709551615 0", "1 2 3\n", "\x00\n", "-1 1\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n := 0
		for _, err := range storage.ReadEdges(strings.NewReader(text)) {
			if n++; err != nil && !strings.HasPrefix(err.Error(), "read edges: ") {
				t.Errorf("error %q", err)
			}
		}
		if lines := strings.Count(text, "\n") + 1; n > lines {
			t.Errorf("%d edges out of %d lines", n, lines)
		}
	})
}

func TestImportEdges(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	file, err := os.Open("testdata/snap-gnutella08-excerpt.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	m := meta
	m.Source = "p2p-Gnutella08.txt"
	id, err := db.ImportEdges(t.Context(), m, storage.ReadEdges(file))
	if err != nil {
		t.Fatal(err)
	}
	got, err := db.Coverage(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	want := storage.Coverage{Heard: 41, Visited: 4, Reached: 4, Edges: 40, Observations: 4}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
	hosts := selectRows(t, db, `
		SELECT h.host, h.outcome, h.role, d.degree
		FROM report.host h JOIN report.degree d USING (snapshot_id, endpoint_id)
		WHERE endpoint_id IN (1, 2, 41) ORDER BY endpoint_id`)
	wantHosts := [][]any{{"0", "answered", nil, int64(10)}, {"1", nil, nil, int64(1)}, {"426", nil, nil, int64(1)}}
	if diff := cmp.Diff(wantHosts, hosts); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
	info := snapshots(t, db)[0]
	if info.State != storage.StateComplete || info.Source != m.Source || info.Heard != 41 {
		t.Errorf("snapshot is %+v", info)
	}
}

func TestImportEdgesKeepsThemAsTold(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id, err := db.ImportEdges(t.Context(), meta, edges(
		storage.Edge{From: 9, To: 8}, storage.Edge{From: 7, To: 7}, storage.Edge{From: 8, To: 9}, storage.Edge{From: 9, To: 8}))
	if err != nil {
		t.Fatal(err)
	}
	var told [][2]int32
	err = db.Edges(t.Context(), id, func(a, b int32) error {
		told = append(told, [2]int32{a, b})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(told, func(x, y [2]int32) int { return slices.Compare(x[:], y[:]) })
	if diff := cmp.Diff([][2]int32{{1, 2}, {1, 2}, {2, 1}, {3, 3}}, told); diff != "" {
		t.Errorf("edges as told (-want +got):\n%s", diff)
	}
	distinct := selectRows(t, db, "SELECT a, b, kind, ends FROM report.edge WHERE snapshot_id = $1", id)
	if diff := cmp.Diff([][]any{{int64(1), int64(2), "peer", int64(2)}}, distinct); diff != "" {
		t.Errorf("distinct links (-want +got):\n%s", diff)
	}
}

// A large graph is stored in several parts, of which none is lost.
func TestImportEdgesInParts(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	const hosts = 45_000
	ring := func(yield func(storage.Edge, error) bool) {
		for v := range uint64(hosts) {
			if !yield(storage.Edge{From: v, To: (v + 1) % hosts}, nil) {
				return
			}
		}
	}
	id, err := db.ImportEdges(t.Context(), meta, ring)
	if err != nil {
		t.Fatal(err)
	}
	got, err := db.Coverage(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	want := storage.Coverage{Heard: hosts, Visited: hosts, Reached: hosts, Edges: hosts, Observations: hosts}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
}

func TestImportEdgesWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	for name, text := range map[string]string{"bad line": "0 1\n1 2\nx\n", "empty": "# nothing\n"} {
		if _, err := db.ImportEdges(t.Context(), meta, storage.ReadEdges(strings.NewReader(text))); err == nil {
			t.Errorf("%s: imported", name)
		}
	}
	if infos := snapshots(t, db); len(infos) != 0 {
		t.Errorf("snapshots are %+v, want none", infos)
	}
}

func TestEdgesStopsAtTheFirstError(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id, err := db.ImportEdges(t.Context(), meta, edges(storage.Edge{From: 1, To: 2}, storage.Edge{From: 1, To: 3}))
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	calls := 0
	err = db.Edges(t.Context(), id, func(_, _ int32) error {
		calls++
		return enough
	})
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
}
