package lab

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// A graph is the links between hosts by number, both ways, without order until [graph.sort].
type graph [][]int

func (g graph) link(a, b int) {
	g[a] = append(g[a], b)
	g[b] = append(g[b], a)
}

func (g graph) linked(a, b int) bool {
	if len(g[a]) > len(g[b]) {
		a, b = b, a
	}
	return slices.Contains(g[a], b)
}

func (g graph) sort() {
	for _, others := range g {
		slices.Sort(others)
	}
}

// connect links the living hosts, so that whoever starts at one that tells can hear of all others and of every link:
// the ultrapeers that tell are connected among each other, every host has one of them beside it, and of the two ends of
// a link at least one tells.
func connect(p Plan, behaviours []Behaviour, r *rand.Rand) graph {
	g := make(graph, len(behaviours))
	var ultrapeers, tellers []int
	for i, b := range behaviours[:p.Ultrapeers] {
		if b == Dead {
			continue
		}
		ultrapeers = append(ultrapeers, i)
		if b.tells() {
			tellers = append(tellers, i)
		}
	}
	mesh(g, p.Degree, behaviours, ultrapeers, tellers, r)
	toAny, toTeller := newLottery(ultrapeers, r), newLottery(tellers, r)
	for leaf := p.Ultrapeers; leaf < len(behaviours); leaf++ {
		if behaviours[leaf] == Dead {
			continue
		}
		g.link(leaf, toTeller.draw(r))
		from := toTeller
		if behaviours[leaf].tells() {
			from = toAny
		}
		for len(g[leaf]) < p.Parents {
			if parent := from.draw(r); !g.linked(leaf, parent) {
				g.link(leaf, parent)
			}
		}
	}
	g.sort()
	return g
}

// mesh links the ultrapeers: first a random tree, in which those that do not tell are leaves, then links at random until
// the average degree is reached, each host getting about as many as it was dealt.
func mesh(g graph, degree int, behaviours []Behaviour, ultrapeers, tellers []int, r *rand.Rand) {
	wanted := make([]int, len(g))
	for _, u := range ultrapeers {
		wanted[u] = max(1, int(math.Round(float64(degree)*variation(r, 0.6))))
	}
	order := slices.Clone(tellers)
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	grown := len(order)
	for _, u := range ultrapeers {
		if !behaviours[u].tells() {
			order = append(order, u)
		}
	}
	for i := 1; i < len(order); i++ {
		to := order[r.IntN(min(i, grown))]
		for tries := 0; len(g[to]) >= wanted[to] && tries < 8; tries++ {
			to = order[r.IntN(min(i, grown))]
		}
		g.link(order[i], to)
	}
	left := len(ultrapeers)*degree/2 - (len(ultrapeers) - 1)
	var stubs []int
	for round := 0; round < meshRounds && left > 0; round++ {
		stubs = stubs[:0]
		for _, u := range ultrapeers {
			for range wanted[u] - len(g[u]) {
				stubs = append(stubs, u)
			}
			wanted[u]++ // where the dealt numbers do not work out, everybody takes one more
		}
		r.Shuffle(len(stubs), func(i, j int) { stubs[i], stubs[j] = stubs[j], stubs[i] })
		for i := 0; i+1 < len(stubs) && left > 0; i += 2 {
			a, b := stubs[i], stubs[i+1]
			if a != b && (behaviours[a].tells() || behaviours[b].tells()) && !g.linked(a, b) {
				g.link(a, b)
				left--
			}
		}
	}
}

// meshRounds bounds how often the mesh tries to place its links: a small or muted lab has no room for all of them.
const meshRounds = 32

// variation is a positive random factor of mean 1, heavy-tailed: log-normal of the given width.
func variation(r *rand.Rand, width float64) float64 {
	return math.Exp(width*r.NormFloat64() - width*width/2)
}

// A lottery draws hosts, some far more often than others.
type lottery struct {
	hosts []int
	bound []float64 // of each host's part of the whole
}

func newLottery(hosts []int, r *rand.Rand) lottery {
	l := lottery{hosts: hosts, bound: make([]float64, len(hosts))}
	var total float64
	for i := range hosts {
		total += variation(r, 0.5)
		l.bound[i] = total
	}
	return l
}

func (l lottery) draw(r *rand.Rand) int {
	return l.hosts[sort.SearchFloat64s(l.bound, r.Float64()*l.bound[len(l.bound)-1])]
}
