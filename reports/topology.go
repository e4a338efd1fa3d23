package reports

import (
	"context"
	"slices"
	"sync"

	"gnucensus/reports/graph"
	"gnucensus/storage"
)

// topology is the graph of a snapshot, and those that it is held against.
type topology struct {
	*structure
	visits    *storage.Visits
	visited   []bool
	whole     []bool                        // told all of its links
	ownRoles  []string                      // by host: ultrapeer or leaf; empty: it did not tell
	toldRoles []string                      // by the word of its neighbours
	leafLinks *graph.Graph                  // only the links between an ultrapeer and a leaf
	among     func() *structure             // the visited hosts and the links between them alone
	random    func() *structure             // as many links, and hosts as have a known degree, at random
	tails     func() map[string]*graph.Tail // by the kind of links, as report.degree_distribution calls it
	err       error                         // why something could not be measured
}

// randomSeed makes the random graph of a snapshot the same each time.
const randomSeed = 1

// readTopology reads the links that a snapshot held when it had a size, and what else a graph needs to know of its hosts. The
// graph numbers hosts from 0, the database from 1.
func readTopology(ctx context.Context, db *storage.DB, snapshot int64, at storage.Size) (*topology, error) {
	visits, err := db.Visits(ctx, snapshot, at)
	if err != nil {
		return nil, err
	}
	t := &topology{
		visits: visits, visited: visits.Visited(), whole: visits.Whole(),
		ownRoles: visits.Roles(), toldRoles: make([]string, at.Endpoints),
	}
	all, ofLeaves := graph.NewBuilder(len(t.visited)), graph.NewBuilder(len(t.visited))
	err = db.Links(ctx, snapshot, at, func(l storage.Links) error {
		t.hear(l)
		if t.ofLeaves(l) {
			if err := addLinks(ofLeaves, l); err != nil {
				return err
			}
		}
		return addLinks(all, l)
	})
	if err != nil {
		return nil, err
	}
	t.leafLinks = ofLeaves.Graph()
	t.measure(ctx, all.Graph())
	t.tails = sync.OnceValue(func() map[string]*graph.Tail {
		tails, err := readTails(ctx, db, snapshot)
		if err != nil {
			t.err = err
		}
		return tails
	})
	return t, nil
}

// measure makes ready what is computed of the graph when it is first asked for.
func (t *topology) measure(ctx context.Context, g *graph.Graph) {
	t.structure = newStructure(ctx, g, told(g, t.visits.Listed()), &t.err)
	t.among = sync.OnceValue(func() *structure {
		if !slices.Contains(t.visited, false) {
			return t.structure
		}
		var among []bool
		for v, in := range t.visited {
			if in {
				among = append(among, t.told[v])
			}
		}
		return newStructure(ctx, t.Among(t.visited), among, &t.err)
	})
	t.random = sync.OnceValue(func() *structure {
		hosts := len(t.degreesOf(t.told))
		return newStructure(ctx, t.Random(hosts, randomSeed), slices.Repeat([]bool{true}, hosts), &t.err)
	})
}

// told tells of the hosts whether their degree is known: they listed their links, be it none, or somebody told of one.
func told(g *graph.Graph, listed []bool) []bool {
	for v := range listed {
		listed[v] = listed[v] || g.Degree(int32(v)) > 0
	}
	return listed
}

// visitedAlone is a measure of the visited hosts and the links between them alone.
func visitedAlone(measure func(*structure) float64) func(*topology) float64 {
	return func(t *topology) float64 { return measure(t.among()) }
}

// random is a measure of the random graph.
func random(measure func(*structure) float64) func(*topology) float64 {
	return func(t *topology) float64 { return measure(t.random()) }
}

func (t *topology) toldByBoth() float64   { return float64(t.Word(t.whole).Both) }
func (t *topology) contradicted() float64 { return float64(t.Word(t.whole).Contradicted) }
func (t *topology) toldByOne() float64    { return float64(t.Word(t.whole).Single) }

func (t *topology) edgesVisited() float64   { return float64(t.EdgesAmong(t.visited)) }
func (t *topology) edgesHeardOf() float64   { return t.edges() - t.edgesVisited() }
func (t *topology) largestHeardOf() float64 { return t.largestHosts() - t.largestVisited() }

func (t *topology) largestVisited() float64 {
	n, largest := 0, t.Weak().Largest()
	for v, component := range t.Weak().Of {
		if component == largest && t.visited[v] {
			n++
		}
	}
	return float64(n)
}

// giniOf is the Gini coefficient of the known degrees of the hosts that were visited, or of those that were not.
func giniOf(visited bool) func(*topology) float64 {
	return func(t *topology) float64 {
		chosen := make([]bool, t.Hosts())
		for v := range chosen {
			chosen[v] = t.told[v] && t.visited[v] == visited
		}
		return graph.Gini(t.degreesOf(chosen))
	}
}
