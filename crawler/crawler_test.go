package crawler

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gnucensus/probe"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// host is the nth host of a test network.
func host(n int) probe.Endpoint {
	addr := netip.AddrFrom4([4]byte{127, 40 + byte(n>>16), byte(n >> 8), byte(n)})
	return probe.Endpoint{Network: probe.Gnutella, Addr: netip.AddrPortFrom(addr, 6346)}
}

// A graph is a network that answers from memory: host n names the hosts of its nth row.
type graph struct {
	names [][]int
	takes time.Duration                                          // time of a visit
	visit func(ctx context.Context, n int, o *probe.Observation) // may change the observation; nil: leave it

	mu      sync.Mutex
	visited []int // in order
}

func (g *graph) Survey(ctx context.Context, hosts <-chan []probe.Endpoint, visits chan<- []probe.Visit) {
	prober(g.probe).Survey(ctx, hosts, visits)
}

func (g *graph) probe(ctx context.Context, e probe.Endpoint) []probe.Observation {
	ip := e.Addr.Addr().As4()
	n := int(ip[1]-40)<<16 | int(ip[2])<<8 | int(ip[3])
	g.mu.Lock()
	g.visited = append(g.visited, n)
	g.mu.Unlock()

	o := probe.Observation{Endpoint: e, Method: probe.TCPCrawl, Started: time.Now(), Outcome: probe.Answered}
	if g.takes > 0 {
		select {
		case <-time.After(g.takes):
		case <-ctx.Done():
			o.Outcome = probe.Cancelled
		}
	}
	for _, i := range g.names[n] {
		o.Peers = append(o.Peers, probe.Peer{Endpoint: host(i), Relation: probe.PeerLink})
	}
	if g.visit != nil {
		g.visit(ctx, n, &o)
	}
	return []probe.Observation{o}
}

// A memory is a sink.
type memory struct {
	record  func(ctx context.Context) error // nil: always succeeds
	batches [][]probe.Observation
	times   []time.Time
}

func (m *memory) Record(ctx context.Context, obs []probe.Observation) error {
	if m.record != nil {
		if err := m.record(ctx); err != nil {
			return err
		}
	}
	m.batches = append(m.batches, slices.Clone(obs))
	m.times = append(m.times, time.Now())
	return nil
}

// hosts returns the addresses recorded, sorted, each as often as it was recorded.
func (m *memory) hosts() []string {
	var all []string
	for _, b := range m.batches {
		for _, o := range b {
			all = append(all, o.Addr.String())
		}
	}
	slices.Sort(all)
	return all
}

// chain is a network in which each host names only the next.
func chain(n int) [][]int {
	names := make([][]int, n)
	for i := range n - 1 {
		names[i] = []int{i + 1}
	}
	return names
}

// star is a network in which the first host names all others.
func star(n int) [][]int {
	names := make([][]int, n)
	for i := 1; i < n; i++ {
		names[0] = append(names[0], i)
	}
	return names
}

func run(t *testing.T, cfg Config, g *graph, m *memory) Summary {
	t.Helper()
	s, err := New(cfg, g, m).Run(t.Context(), []probe.Endpoint{host(0)})
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	return s
}

func TestEveryHostIsVisitedOnceInTheOrderOfHearing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &graph{names: [][]int{{3, 1, 3}, {0, 2, 1}, {}, {4, 0}, {2, 3}}, takes: time.Second}
		m := &memory{}
		s := run(t, Config{Workers: 1}, g, m)
		if diff := cmp.Diff([]int{0, 3, 1, 4, 2}, g.visited); diff != "" {
			t.Errorf("order of visits (-want +got):\n%s", diff)
		}
		want := Summary{Complete: true, Heard: 5, Visited: 5, Reached: 5, Took: 5 * time.Second}
		if diff := cmp.Diff(want, s); diff != "" {
			t.Errorf("summary (-want +got):\n%s", diff)
		}
	})
}

func TestHostsThatCannotBeVisitedAreNotHeard(t *testing.T) {
	portless := probe.Endpoint{Network: probe.Gnutella, Addr: netip.MustParseAddrPort("127.40.0.9:0")}
	mapped := probe.Endpoint{Network: probe.Gnutella, Addr: netip.MustParseAddrPort("[::ffff:127.40.0.0]:6346")}
	g, m := &graph{names: chain(1)}, &memory{}
	s, err := New(Config{}, g, m).Run(t.Context(), []probe.Endpoint{portless, {}, mapped, host(0)})
	if err != nil {
		t.Fatal(err)
	}
	if s.Heard != 1 || s.Visited != 1 {
		t.Errorf("heard %d and visited %d, want the one host", s.Heard, s.Visited)
	}
}

