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
