package graph

import (
	"context"
	"math"
	"math/bits"
	"runtime"
	"sync"
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
	parts            []part
}

// part is the range of hosts that one worker looks after, and what it found in the step at hand.
type part struct {
	from, to int32
	found    int64  // pairs
	reached  uint64 // searches that came to a host
}

func newSearch(links rows, hosts int) *search {
	s := &search{links: links, seen: make([]uint64, hosts), last: make([]uint64, hosts), next: make([]uint64, hosts)}
	// Each part has about as many links as any other.
	workers := runtime.GOMAXPROCS(0)
	from := 0
	for i := range workers {
		to := from
		for to < hosts && (i == workers-1 || links.start[to] < len(links.list)/workers*(i+1)) {
			to++
		}
		s.parts = append(s.parts, part{from: int32(from), to: int32(to)})
		from = to
	}
	return s
}

// run searches from one batch of sources, adds the pairs to d and returns how far each search came.
func (s *search) run(sources []int32, d *Distances) (farthest [lanes]int) {
	clear(s.seen)
	clear(s.last)
	for lane, v := range sources {
		s.seen[v] |= 1 << lane
		s.last[v] |= 1 << lane
	}
	running := ^uint64(0) >> (lanes - len(sources))
	found := int64(len(sources))
	for distance := 0; found > 0; distance++ {
		if distance == len(d.Pairs) {
			d.Pairs = append(d.Pairs, 0)
		}
		d.Pairs[distance] += found
		for b := running; b != 0; b &= b - 1 {
			farthest[bits.TrailingZeros64(b)] = distance
		}
		found, running = s.step(running)
		s.last, s.next = s.next, s.last
	}
	return farthest
}

// step takes every running search one link further.
func (s *search) step(running uint64) (found int64, reached uint64) {
	var workers sync.WaitGroup
	for i := range s.parts {
		workers.Go(func() { s.advance(&s.parts[i], running) })
	}
	workers.Wait()
	for _, p := range s.parts {
		found += p.found
		reached |= p.reached
	}
	return found, reached
}

func (s *search) advance(p *part, running uint64) {
	p.found, p.reached = 0, 0
	for v := p.from; v < p.to; v++ {
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
		p.found += int64(bits.OnesCount64(came))
		p.reached |= came
	}
}