func TestFailedVisitsAreRecordedAndNotReached(t *testing.T) {
	g, m := &graph{names: star(4)}, &memory{}
	g.visit = func(_ context.Context, n int, o *probe.Observation) {
		o.Outcome = []probe.Outcome{probe.Refused, probe.Silent, probe.OutOfScope, probe.Unsupported}[n]
	}
	s := run(t, Config{}, g, m)
	if !s.Complete || s.Visited != 3 || s.Reached != 2 {
		t.Errorf("summary %+v, want complete, 3 visited, 2 reached", s)
	}
	if got := len(m.hosts()); got != 4 {
		t.Errorf("%d observations recorded, want 4", got)
	}
}

func TestBatchIsWrittenWhenFull(t *testing.T) {
	g, m := &graph{names: chain(10)}, &memory{}
	run(t, Config{Workers: 1, BatchSize: 4, BatchAge: time.Hour}, g, m)
	var sizes []int
	for _, b := range m.batches {
		sizes = append(sizes, len(b))
	}
	if diff := cmp.Diff([]int{4, 4, 2}, sizes); diff != "" {
		t.Errorf("sizes of batches (-want +got):\n%s", diff)
	}
}

// Each of the hosts names eight others, which count as much as one observation.
func TestBatchIsSmallerWhenManyAreNamed(t *testing.T) {
	names := make([][]int, 8)
	for i := range names {
		names[i] = []int{0, 1, 2, 3, 4, 5, 6, 7}
	}
	m := &memory{}
	run(t, Config{Workers: 1, BatchSize: 4, BatchAge: time.Hour}, &graph{names: names}, m)
	if len(m.batches) != 4 || len(m.batches[0]) != 2 {
		t.Errorf("%d batches, the first of %d observations", len(m.batches), len(m.batches[0]))
	}
}

func TestBatchIsWrittenWhenOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, m := &graph{names: chain(4), takes: 3 * time.Second}, &memory{}
		started := time.Now()
		run(t, Config{BatchAge: 5 * time.Second}, g, m)
		var after []time.Duration
		for _, at := range m.times {
			after = append(after, at.Sub(started))
		}
		// The first batch opens at 3 s and is old at 8 s, when it holds the visits of 3 s and 6 s.
		if diff := cmp.Diff([]time.Duration{8 * time.Second, 12 * time.Second}, after); diff != "" {
			t.Errorf("times of writing (-want +got):\n%s", diff)
		}
	})
}

func TestMaxHostsBoundsTheVisits(t *testing.T) {
	g, m := &graph{names: star(10)}, &memory{}
	s := run(t, Config{MaxHosts: 4}, g, m)
	if s.Complete || s.Visited != 4 || s.Heard != 10 {
		t.Errorf("summary %+v, want 4 of 10 visited, not complete", s)
	}
	if s := run(t, Config{MaxHosts: 10}, &graph{names: star(10)}, m); !s.Complete {
		t.Error("a walk that its bound did not cut short is not complete")
	}
}

func TestDurationBoundsTheWalkAndCutsNoVisitOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, m := &graph{names: chain(100), takes: 2 * time.Second}, &memory{}
		s := run(t, Config{Duration: 5 * time.Second}, g, m)
		want := Summary{Heard: 4, Visited: 3, Reached: 3, Took: 6 * time.Second}
		if diff := cmp.Diff(want, s); diff != "" {
			t.Errorf("summary (-want +got):\n%s", diff)
		}
	})
}

func TestStoppedWalkRecordsWhatItSaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		g, m := &graph{names: star(10), takes: time.Second}, &memory{}
		m.record = func(ctx context.Context) error {
			if _, bounded := ctx.Deadline(); !bounded || ctx.Err() != nil {
				t.Errorf("last batch is written under a context with bound %v and error %v", bounded, ctx.Err())
			}
			return nil
		}
		time.AfterFunc(2500*time.Millisecond, stop) // in the second round of visits, all of them named by the first
		s, err := New(Config{Workers: 4, BatchAge: time.Hour}, g, m).Run(ctx, []probe.Endpoint{host(0)})
		if err != nil {
			t.Fatalf("Run: %v", err)
		}
		want := Summary{Heard: 10, Visited: 5, Reached: 5, Took: 2500 * time.Millisecond}
		if diff := cmp.Diff(want, s); diff != "" {
			t.Errorf("summary (-want +got):\n%s", diff)
		}
		if got := len(m.hosts()); got != 5 {
			t.Errorf("%d observations recorded, want the 5 whole ones", got)
		}
		if got := len(g.visited); got != 9 {
			t.Errorf("%d visits begun, want none after the stop", got)
		}
	})
}

