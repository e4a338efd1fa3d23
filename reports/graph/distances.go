package graph

import (
	"context"
	"math"
	"math/bits"
)

// lanes searches run at once, one for each bit of a word.
const lanes = 64

// Distances is how far apart hosts are, in links, direction dropped.
type Distances struct {
	Sources int     // hosts that were searched from
	Pairs   []int64 // by distance, from 0: a source and a host at that distance from it
	// Diameter lies between these two; they are equal when every host was a source.
	Least, Most int
}

// exactHosts is how many hosts a graph may have for all pairs of them to be measured; of a larger one, the distances from
// sampledSources hosts of its largest component are.
const (
	exactHosts     = 100_000
	sampledSources = 64
)

// Sources returns the hosts to measure distances from: nil, for all, or every n-th of the largest component.
func (g *Graph) Sources(weak Partition) []int32 {
	if g.hosts <= exactHosts {
		return nil
	}
	largest := weak.Largest()
	every := max(1, weak.Sizes[largest]/sampledSources)
	var sources []int32
	seen := 0
	for v, component := range weak.Of {
		if component != largest {
			continue
		}
		if seen%every == 0 && len(sources) < sampledSources {
			sources = append(sources, int32(v))
		}
		seen++
	}
	return sources
}

// Distances searches the graph breadth first from the given sources, or from every host when there are none. Pairs of hosts
// without a path between them are left out. From a sample of sources the upper bound of the diameter holds for the
// component of the sources alone, so they should be of one. The one error is that of a context that ended.
//
// The searches run 64 at a time (Then and others, "The more the merrier", 2014): each host has a word with a bit for each
// search that has come to it, and a host's next word is the union of those of its neighbours.
func (g *Graph) Distances(ctx context.Context, sources []int32) (Distances, error) {
	all := len(sources) == 0
	if all {
		sources = make([]int32, g.hosts)
		for v := range sources {
			sources[v] = int32(v)
		}
	}
	d := Distances{Sources: len(sources)}
	s := newSearch(g.links, g.hosts)
	radius := -1
	for len(sources) > 0 {
		if err := ctx.Err(); err != nil {
			return Distances{}, err
		}
		batch := sources[:min(lanes, len(sources))]
		sources = sources[len(batch):]
		farthest := s.run(batch, &d)
		for _, far := range farthest[:len(batch)] {
			if d.Least = max(d.Least, far); radius < 0 || far < radius {
				radius = far
			}
		}
	}
	d.Most = d.Least
	if !all {
		d.Most = max(d.Least, 2*radius)
	}
	return d, nil
}

// Mean returns the mean distance of two different hosts that are joined by a path.
func (d Distances) Mean() float64 {
	var pairs, sum float64
	for distance, n := range d.Pairs {
		if distance > 0 {
			pairs += float64(n)
			sum += float64(distance) * float64(n)
		}
	}
	return ratio(sum, pairs)
}

// Effective returns the effective diameter (Leskovec and others 2005): the distance, interpolated between whole ones,
// within which a share q of the pairs lies. A host and itself are a pair at distance 0.
func (d Distances) Effective(q float64) float64 {
	var total float64
	for _, n := range d.Pairs {
		total += float64(n)
	}
	want, below := q*total, 0.0
	for distance, n := range d.Pairs {
		if n := float64(n); below+n >= want {
			if distance == 0 {
				return 0
			}
			return float64(distance-1) + (want-below)/n
		}
		below += float64(n)
	}
	return math.NaN()
}

// search holds the words of up to 64 searches that run together.
type search struct {
	links            rows
	seen, last, next []uint64 // by host: searches that have come to it; those that came in the last step, in this one
}

func newSearch(links rows, hosts int) *search {
	return &search{links: links, seen: make([]uint64, hosts), last: make([]uint64, hosts), next: make([]uint64, hosts)}
}

// run searches from one batch of sources, adds the pairs to d and returns how far each search came.
func (s *search) run(sources []int32, d *Distances) (farthest [lanes]int) {
	clear(s.seen)
	clear(s.last)
	for lane, v := range sources {
		s.seen[v] |= 1 << lane
		s.last[v] |= 1 << lane
	}
	now := arrivals{searches: ^uint64(0) >> (lanes - len(sources)), pairs: int64(len(sources))}
	for distance := 0; now.pairs > 0; distance++ {
		if distance == len(d.Pairs) {
			d.Pairs = append(d.Pairs, 0)
		}
		d.Pairs[distance] += now.pairs
		for b := now.searches; b != 0; b &= b - 1 {
			farthest[bits.TrailingZeros64(b)] = distance
		}
		now = s.step(now.searches)
		s.last, s.next = s.next, s.last
	}
	return farthest
}

// arrivals are what a step found: pairs of a search and a host that it came to, and the searches that came to any.
type arrivals struct {
	pairs    int64
	searches uint64
}

func (a *arrivals) add(came uint64) {
	a.pairs += int64(bits.OnesCount64(came))
	a.searches |= came
}

// sparse is how many times as many links as those of the hosts that were come to last a graph must have for these to be
// followed. Where it has fewer, every host asks its neighbours instead: it may stop when it has heard enough (Beamer, Asanović
// and Patterson 2012).
const sparse = 20

// step takes every running search one link further.
func (s *search) step(running uint64) arrivals {
	follow := 0
	for v, last := range s.last {
		if last != 0 {
			follow += s.links.start[v+1] - s.links.start[v]
		}
	}
	if follow < len(s.links.list)/sparse {
		return s.follow()
	}
	parts := make([]arrivals, workers())
	share(len(s.last), func(worker int, from, to int32) { s.ask(&parts[worker], running, from, to) })
	var found arrivals
	for _, p := range parts {
		found.pairs += p.pairs
		found.searches |= p.searches
	}
	return found
}

// follow goes along the links of the hosts that searches came to in the last step.
func (s *search) follow() (found arrivals) {
	clear(s.next)
	for v, last := range s.last {
		if last != 0 {
			for _, w := range s.links.row(int32(v)) {
				s.next[w] |= last
			}
		}
	}
	for v, came := range s.next {
		if came &^= s.seen[v]; came != 0 {
			s.seen[v] |= came
			found.add(came)
		}
		s.next[v] = came
	}
	return found
}

// ask looks, for the hosts of a range, which searches came to their neighbours in the last step.
func (s *search) ask(found *arrivals, running uint64, from, to int32) {
	for v := from; v < to; v++ {
		missing := running &^ s.seen[v]
		var came uint64
		if missing != 0 {
			for _, w := range s.links.row(v) {
				if came |= s.last[w]; came&missing == missing {
					break
				}
			}
			came &= missing
		}
		s.next[v] = came
		s.seen[v] |= came
		found.add(came)
	}
}
