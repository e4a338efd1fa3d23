package lab

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestConnectTellsEverything(t *testing.T) {
	t.Parallel()
	plans := []Plan{
		{Ultrapeers: 1},
		{Ultrapeers: 1, Leaves: 5, Parents: 1},
		{Ultrapeers: 3, Leaves: 5},
		{Ultrapeers: 200, Leaves: 1800},
		{Ultrapeers: 200, Leaves: 1800, Degree: 30, Parents: 5},
		{Ultrapeers: 40, Leaves: 360, Dead: 0.2, Firewalled: 0.1, Slow: 0.1, Full: 0.2, Unaware: 0.2, Leaving: 0.1},
		{Ultrapeers: 40, Leaves: 100, Full: 0.5, Unaware: 0.4},
	}
	for i, p := range plans {
		p.Seed = uint64(i)
		t.Run(fmt.Sprintf("%du%dl", p.Ultrapeers, p.Leaves), func(t *testing.T) {
			t.Parallel()
			p := p.withDefaults()
			if err := p.Validate(); err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(p.Seed, 1))
			behaviours := population(p, r)
			checkGraph(t, p, behaviours, connect(p, behaviours, r))
		})
	}
}

// checkGraph walks as a crawler does: it hears of a host only from one that tells.
func checkGraph(t *testing.T, p Plan, behaviours []Behaviour, g graph) {
	t.Helper()
	start, living, links := -1, 0, 0
	for i, b := range behaviours {
		if b == Dead {
			if len(g[i]) > 0 {
				t.Errorf("host %d is dead and has links", i)
			}
			continue
		}
		living++
		if i >= p.Ultrapeers {
			if len(g[i]) != p.Parents {
				t.Errorf("leaf %d has %d parents", i, len(g[i]))
			}
		} else if b.tells() {
			start = i
		}
		seen := map[int]bool{}
		for _, j := range g[i] {
			if i >= p.Ultrapeers && j >= p.Ultrapeers || i == j || seen[j] {
				t.Errorf("link from %d to %d", i, j)
			}
			if !b.tells() && !behaviours[j].tells() {
				t.Errorf("nobody tells of the link of %d, %s, and %d, %s", i, b, j, behaviours[j])
			}
			seen[j] = true
			if i < p.Ultrapeers && j < p.Ultrapeers {
				links++
			}
		}
	}
	heard, queue := map[int]bool{start: true}, []int{start}
	for ; len(queue) > 0; queue = queue[1:] {
		if !behaviours[queue[0]].tells() {
			continue
		}
		for _, j := range g[queue[0]] {
			if !heard[j] {
				heard[j] = true
				queue = append(queue, j)
			}
		}
	}
	if len(heard) != living {
		t.Errorf("from host %d on a crawler hears of %d hosts of %d", start, len(heard), living)
	}
	if mean := float64(links) / float64(p.Ultrapeers); p.Ultrapeers >= 200 && mean < 0.95*float64(p.Degree) {
		t.Errorf("mean degree %.2f, want %d", mean, p.Degree)
	}
}
