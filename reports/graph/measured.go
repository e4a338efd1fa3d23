package graph

import (
	"context"
	"sync"
)

// Measured is a graph that computes what takes long once, when it is first asked for it.
type Measured struct {
	*Graph
	weak, strong func() Partition
	triangles    func() Triangles
	cores        func() []int
	decline      func() Decline

	searching sync.Mutex
	distances *Distances // nil: not searched yet
}

// NewMeasured returns a graph of which nothing is measured yet.
func NewMeasured(g *Graph) *Measured {
	return &Measured{
		Graph: g, weak: sync.OnceValue(g.Weak), strong: sync.OnceValue(g.Strong), triangles: sync.OnceValue(g.Triangles),
		cores: sync.OnceValue(g.Cores), decline: sync.OnceValue(g.Decline),
	}
}

// Weak returns the weakly connected components, as [Graph.Weak].
func (m *Measured) Weak() Partition { return m.weak() }

// Strong returns the strongly connected components, as [Graph.Strong].
func (m *Measured) Strong() Partition { return m.strong() }

// Triangles counts triangles, as [Graph.Triangles].
func (m *Measured) Triangles() Triangles { return m.triangles() }

// Cores returns the core number of each host, as [Graph.Cores]. The list belongs to the graph: do not change it.
func (m *Measured) Cores() []int { return m.cores() }

// Decline removes all hosts, as [Graph.Decline].
func (m *Measured) Decline() Decline { return m.decline() }

// Distances returns how far apart hosts are, as [Graph.Distances] from [Graph.Sources].
func (m *Measured) Distances(ctx context.Context) (Distances, error) {
	m.searching.Lock()
	defer m.searching.Unlock()
	if m.distances == nil {
		d, err := m.Graph.Distances(ctx, m.Sources(m.Weak()))
		if err != nil {
			return Distances{}, err
		}
		m.distances = &d
	}
	return *m.distances, nil
}
