package reports

import (
	"context"
	"sync"

	"gnucensus/reports/graph"
	"gnucensus/sql"
	"gnucensus/storage"
)

// topology is the graph of a snapshot, with what several measures need of it; that is computed when it is first asked for.
type topology struct {
	*graph.Graph
	visited      []bool
	weak, strong func() graph.Partition
	triangles    func() graph.Triangles
	distances    func() graph.Distances
	err          error // why distances could not be measured: the context ended
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
	t.weak = sync.OnceValue(t.Weak)
	t.strong = sync.OnceValue(t.Strong)
	t.triangles = sync.OnceValue(t.Triangles)
	t.distances = sync.OnceValue(func() (d graph.Distances) {
		d, t.err = t.Distances(ctx, t.Sources(t.weak()))
		return d
	})
	return t, nil
}

func (t *topology) edges() float64            { return float64(t.Edges()) }
func (t *topology) edgesVisited() float64     { return float64(t.EdgesAmong(t.visited)) }
func (t *topology) edgesHeardOf() float64     { return t.edges() - t.edgesVisited() }
func (t *topology) components() float64       { return float64(len(t.weak().Sizes)) }
func (t *topology) strongComponents() float64 { return float64(len(t.strong().Sizes)) }
func (t *topology) largestHosts() float64     { return sizeOfLargest(t.weak()) }
func (t *topology) largestHeardOf() float64   { return t.largestHosts() - t.largestVisited() }
func (t *topology) largestEdges() float64     { return float64(t.WeakEdges(t.weak(), t.weak().Largest())) }
func (t *topology) strongHosts() float64      { return sizeOfLargest(t.strong()) }
func (t *topology) strongEdges() float64 {
	return float64(t.StrongEdges(t.strong(), t.strong().Largest()))
}

func (t *topology) sourcesSearched() float64 { return float64(t.distances().Sources) }
func (t *topology) diameterLeast() float64   { return float64(t.distances().Least) }
func (t *topology) diameterMost() float64    { return float64(t.distances().Most) }

func sizeOfLargest(p graph.Partition) float64 {
	if len(p.Sizes) == 0 {
		return 0
	}
	return float64(p.Sizes[p.Largest()])
}

func (t *topology) largestVisited() float64 {
	n, largest := 0, t.weak().Largest()
	for v, component := range t.weak().Of {
		if component == largest && t.visited[v] {
			n++
		}
	}
	return float64(n)
}

func (t *topology) core() float64 {
	core := 0
	for _, k := range t.Cores() {
		core = max(core, k)
	}
	return float64(core)
}

func (t *topology) clusteringAll() float64 {
	all, _ := t.triangles().Clustering()
	return all
}

func (t *topology) clusteringPaired() float64 {
	_, paired := t.triangles().Clustering()
	return paired
}

func (t *topology) closedOnce() float64 {
	once, _ := t.triangles().Closed()
	return once
}

func (t *topology) closedCorners() float64 {
	_, corners := t.triangles().Closed()
	return corners
}