func TestVisitCutOffInOneConversationIsNotRecordedAtAll(t *testing.T) {
	half := prober(func(_ context.Context, e probe.Endpoint) []probe.Observation {
		return []probe.Observation{
			{Endpoint: e, Method: probe.UDPPing, Outcome: probe.Answered},
			{Endpoint: e, Method: probe.TCPCrawl, Outcome: probe.Cancelled},
		}
	})
	m := &memory{}
	s, err := New(Config{}, half, m).Run(t.Context(), []probe.Endpoint{host(0)})
	if err != nil {
		t.Fatal(err)
	}
	if s.Complete || s.Visited != 0 || len(m.batches) != 0 {
		t.Errorf("summary %+v and %d batches, want nothing recorded and the walk not complete", s, len(m.batches))
	}
}

// A prober visits each host in a goroutine of its own.
type prober func(context.Context, probe.Endpoint) []probe.Observation

func (p prober) Survey(ctx context.Context, hosts <-chan []probe.Endpoint, visits chan<- []probe.Visit) {
	var underWay sync.WaitGroup
	defer underWay.Wait()
	for some := range hosts {
		for _, e := range some {
			underWay.Go(func() {
				v := probe.Visit{Endpoint: e}
				if ctx.Err() == nil {
					v.Observations = p(ctx, e)
				}
				visits <- []probe.Visit{v}
			})
		}
	}
}

func TestSinkErrorStopsTheWalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		g, m := &graph{names: star(100), takes: time.Second}, &memory{}
		m.record = func(context.Context) error { return full }
		started := time.Now()
		s, err := New(Config{Workers: 10, BatchSize: 5, BatchAge: time.Hour}, g, m).Run(t.Context(), []probe.Endpoint{host(0)})
		if !errors.Is(err, full) || !strings.Contains(err.Error(), "visits not recorded") {
			t.Errorf("error %v, want the sink's, with the number of visits", err)
		}
		if s.Complete || s.Visited != 0 {
			t.Errorf("summary %+v counts visits that were not recorded", s)
		}
		if took := time.Since(started); took > 2*time.Second {
			t.Errorf("walk went on for %v", took)
		}
	})
}

func TestSlowSinkSlowsTheWalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, m := &graph{names: star(1000)}, &memory{}
		m.record = func(context.Context) error {
			before := len(g.begun())
			time.Sleep(time.Minute) // of the bubble
			if begun := len(g.begun()) - before; begun > 100+2*3 {
				t.Errorf("%d visits begun while a batch was written", begun)
			}
			return nil
		}
		if s := run(t, Config{Workers: 3, BatchSize: 100, WriteTimeout: time.Hour}, g, m); !s.Complete {
			t.Error("walk is not complete")
		}
	})
}

func (g *graph) begun() []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.visited)
}

func TestAdmitPacesVisits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, m := &graph{names: star(10)}, &memory{}
		next := time.Now()
		admit := func(n int) (int, time.Duration) {
			if wait := time.Until(next); n < 1 || wait > 0 {
				return 0, wait
			}
			next = next.Add(time.Second)
			return 1, 0
		}
		if s := run(t, Config{Admit: admit}, g, m); !s.Complete || s.Took != 9*time.Second {
			t.Errorf("10 visits at one a second took %v", s.Took)
		}
	})
}

// Host 0 names 1 to 9, and hosts 1 and 2 name 9 too, which then comes before all others.
func TestHostsVouchedForByMoreComeFirst(t *testing.T) {
	names := star(10)
	names[1], names[2] = []int{9, 9}, []int{9, 0}
	g := &graph{names: names}
	run(t, Config{Workers: 1}, g, &memory{})
	if diff := cmp.Diff([]int{0, 1, 9, 2, 3, 4, 5, 6, 7, 8}, g.visited); diff != "" {
		t.Errorf("order of visits (-want +got):\n%s", diff)
	}
}

func TestSeedDrawsTheOrder(t *testing.T) {
	order := func(seed uint64) []int {
		g := &graph{names: star(50)}
		run(t, Config{Workers: 1, Seed: seed}, g, &memory{})
		return g.visited
	}
	once := order(7)
	if diff := cmp.Diff(once, order(7)); diff != "" {
		t.Errorf("one seed gives two orders:\n%s", diff)
	}
	if slices.Equal(once, order(8)) || slices.IsSorted(once) {
		t.Errorf("seeds do not change the order: %v", once)
	}
	slices.Sort(once)
	if !slices.Equal(once, order(0)) {
		t.Errorf("the hosts are %v", once)
	}
}

