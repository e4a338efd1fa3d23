package reports

import (
	"context"
	"math"
	"slices"

	"gnucensus/reports/graph"
	"gnucensus/sql"
	"gnucensus/storage"
)

// topology is a graph with what several measures need of it.
type topology struct {
	*graph.Graph
	visited []bool
	weak    graph.Partition
}

// measures are the statistics of a graph that SQL cannot compute. The third part of a name, if any, is the part of the hosts
// that the value is of.
var measures = []struct {
	name, method string
	compute      func(*topology) float64
}{
	{"graph.edges", "distinct links told by at least one end, without self loops", (*topology).edges},
	{"graph.edges.visited", "those between two visited hosts", (*topology).edgesVisited},
	{"graph.edges.only_heard_of", "those with an end that was never visited", (*topology).edgesHeardOf},
	{"graph.components", "weakly connected components, single hosts included", (*topology).components},
	{"largest_component.hosts", "hosts of the weakly connected component that has most", (*topology).largestHosts},
	{"largest_component.hosts.visited", "those that were visited", (*topology).largestVisited},
	{"largest_component.hosts.only_heard_of", "those that were never visited", (*topology).largestHeardOf},
	{"largest_component.edges", "links inside that component", (*topology).largestEdges},
}

func (t *topology) edges() float64        { return float64(t.Edges()) }
func (t *topology) edgesVisited() float64 { return float64(t.EdgesAmong(t.visited)) }
func (t *topology) edgesHeardOf() float64 { return t.edges() - t.edgesVisited() }
func (t *topology) components() float64   { return float64(len(t.weak.Sizes)) }
func (t *topology) largestEdges() float64 { return float64(t.WeakEdges(t.weak, t.weak.Largest())) }

func (t *topology) largestHosts() float64 {
	if len(t.weak.Sizes) == 0 {
		return 0
	}
	return float64(t.weak.Sizes[t.weak.Largest()])
}

func (t *topology) largestVisited() float64 {
	n, largest := 0, t.weak.Largest()
	for v, component := range t.weak.Of {
		if component == largest && t.visited[v] {
			n++
		}
	}
	return float64(n)
}

func (t *topology) largestHeardOf() float64 { return t.largestHosts() - t.largestVisited() }

// keepMeasures computes the measures of a snapshot and stores them, unless this version of the code has stored them all and
// the snapshot has not grown since.
func keepMeasures(ctx context.Context, db *storage.DB, snapshot int64, version string) error {
	kept, err := db.Measures(ctx, snapshot, version)
	if err != nil {
		return err
	}
	missing := false
	for _, m := range measures {
		named := func(k storage.Measure) bool { return k.Name == m.name }
		missing = missing || !slices.ContainsFunc(kept, named)
	}
	if !missing {
		return nil
	}
	t, err := readTopology(ctx, db, snapshot)
	if err != nil {
		return err
	}
	computed := make([]storage.Measure, len(measures))
	for i, m := range measures {
		computed[i] = storage.Measure{Name: m.name, Method: m.method}
		if value := m.compute(t); !math.IsNaN(value) { // NaN: it does not exist for this graph
			computed[i].Value = &value
		}
	}
	return db.StoreMeasures(ctx, snapshot, version, computed)
}

// readTopology reads the links of a snapshot, and which of its hosts were visited. The graph numbers hosts from 0, the
// database from 1.
func readTopology(ctx context.Context, db *storage.DB, snapshot int64) (*topology, error) {
	rows, err := db.Select(ctx, sql.Query("visited"), snapshot)
	if err != nil {
		return nil, err
	}
	marks, _ := rows.Values[0][0].(string)
	t := &topology{visited: make([]bool, len(marks))}
	for i := range marks {
		t.visited[i] = marks[i] == '1'
	}
	b := graph.NewBuilder(len(marks))
	err = db.Edges(ctx, snapshot, func(from, to int32) error { return b.Add(from-1, to-1) })
	if err != nil {
		return nil, err
	}
	t.Graph = b.Graph()
	t.weak = t.Weak()
	return t, nil
}
