package spool

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/probe"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

var errAway = errors.New("nobody answers")

// A rig is a snapshot that is recorded into through a Sink.
type rig struct {
	*testing.T
	db       *storage.DB
	id       int64
	path     string
	snapshot *storage.Snapshot // the first
	sink     *Sink
	tries    atomic.Int32
	backAt   atomic.Int32 // the try that opens the snapshot again; 0: none
}

func newRig(t *testing.T, patience time.Duration, limit int64, stop <-chan struct{}) *rig {
	t.Helper()
	r := &rig{T: t, db: storagetest.New(t), path: filepath.Join(t.TempDir(), "spool", "1-1")}
	var err error
	if r.snapshot, err = r.db.Begin(t.Context(), storage.Meta{Network: string(probe.Gnutella), Vantage: "here"}); err != nil {
		t.Fatal(err)
	}
	r.id = r.snapshot.ID()
	again := func(ctx context.Context) (*storage.Snapshot, error) {
		if n := r.tries.Add(1); r.backAt.Load() == 0 || n < r.backAt.Load() {
			return nil, errAway
		}
		return r.db.Resume(ctx, r.id)
	}
	r.sink = New(Config{Path: r.path, Patience: patience, Limit: limit, Again: again, Stop: stop}, r.snapshot)
	t.Cleanup(func() { r.sink.Close() })
	return r
}

// cut cuts the connection of the snapshot.
func (r *rig) cut() {
	r.Helper()
	found, err := r.db.Select(r.Context(), `SELECT count(*) FROM (
		SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' AND database = (
			SELECT oid FROM pg_database WHERE datname = current_database())) AS cut`)
	if err != nil || found.Values[0][0] != int64(1) {
		r.Fatalf("cut %v connections: %v", found, err)
	}
}

// of is a batch of n conversations with hosts, of which the first has a number.
func of(first, n byte) (obs []probe.Observation) {
	for i := range n {
		o := bare
		o.Endpoint = host(first + i)
		obs = append(obs, o)
	}
	return obs
}

func (r *rig) record(obs []probe.Observation) {
	r.Helper()
	if err := r.sink.Record(r.Context(), obs); err != nil {
		r.Fatal(err)
	}
}

// check looks whether the snapshot holds the conversations with hosts 1 to n, each once, and no file is left.
func (r *rig) check(n int) {
	r.Helper()
	found, err := r.db.Select(r.Context(), `
		SELECT o.observation_id::bigint, host(e.addr) FROM observation AS o JOIN endpoint AS e USING (snapshot_id, endpoint_id)
		WHERE snapshot_id = $1 ORDER BY 1`, r.id)
	if err != nil {
		r.Fatal(err)
	}
	var want [][]any
	for i := range n {
		want = append(want, []any{int64(i + 1), host(byte(i + 1)).Addr.Addr().String()})
	}
	if diff := cmp.Diff(want, found.Values); diff != "" {
		r.Errorf("observations (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(r.path); !errors.Is(err, fs.ErrNotExist) {
		r.Errorf("the file is left: %v", err)
	}
}

func TestDatabaseComesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, time.Hour, 0, nil)
	r.record(of(1, 3))
	r.cut()
	r.record(of(4, 2))
	r.record(of(6, 1))
	if got := read(t, copyOf(t, r.path)); len(got) != 2 || got[0].After != 3 || got[1].After != 5 {
		t.Errorf("on disk: %+v", got)
	}
	r.backAt.Store(1)
	if err := r.sink.Finish(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	r.record(of(7, 1))
	r.check(7)
}

// copyOf copies a file, since a spool that is open is locked.
func copyOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestUnansweredCommit: the database has a batch of which the crawl does not know.
func TestUnansweredCommit(t *testing.T) {
	t.Parallel()
	r := newRig(t, time.Hour, 0, nil)
	r.record(of(1, 2))
	if err := r.snapshot.Record(t.Context(), of(3, 2)); err != nil {
		t.Fatal(err)
	}
	r.cut()
	r.record(of(3, 2))
	r.record(of(5, 1))
	r.backAt.Store(1)
	if err := r.sink.Finish(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	r.check(5)
}

// TestLostAgainOnTheWay cuts the connection a second time, while the file is being emptied.
func TestLostAgainOnTheWay(t *testing.T) {
	t.Parallel()
	r := newRig(t, time.Hour, 0, nil)
	r.record(of(1, 1))
	r.cut()
	r.record(of(2, 1))
	r.record(of(3, 1))
	half, err := r.db.Resume(t.Context(), r.id)
	if err != nil {
		t.Fatal(err)
	}
	if err := settle(t.Context(), half, batch{1, of(2, 1)}); err != nil { // as far as the first attempt got
		t.Fatal(err)
	}
	half.Close()
	r.backAt.Store(1)
	if err := r.sink.Finish(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	r.check(3)
}

func TestDatabaseStaysAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, time.Second, 0, nil)
	r.record(of(1, 2))
	r.cut()
	kept := byte(2)
	for kept < 5 && r.sink.Record(t.Context(), of(kept+1, 1)) == nil {
		kept++
	}
	err := r.sink.Finish(t.Context(), false)
	if !errors.Is(err, ErrGone) || !errors.As(err, new(*storage.LostError)) || !errors.Is(err, errAway) ||
		!strings.Contains(err.Error(), "gnucensus snapshot resume 1") {
		t.Fatalf("after %d observations: error %v", kept, err)
	}
	if kept > 2 && !strings.Contains(err.Error(), r.path) {
		t.Errorf("the error does not name the file: %v", err)
	}
	if err := r.sink.Record(t.Context(), of(kept+1, 1)); !errors.Is(err, ErrGone) {
		t.Errorf("record: %v", err)
	}
	if err := r.sink.Close(); err != nil {
		t.Error(err)
	}
	snapshot, err := r.db.Resume(t.Context(), r.id)
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	for _, want := range []int{int(kept) - 2, 0} {
		if n, err := Drain(t.Context(), r.path, snapshot); n != want || err != nil {
			t.Errorf("stored %d of %d: %v", n, want, err)
		}
	}
	r.check(int(kept))
}

