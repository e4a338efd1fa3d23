package reports

import (
	"context"
	"slices"
	"sync"

	"gnucensus/reports/graph"
)

// A structure is a graph, with what several measures need of it; that is computed when it is first asked for.
type structure struct {
	*graph.Graph
	weak, strong func() graph.Partition
	cores        func() []int
	triangles    func() graph.Triangles
	distances    func() graph.Distances
}

// newStructure keeps in failed why distances could not be measured: the context ended.
func newStructure(ctx context.Context, g *graph.Graph, failed *error) *structure {
	s := &structure{Graph: g}
	s.weak = sync.OnceValue(s.Weak)
	s.strong = sync.OnceValue(s.Strong)
	s.cores = sync.OnceValue(s.Cores)
	s.triangles = sync.OnceValue(s.Triangles)
	s.distances = sync.OnceValue(func() graph.Distances {
		d, err := s.Distances(ctx, s.Sources(s.weak()))
		if err != nil {
			*failed = err
		}
		return d
	})
	return s
}

func (s *structure) edges() float64            { return float64(s.Edges()) }
func (s *structure) components() float64       { return float64(len(s.weak().Sizes)) }
func (s *structure) strongComponents() float64 { return float64(len(s.strong().Sizes)) }
func (s *structure) largestHosts() float64     { return sizeOfLargest(s.weak()) }
func (s *structure) largestEdges() float64     { return float64(s.WeakEdges(s.weak(), s.weak().Largest())) }
func (s *structure) strongHosts() float64      { return sizeOfLargest(s.strong()) }
func (s *structure) strongEdges() float64 {
	return float64(s.StrongEdges(s.strong(), s.strong().Largest()))
}

func sizeOfLargest(p graph.Partition) float64 {
	if len(p.Sizes) == 0 {
		return 0
	}
	return float64(p.Sizes[p.Largest()])
}

func (s *structure) sourcesSearched() float64   { return float64(s.distances().Sources) }
func (s *structure) meanDistance() float64      { return s.distances().Mean() }
func (s *structure) effectiveDiameter() float64 { return s.distances().Effective(0.9) }
func (s *structure) diameterLeast() float64     { return float64(s.distances().Least) }
func (s *structure) diameterMost() float64      { return float64(s.distances().Most) }

func (s *structure) reciprocity() float64   { return s.Reciprocity() }
func (s *structure) assortativity() float64 { return s.Assortativity() }
func (s *structure) gini() float64          { return graph.Gini(s.Degrees()) }
func (s *structure) largestDegree() float64 { return float64(slices.Max(append(s.Degrees(), 0))) }

func (s *structure) core() float64 { return float64(slices.Max(append(s.cores(), 0))) }

func (s *structure) coreHosts() float64 {
	hosts, most := 0, int(s.core())
	for _, k := range s.cores() {
		if k == most {
			hosts++
		}
	}
	return float64(hosts)
}

func (s *structure) triangleCount() float64 { return float64(s.triangles().Total) }

func (s *structure) clusteringAll() float64 {
	all, _ := s.triangles().Clustering()
	return all
}

func (s *structure) clusteringPaired() float64 {
	_, paired := s.triangles().Clustering()
	return paired
}

func (s *structure) closedOnce() float64 {
	once, _ := s.triangles().Closed()
	return once
}

func (s *structure) closedCorners() float64 {
	_, corners := s.triangles().Closed()
	return corners
}
