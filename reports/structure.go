package reports

import (
	"context"
	"math"
	"slices"

	"gnucensus/reports/graph"
)

// A structure is a graph, with what its distances came to.
type structure struct {
	*graph.Measured
	told      []bool // by host: its degree is known, be it 0
	distances func() graph.Distances
}

// newStructure keeps in failed why distances could not be measured: the context ended.
func newStructure(ctx context.Context, g *graph.Graph, told []bool, failed *error) *structure {
	s := &structure{Measured: graph.NewMeasured(g), told: told}
	s.distances = func() graph.Distances {
		d, err := s.Measured.Distances(ctx)
		if err != nil {
			*failed = err
		}
		return d
	}
	return s
}

func (s *structure) edges() float64            { return float64(s.Edges()) }
func (s *structure) components() float64       { return float64(len(s.Weak().Sizes)) }
func (s *structure) strongComponents() float64 { return float64(len(s.Strong().Sizes)) }
func (s *structure) largestHosts() float64     { return sizeOfLargest(s.Weak()) }
func (s *structure) largestEdges() float64     { return float64(s.WeakEdges(s.Weak(), s.Weak().Largest())) }
func (s *structure) strongHosts() float64      { return sizeOfLargest(s.Strong()) }
func (s *structure) strongEdges() float64 {
	return float64(s.StrongEdges(s.Strong(), s.Strong().Largest()))
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
func (s *structure) gini() float64          { return graph.Gini(s.degreesOf(s.told)) }

func (s *structure) largestDegree() float64 {
	known := s.degreesOf(s.told)
	if len(known) == 0 {
		return math.NaN()
	}
	return float64(slices.Max(known))
}

// degreesOf returns the degrees of the chosen hosts.
func (s *structure) degreesOf(chosen []bool) []int {
	var degrees []int
	for v, in := range chosen {
		if in {
			degrees = append(degrees, s.Degree(int32(v)))
		}
	}
	return degrees
}

func (s *structure) core() float64 { return float64(slices.Max(append(s.Cores(), 0))) }

func (s *structure) coreHosts() float64 {
	hosts, most := 0, int(s.core())
	for _, k := range s.Cores() {
		if k == most {
			hosts++
		}
	}
	return float64(hosts)
}

func (s *structure) triangleCount() float64 { return float64(s.Triangles().Total) }

// clusteringAll leaves hosts out whose degree is not known, and which thus have no known clustering.
func (s *structure) clusteringAll() float64 {
	all, _ := s.Triangles().Clustering()
	return all * (float64(s.Hosts()) / float64(len(s.degreesOf(s.told))))
}

func (s *structure) clusteringPaired() float64 {
	_, paired := s.Triangles().Clustering()
	return paired
}

func (s *structure) closedOnce() float64 {
	once, _ := s.Triangles().Closed()
	return once
}

func (s *structure) closedCorners() float64 {
	_, corners := s.Triangles().Closed()
	return corners
}
