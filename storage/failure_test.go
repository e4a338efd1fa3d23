package storage_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"gnucensus/probe"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// blocked records a batch while another transaction holds the table that is written last, so that all other rows of the batch
// have been sent when it interrupts.
func blocked(t *testing.T, db *storage.DB, s *storage.Snapshot, interrupt func(context.CancelFunc, int32)) error {
	t.Helper()
	o := naming(talk(host(7), probe.Query, probe.Answered), probe.PeerLink, host(8), host(9))
	o.Agent, o.Hits = "BearShare/5.2.5", []probe.Hit{{Responder: host(7)}}
	record := func(ctx context.Context) error { return s.Record(ctx, []probe.Observation{o}) }
	return held(t, db, "ACCESS EXCLUSIVE", "%hit%", record, interrupt)
}

// held does work while another transaction holds table hit in a mode. It waits until a statement like the one given waits for
// that, calls interrupt with the process that waits, and returns the error of the work.
func held(t *testing.T, db *storage.DB, mode, statement string, work func(context.Context) error,
	interrupt func(context.CancelFunc, int32)) error {
	t.Helper()
	pool := storage.Pool(db)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	if _, err := tx.Exec(t.Context(), "LOCK TABLE hit IN "+mode+" MODE"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- work(ctx) }()
	var process *int32
	for process == nil {
		err := pool.QueryRow(t.Context(), `
			SELECT max(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1`, statement).Scan(&process)
		if err != nil {
			t.Fatal(err)
		}
	}
	interrupt(stop, *process)
	return <-failed
}

func contents(t *testing.T, db *storage.DB) [][]any {
	t.Helper()
	return selectRows(t, db, `
		SELECT (SELECT count(*) FROM endpoint), (SELECT count(*) FROM observation), (SELECT count(*) FROM report.edge_list),
			(SELECT count(*) FROM agent), (SELECT count(*) FROM query), (SELECT count(*) FROM hit)`)
}

func TestRecordCutShortByItsContext(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	s := begin(t, db)
	record(t, s, naming(talk(host(1), probe.TCPCrawl, probe.Answered), probe.PeerLink, host(2)))
	before := contents(t, db)
	err := blocked(t, db, s, func(stop context.CancelFunc, _ int32) { stop() })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	if diff := cmp.Diff(before, contents(t, db)); diff != "" {
		t.Errorf("part of the batch was kept:\n%s", diff)
	}
	// The snapshot is as good as before: the last batch of an interrupted crawl is written like this.
	record(t, s, naming(talk(host(2), probe.TCPCrawl, probe.Answered), probe.PeerLink, host(9)))
	got := selectRows(t, db, "SELECT host, endpoint_id FROM report.host ORDER BY endpoint_id")
	want := [][]any{{"11.0.0.1:6346", int64(1)}, {"11.0.0.2:6346", int64(2)}, {"11.0.0.9:6346", int64(3)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
	if err := s.Finish(t.Context(), false); err != nil {
		t.Error(err)
	}
}

func TestRecordLosesItsConnection(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	s := begin(t, db)
	record(t, s, naming(talk(host(1), probe.TCPCrawl, probe.Answered), probe.PeerLink, host(2), host(3)))
	before := contents(t, db)
	err := blocked(t, db, s, func(_ context.CancelFunc, process int32) {
		if _, err := storage.Pool(db).Exec(t.Context(), "SELECT pg_terminate_backend($1)", process); err != nil {
			t.Error(err)
		}
	})
	var lost *storage.LostError
	if !errors.As(err, &lost) || lost.Snapshot != s.ID() || !strings.Contains(err.Error(), "gnucensus snapshot resume 1") {
		t.Fatalf("error %v, want one that tells how to resume snapshot %d", err, s.ID())
	}
	if diff := cmp.Diff(before, contents(t, db)); diff != "" {
		t.Errorf("part of the batch was kept:\n%s", diff)
	}
	if err := s.Record(t.Context(), []probe.Observation{talk(host(2), probe.TCPCrawl, probe.Silent)}); !errors.As(err, &lost) {
		t.Errorf("error %v of a second batch, want a LostError", err)
	}
	if err := s.Finish(t.Context(), false); !errors.As(err, &lost) {
		t.Errorf("error %v of Finish, want a LostError", err)
	}
	for snapshots(t, db)[0].State != storage.StateKilled {
		// The server lets go of the lock a moment after it hangs up.
	}
	again := resume(t, db, s.ID())
	if want := []probe.Endpoint{host(2), host(3)}; !slices.Equal(again.Frontier(), want) {
		t.Errorf("frontier is %v, want %v", again.Frontier(), want)
	}
	record(t, again, talk(host(2), probe.TCPCrawl, probe.Silent))
}

func TestRecordAfterItsConnectionWasLost(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	s := begin(t, db)
	_, err := storage.Pool(db).Exec(t.Context(), `
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Record(t.Context(), []probe.Observation{talk(host(1), probe.TCPCrawl, probe.Silent)})
	if lost := new(storage.LostError); !errors.As(err, &lost) {
		t.Errorf("error %v, want a LostError", err)
	}
	s = resume(t, db, s.ID())
	record(t, s, talk(host(1), probe.TCPCrawl, probe.Silent))
}

// TestCrawlersOfTheSameAgents has two crawlers store the same new agents in opposite orders: they must not wait for each
// other in a circle.
func TestCrawlersOfTheSameAgents(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	agents := []string{"A/1", "B/2", "C/3", "D/4", "E/5", "F/6"}
	var group errgroup.Group
	for range 4 {
		s := begin(t, db)
		var obs []probe.Observation
		for i, a := range agents {
			o := talk(host(i), probe.TCPCrawl, probe.Answered)
			o.Agent = a
			obs = append(obs, o)
		}
		slices.Reverse(agents)
		group.Go(func() error { return s.Record(t.Context(), obs) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	got := selectRows(t, db, "SELECT agent, count(*) FROM report.observation GROUP BY agent ORDER BY agent")
	var want [][]any
	for _, a := range slices.Sorted(slices.Values(agents)) {
		want = append(want, []any{a, int64(4)})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("observations by agent (-want +got):\n%s", diff)
	}
}
