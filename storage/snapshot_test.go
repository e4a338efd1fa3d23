package storage_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/probe"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

func snapshots(t *testing.T, db *storage.DB) []storage.SnapshotInfo {
	t.Helper()
	infos, err := db.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return infos
}

func TestStatesOfASnapshot(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	s := begin(t, db)
	state := func(want storage.State, ended bool) {
		t.Helper()
		info := snapshots(t, db)[0]
		if info.State != want || (info.Ended != nil) != ended {
			t.Errorf("state is %s, ended %v; want %s", info.State, info.Ended, want)
		}
	}
	state(storage.StateRunning, false)
	s.Close()
	state(storage.StateKilled, false)
	s = resume(t, db, s.ID())
	state(storage.StateRunning, false)
	if err := s.Finish(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	state(storage.StateInterrupted, true)
	s.Close()
	s = resume(t, db, s.ID())
	state(storage.StateRunning, false)
	if err := s.Finish(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	state(storage.StateComplete, true)
}

func TestResumeTakesUpWhereItStopped(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	s := begin(t, db)
	seeds := []probe.Endpoint{host(1), host(2)}
	if err := s.Hear(t.Context(), seeds); err != nil {
		t.Fatal(err)
	}
	record(t, s,
		naming(talk(host(1), probe.TCPCrawl, probe.Answered), probe.PeerLink, host(3), host(4)),
		naming(talk(host(3), probe.TCPCrawl, probe.Refused), probe.XTry, host(5), host(6)),
		talk(host(4), probe.TCPCrawl, probe.ConnectTimeout), talk(host(4), probe.UDPPing, probe.Cancelled),
		talk(host(5), probe.TCPCrawl, probe.OutOfScope),
		talk(host(6), probe.TCPCrawl, probe.LocalLimit),
		talk(host(7), probe.TCPCrawl, probe.Answered), talk(host(7), probe.UDPPing, probe.OutOfScope),
		talk(host(8), probe.TCPCrawl, probe.Answered), talk(host(8), probe.Query, probe.Cancelled),
	)
	asked := talk(host(8), probe.Query, probe.Answered)
	asked.Hits = []probe.Hit{{Responder: host(99)}} // a responder is not heard of by the walk
	record(t, s, asked)
	if s.Frontier() != nil || s.Visited() != nil {
		t.Errorf("a new snapshot has frontier %v and visited %v", s.Frontier(), s.Visited())
	}
	if err := s.Finish(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	s.Close()
	before := snapshots(t, db)
	if left, err := db.Left(t.Context(), s.ID()); err != nil || left != 3 {
		t.Errorf("error %v, %d hosts are left, want 3", err, left)
	}
	if diff := cmp.Diff(before, snapshots(t, db)); diff != "" {
		t.Errorf("a look changed the snapshot:\n%s", diff)
	}

	s = resume(t, db, s.ID())
	if diff := cmp.Diff(meta, s.Meta(), cmp.FilterPath(isConfiguration, cmp.Ignore())); diff != "" {
		t.Errorf("meta (-want +got):\n%s", diff)
	}
	if want := []probe.Endpoint{host(2), host(4), host(6)}; !slices.Equal(s.Frontier(), want) {
		t.Errorf("frontier is %v, want %v", s.Frontier(), want)
	}
	if want := []probe.Endpoint{host(1), host(3), host(7), host(8)}; !slices.Equal(s.Visited(), want) {
		t.Errorf("visited are %v, want %v", s.Visited(), want)
	}
	// What was cut short is made good, and numbering goes on.
	record(t, s, talk(host(4), probe.UDPPing, probe.Silent), talk(host(10), probe.TCPCrawl, probe.Silent))
	s.Close()
	s = resume(t, db, s.ID())
	if want := []probe.Endpoint{host(2), host(6)}; !slices.Equal(s.Frontier(), want) {
		t.Errorf("frontier is %v, want %v", s.Frontier(), want)
	}
	if left, err := db.Left(t.Context(), s.ID()); err != nil || left != 2 {
		t.Errorf("error %v, %d hosts are left, want 2", err, left)
	}
	want := [][]any{{int64(9), int64(9), int64(13), int64(13)}}
	got := selectRows(t, db, `
		SELECT (SELECT count(*) FROM endpoint), (SELECT max(endpoint_id) FROM endpoint),
			(SELECT count(*) FROM observation), (SELECT max(observation_id) FROM observation)`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
}

func isConfiguration(p cmp.Path) bool { return p.String() == "Configuration" }

func TestResumeRefuses(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	s := begin(t, db)
	if _, err := db.Resume(t.Context(), s.ID()); !errors.Is(err, storage.ErrBusy) {
		t.Errorf("resume of a running snapshot: error %v, want ErrBusy", err)
	}
	if err := db.Delete(t.Context(), s.ID()); !errors.Is(err, storage.ErrBusy) {
		t.Errorf("delete of a running snapshot: error %v, want ErrBusy", err)
	}
	if _, err := db.Resume(t.Context(), 4711); !errors.Is(err, storage.ErrNoSnapshot) {
		t.Errorf("resume of no snapshot: error %v, want ErrNoSnapshot", err)
	}
	imported := meta
	imported.Source = "graph.txt"
	id, err := db.ImportEdges(t.Context(), imported, edges(storage.Edge{From: 1, To: 2}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Resume(t.Context(), id); !errors.Is(err, storage.ErrImported) {
		t.Errorf("resume of an import: error %v, want ErrImported", err)
	}
	if state := snapshots(t, db)[1].State; state != storage.StateComplete {
		t.Errorf("the refused resume left the import %s", state)
	}
}

func TestSnapshotsAreListedAndDeleted(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	if _, err := db.Latest(t.Context()); !errors.Is(err, storage.ErrNoSnapshot) {
		t.Errorf("latest of none: error %v, want ErrNoSnapshot", err)
	}
	m := meta
	m.Configuration = json.RawMessage(`{"rate": 20}`)
	first, err := db.Begin(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	record(t, first, naming(talk(host(1), probe.TCPCrawl, probe.Answered), probe.PeerLink, host(2)))
	first.Close()
	second := begin(t, db)
	record(t, second, naming(talk(host(1), probe.TCPCrawl, probe.Answered), probe.XTry, host(2), host(3)))
	infos := snapshots(t, db)
	got := []any{len(infos), infos[0].ID, infos[0].Heard, string(infos[0].Configuration), infos[1].ID, infos[1].Heard}
	want := []any{2, first.ID(), int64(2), `{"rate": 20}`, second.ID(), int64(3)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("snapshots (-want +got):\n%s", diff)
	}
	if id, err := db.Latest(t.Context()); id != second.ID() || err != nil {
		t.Errorf("latest is %d, %v; want %d", id, err, second.ID())
	}
	if err := db.Delete(t.Context(), first.ID()); err != nil {
		t.Fatal(err)
	}
	if err := db.Delete(t.Context(), first.ID()); !errors.Is(err, storage.ErrNoSnapshot) {
		t.Errorf("deleted twice: error %v, want ErrNoSnapshot", err)
	}
	if _, err := db.Coverage(t.Context(), first.ID()); !errors.Is(err, storage.ErrNoSnapshot) {
		t.Errorf("coverage of a deleted snapshot: error %v, want ErrNoSnapshot", err)
	}
	left := selectRows(t, db, `
		SELECT snapshot_id FROM endpoint UNION SELECT snapshot_id FROM observation`)
	if diff := cmp.Diff([][]any{{second.ID()}}, left); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}

// What bounds of a crawl depend on is found again: who named whom, and who has not answered.
func TestResumeRecallsVouchersAndStrangers(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	s := begin(t, db)
	many := talk(host(1), probe.TCPCrawl, probe.Answered)
	record(t, s,
		naming(many, probe.PeerLink, host(3), host(4)),
		naming(talk(host(1), probe.UDPPing, probe.Answered), probe.Cached, host(3), host(5)),
		naming(talk(host(2), probe.TCPCrawl, probe.Answered), probe.LeafLink, host(4)),
		talk(host(3), probe.UDPPing, probe.Silent), talk(host(3), probe.TCPCrawl, probe.ConnectTimeout),
		talk(host(4), probe.UDPPing, probe.Silent), talk(host(4), probe.TCPCrawl, probe.Closed),
		talk(host(5), probe.UDPPing, probe.OutOfScope),
		talk(host(6), probe.UDPPing, probe.LocalLimit), talk(host(6), probe.TCPCrawl, probe.ConnectionRefused),
	)
	s.Close()
	s = resume(t, db, s.ID())
	v, err := s.Vouchers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]struct {
		by    []int
		times int
	}{1: {nil, 0}, 3: {[]int{1}, 1}, 4: {[]int{1, 2}, 2}, 5: {[]int{1}, 1}, 6: {nil, 0}, 99: {nil, 0}} {
		by, times := v.Of(host(n))
		if known := slices.ContainsFunc(want.by, func(n int) bool { return by == host(n) }); times != want.times || known != (times > 0) {
			t.Errorf("host %d was named %d times, by %v", n, times, by)
		}
	}
	strangers, err := s.Strangers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(strangers, func(a, b storage.Stranger) int { return a.Addr.Compare(b.Addr) })
	want := []storage.Stranger{{Addr: host(3).Addr.Addr(), Sent: 2}, {Addr: host(6).Addr.Addr(), Sent: 1}}
	if !slices.Equal(want, strangers) {
		t.Errorf("strangers %v, want %v", strangers, want)
	}
}

// Who was asked lately is found in all crawls that may have asked since, and in no others.
func TestAskedSince(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	now := time.Now()
	at := func(o probe.Observation, started time.Time, took time.Duration) probe.Observation {
		o.Started, o.Took = started, took
		return o
	}
	one, two := begin(t, db), begin(t, db)
	record(t, one,
		at(talk(host(1), probe.UDPPing, probe.Answered), now.Add(-3*time.Minute), time.Second),
		at(talk(host(1), probe.UDPPing, probe.Answered), now.Add(-time.Minute), time.Second),
		at(talk(host(1), probe.TCPCrawl, probe.Refused), now.Add(-10*time.Minute), 6*time.Minute),
		at(talk(host(2), probe.UDPPing, probe.Silent), now.Add(-10*time.Minute), time.Second),
		at(talk(host(3), probe.UDPPing, probe.OutOfScope), now, 0),
	)
	record(t, two, at(talk(host(4), probe.UDPPing, probe.Silent), now, time.Second))
	if err := two.Finish(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	asked := func(since time.Time) map[string]bool {
		all, err := db.AskedSince(t.Context(), probe.Gnutella, since)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, a := range all {
			got[fmt.Sprint(a.Addr, a.Method, a.At.Sub(now).Round(time.Second))] = true
		}
		return got
	}
	want := map[string]bool{
		fmt.Sprint(host(1).Addr, probe.UDPPing, -59*time.Second): true,
		fmt.Sprint(host(1).Addr, probe.TCPCrawl, -4*time.Minute): true,
		fmt.Sprint(host(4).Addr, probe.UDPPing, time.Second):     true,
	}
	if diff := cmp.Diff(want, asked(now.Add(-5*time.Minute))); diff != "" {
		t.Errorf("asked in five minutes (-want +got):\n%s", diff)
	}
	if got := asked(now.Add(time.Hour)); len(got) != 0 {
		t.Errorf("asked in an hour from now: %v", got)
	}
}