// Of three hosts, one never answers, and one only when it is asked again.
func TestHostsThatTimedOutAreVisitedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, m := &graph{names: star(3), takes: time.Second}, &memory{}
		var late sync.Map
		g.visit = func(_ context.Context, n int, o *probe.Observation) {
			_, again := late.LoadOrStore(n, true)
			switch {
			case n == 2, n == 1 && !again:
				o.Outcome = probe.ConnectTimeout
			}
		}
		s := run(t, Config{Revisit: time.Minute}, g, m)
		want := Summary{Complete: true, Heard: 3, Visited: 3, Reached: 2, Took: time.Minute + 3*time.Second}
		if diff := cmp.Diff(want, s); diff != "" {
			t.Errorf("summary (-want +got):\n%s", diff)
		}
		slices.Sort(g.visited)
		if diff := cmp.Diff([]int{0, 1, 1, 2, 2}, g.visited); diff != "" || len(m.hosts()) != 5 {
			t.Errorf("%d visits recorded; made were (-want +got):\n%s", len(m.hosts()), diff)
		}
	})
}

// Of three hosts, this side failed twice to visit one, and once to visit another: only whom an outcome is about was visited.
func TestVisitsThatFailedByThisSideDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &graph{names: star(3)}
		var late sync.Map
		g.visit = func(_ context.Context, n int, o *probe.Observation) {
			if _, again := late.LoadOrStore(n, true); n == 2 || n == 1 && !again {
				o.Outcome = probe.LocalLimit
			}
		}
		s := run(t, Config{Revisit: time.Minute}, g, &memory{})
		if want := (Summary{Complete: true, Heard: 3, Visited: 2, Reached: 2, Took: time.Minute}); s != want {
			t.Errorf("summary %+v, want %+v", s, want)
		}
	})
}

func TestDurationEndsTheWaitForAnotherVisit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &graph{names: star(1)}
		g.visit = func(_ context.Context, _ int, o *probe.Observation) { o.Outcome = probe.Silent }
		s := run(t, Config{Revisit: time.Hour, Duration: time.Minute}, g, &memory{})
		if want := (Summary{Heard: 1, Visited: 1, Took: time.Minute}); s != want {
			t.Errorf("summary %+v, want %+v", s, want)
		}
	})
}

func TestConfigIsValidated(t *testing.T) {
	for _, cfg := range []Config{
		{Workers: -1}, {MaxHosts: -1}, {BatchSize: -1},
		{Duration: -1}, {BatchAge: -1}, {WriteTimeout: -1}, {Revisit: -1},
	} {
		if _, err := New(cfg, &graph{}, &memory{}).Run(t.Context(), nil); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}

func TestProgressEndsAtTheSummary(t *testing.T) {
	g, m := &graph{names: star(10)}, &memory{}
	c := New(Config{MaxHosts: 6, Visited: []probe.Endpoint{host(20), host(21)}}, g, m)
	if _, err := c.Run(t.Context(), []probe.Endpoint{host(0)}); err != nil {
		t.Fatal(err)
	}
	want := Progress{Heard: 12, Queued: 4, Visited: 6, Reached: 6}
	if diff := cmp.Diff(want, c.Progress()); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

// However often a walk is stopped, the runs that resume it visit together what one whole run visits, each host once.
func TestResumedWalkVisitsWhatAWholeWalkVisits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "hosts")
		names := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, n-1), 0, 5), n, n).Draw(t, "names")
		whole, parts := &memory{}, &memory{}
		if _, err := New(Config{}, &graph{names: names}, whole).Run(context.Background(), []probe.Endpoint{host(0)}); err != nil {
			t.Fatal(err)
		}
		for complete := false; !complete; {
			complete = resume(t, names, parts)
		}
		if diff := cmp.Diff(whole.hosts(), parts.hosts()); diff != "" {
			t.Fatalf("hosts recorded, in one run and in several (-one +several):\n%s", diff)
		}
	})
}

// resume goes on from what m holds, and stops in the middle of a visit or, rarely, not at all.
func resume(t *rapid.T, names [][]int, m *memory) bool {
	cfg := Config{Workers: 3, BatchSize: rapid.IntRange(1, 10).Draw(t, "batch")}
	seeds := []probe.Endpoint{host(0)}
	for _, b := range m.batches {
		for _, o := range b {
			cfg.Visited = append(cfg.Visited, o.Endpoint)
			for _, p := range o.Peers {
				seeds = append(seeds, p.Endpoint)
			}
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var visits atomic.Int32
	last := rapid.Int32Range(1, 10).Draw(t, "visits")
	g := &graph{names: names, visit: func(ctx context.Context, _ int, o *probe.Observation) {
		if visits.Add(1) > last {
			stop()
			o.Outcome = probe.Cancelled
		}
	}}
	s, err := New(cfg, g, m).Run(ctx, seeds)
	if err != nil {
		t.Fatal(err)
	}
	return s.Complete
}