// TestTryEndsWithPatience: a database that does not answer is not waited for beyond the patience, and what is told in the end
// is why it was lost, and not that the last try was cut off.
func TestTryEndsWithPatience(t *testing.T) {
	t.Parallel()
	const patience = time.Second
	r := newRig(t, patience, 0, nil)
	r.sink.cfg.Again = func(ctx context.Context) (*storage.Snapshot, error) {
		if end, bound := ctx.Deadline(); !bound || time.Until(end) > patience {
			t.Errorf("a try may last for %v", time.Until(end))
		}
		r.tries.Add(1)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	r.cut()
	err := r.sink.Record(t.Context(), of(1, 1))
	if err == nil {
		err = r.sink.Finish(t.Context(), false)
	}
	if !errors.Is(err, ErrGone) || !errors.As(err, new(*storage.LostError)) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if r.tries.Load() == 0 {
		t.Error("nobody tried")
	}
}

// TestDatabaseThatStoresNothing can be opened again each time, and is lost with the first batch: it was never back.
func TestDatabaseThatStoresNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3*tryEvery, 1, nil)
	r.sink.cfg.Again = func(ctx context.Context) (*storage.Snapshot, error) {
		s, err := r.db.Resume(ctx, r.id)
		if err == nil {
			r.tries.Add(1)
			r.cut()
		}
		return s, err
	}
	r.cut()
	err := r.sink.Record(t.Context(), of(1, 1))
	if !errors.Is(err, ErrGone) || !errors.As(err, new(*storage.LostError)) || r.tries.Load() == 0 {
		t.Errorf("after %d tries: %v", r.tries.Load(), err)
	}
}

// TestFullSpoolWaits: a batch that has no room on disk waits for the database.
func TestFullSpoolWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t, time.Hour, 100, nil)
	r.record(of(1, 1))
	r.cut()
	r.backAt.Store(3)
	r.record(of(2, 2))
	if n := r.tries.Load(); n != 3 {
		t.Errorf("kept at try %d", n)
	}
	r.check(3)
}

// TestNobodyWaits: a crawl that is being stopped keeps what has room, and waits for nothing.
func TestNobodyWaits(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	close(stop)
	r := newRig(t, time.Hour, 1000, stop)
	r.record(of(1, 1))
	r.cut()
	r.record(of(2, 1))
	if err := r.sink.Record(t.Context(), of(3, 100)); !errors.Is(err, ErrGone) {
		t.Errorf("without room: %v", err)
	}
	if err := r.sink.Finish(t.Context(), false); !errors.Is(err, ErrGone) {
		t.Errorf("finish: %v", err)
	}
}

// TestOtherErrors: what waiting does not mend comes back as it is, and so does a loss where nobody has patience.
func TestOtherErrors(t *testing.T) {
	t.Parallel()
	r := newRig(t, time.Hour, 0, nil)
	if err := r.sink.Record(t.Context(), []probe.Observation{{}}); err == nil || errors.Is(err, ErrGone) {
		t.Errorf("no address: %v", err)
	}
	r.record(of(1, 1))
	r.check(1)

	r = newRig(t, 0, 0, nil)
	r.cut()
	if err := r.sink.Record(t.Context(), of(1, 1)); !errors.As(err, new(*storage.LostError)) || errors.Is(err, ErrGone) {
		t.Errorf("without patience: %v", err)
	}
}

func TestSpoolOfAnotherState(t *testing.T) {
	t.Parallel()
	r := newRig(t, time.Hour, 0, nil)
	path := newFile(t, batch{5, of(6, 1)})
	if n, err := Drain(t.Context(), path, r.snapshot); n != 0 || !errors.Is(err, errMisfit) {
		t.Errorf("stored %d: %v", n, err)
	}
	if got := read(t, path); len(got) != 1 {
		t.Errorf("%d batches are left", len(got))
	}
}
