package crawler

import (
	"testing"

	"gnucensus/probe"
)

// poisoned is a chain of n hosts, each of which the seed names too, and whose second names many that nobody else does.
func poisoned(n, lies int) [][]int {
	names := make([][]int, n+lies)
	for i := range n - 1 {
		names[0] = append(names[0], i+1)
		names[i] = append(names[i], i+1)
	}
	for i := range lies {
		names[1] = append(names[1], n+i)
	}
	return names
}

// passedOver counts the hosts that were recorded without a visit.
func (m *memory) passedOver() (n int) {
	for _, b := range m.batches {
		for _, o := range b {
			if o.Method == probe.PassedOver && o.Outcome == probe.OutOfScope {
				n++
			}
		}
	}
	return n
}

func TestAHostThatNamesManyIsBelievedUpToABound(t *testing.T) {
	const hosts, lies, bound = 30, 5000, 40
	for name, test := range map[string]struct {
		cfg     Config
		visited int
	}{
		"bound":    {Config{OneWord: bound, BatchSize: 64}, hosts + bound},
		"by lot":   {Config{OneWord: bound, Seed: 7}, hosts + bound},
		"no bound": {Config{}, hosts + lies},
	} {
		t.Run(name, func(t *testing.T) {
			g, m := &graph{names: poisoned(hosts, lies)}, &memory{}
			s := run(t, test.cfg, g, m)
			if !s.Complete || s.Heard != hosts+lies || s.Visited != test.visited || len(g.visited) != test.visited {
				t.Errorf("summary %+v, %d visits, want %d of %d, and complete", s, len(g.visited), test.visited, hosts+lies)
			}
			if got := m.passedOver(); got != hosts+lies-test.visited || got+test.visited != len(m.hosts()) {
				t.Errorf("%d hosts passed over, %d observations", got, len(m.hosts()))
			}
		})
	}
}

// A host that is held back is visited as soon as a second one names it.
func TestASecondWordLetsAHostIn(t *testing.T) {
	names := poisoned(4, 100)
	for i := range 50 {
		names[3] = append(names[3], 4+i) // the last real host knows half of them
	}
	g, m := &graph{names: names}, &memory{}
	if s := run(t, Config{OneWord: 10, Workers: 1}, g, m); !s.Complete || s.Visited < 54 || s.Visited > 64 {
		t.Errorf("summary %+v, want the 54 that two name and some of the others", s)
	}
	if got := m.passedOver() + len(g.visited); got != 104 {
		t.Errorf("%d hosts were visited or passed over, want all", got)
	}
}

// A walk that ends early passes over what it would have passed over, and leaves the rest to the run that resumes it.
func TestABoundedWalkLeavesNoPoisonBehind(t *testing.T) {
	g, m := &graph{names: poisoned(4, 1000)}, &memory{}
	s := run(t, Config{OneWord: 10, MaxHosts: 6}, g, m)
	if s.Complete || s.Visited != 6 {
		t.Errorf("summary %+v, want 6 visits and not complete", s)
	}
	if left := 1004 - 6 - m.passedOver(); left > 10 {
		t.Errorf("%d hosts are left to a run that resumes this one, want at most 10", left)
	}
}

// recollection is who named whom in the batches of a sink.
func recollection(m *memory) func(probe.Endpoint) (probe.Endpoint, int) {
	named := map[probe.Endpoint]map[probe.Endpoint]bool{}
	for _, b := range m.batches {
		for _, o := range b {
			for _, p := range o.Peers {
				if named[p.Endpoint] == nil {
					named[p.Endpoint] = map[probe.Endpoint]bool{}
				}
				named[p.Endpoint][o.Endpoint] = true
			}
		}
	}
	return func(e probe.Endpoint) (by probe.Endpoint, times int) {
		for by = range named[e] {
			break
		}
		return by, len(named[e])
	}
}

// A walk that was killed has noted nobody as passed over. The one that goes on believes liars no more than one whole walk
// does, and still begins with those whom more hosts name.
func TestAKilledWalkForgetsNoPoison(t *testing.T) {
	const hosts, lies, bound = 30, 1000, 40
	g, killed := &graph{names: poisoned(hosts, lies)}, &memory{}
	run(t, Config{OneWord: bound, MaxHosts: hosts + 10}, g, killed)
	cfg := Config{OneWord: bound, Workers: 1, Vouched: recollection(killed)}
	seeds := []probe.Endpoint{host(0)}
	for _, b := range killed.batches {
		for _, o := range b {
			if o.Method == probe.PassedOver {
				continue // the kill came before
			}
			cfg.Visited = append(cfg.Visited, o.Endpoint)
			for _, p := range o.Peers {
				seeds = append(seeds, p.Endpoint)
			}
		}
	}
	before := len(g.visited)
	s, err := New(cfg, g, &memory{}).Run(t.Context(), seeds)
	if err != nil || !s.Complete {
		t.Fatalf("%+v, %v", s, err)
	}
	if len(g.visited) != hosts+bound || before != hosts+10 {
		t.Errorf("%d visits before the kill and %d after, want %d in all", before, len(g.visited)-before, hosts+bound)
	}
}

func TestAResumedWalkBeginsWithThoseWhomMoreName(t *testing.T) {
	g := &graph{names: make([][]int, 10)}
	cfg := Config{Workers: 1, Vouched: func(e probe.Endpoint) (probe.Endpoint, int) {
		if e == host(7) {
			return host(0), 4
		}
		return host(0), 1
	}}
	if _, err := New(cfg, g, &memory{}).Run(t.Context(), []probe.Endpoint{host(1), host(2), host(7), host(3)}); err != nil {
		t.Fatal(err)
	}
	if len(g.visited) != 4 || g.visited[0] != 7 {
		t.Errorf("visited %v", g.visited)
	}
}
