package reports

import (
	"context"
	"math"
	"slices"
	"strings"

	"gnucensus/reports/graph"
	"gnucensus/storage"
)

// measures are the statistics of a graph that SQL cannot compute, by their names in the table measure. Reports ask for them
// by the first part of the name; the third, if any, is the part of the hosts that the value is of. NaN stands for one that
// does not exist for this graph.
var measures = []struct {
	name, method string
	compute      func(*topology) float64
}{
	{"graph.edges", "distinct links told by at least one end, without self loops", (*topology).edges},
	{"graph.edges.visited", "those between two visited hosts", (*topology).edgesVisited},
	{"graph.edges.only_heard_of", "those with an end that was never visited", (*topology).edgesHeardOf},
	{"graph.reciprocity", "of links told of a host that told of some, the share it told too", (*topology).Reciprocity},
	{"graph.components", "weakly connected components, single hosts included", (*topology).components},
	{"graph.strong_components", "strongly connected components of the links as told", (*topology).strongComponents},

	{"largest_component.hosts", "hosts of the weakly connected component that has most", (*topology).largestHosts},
	{"largest_component.hosts.visited", "those that were visited", (*topology).largestVisited},
	{"largest_component.hosts.only_heard_of", "those that were never visited", (*topology).largestHeardOf},
	{"largest_component.edges", "links inside that component", (*topology).largestEdges},
	{"strong_component.hosts", "hosts of the strongly connected component that has most", (*topology).strongHosts},
	{"strong_component.edges", "links as told inside that component", (*topology).strongEdges},

	{"degree.gini", "Gini coefficient of the degrees", func(t *topology) float64 { return graph.Gini(t.Degrees()) }},
	{"degree.assortativity", "correlation of the degrees at the ends of a link (Newman 2002)", (*topology).Assortativity},
	{"degree.core", "largest k of the k-cores", (*topology).core},

	{"clustering.triangles", "triangles, each once", func(t *topology) float64 { return float64(t.triangles().Total) }},
	{"clustering.all", "mean local clustering, 0 for hosts with fewer than two links", (*topology).clusteringAll},
	{"clustering.paired", "mean local clustering of hosts with two links or more", (*topology).clusteringPaired},
	{"clustering.closed", "T/(T+O): triangles once over those and open triads", (*topology).closedOnce},
	{"clustering.transitivity", "3T/(3T+O): each triangle three times", (*topology).closedCorners},

	{"distance.sources", "hosts searched from, breadth first", (*topology).sourcesSearched},
	{"distance.mean", "of pairs joined by a path", func(t *topology) float64 { return t.distances().Mean() }},
	{"distance.effective", "90 % of pairs, interpolated", func(t *topology) float64 { return t.distances().Effective(0.9) }},
	{"distance.diameter_least", "greatest distance found", (*topology).diameterLeast},
	{"distance.diameter_most", "twice the least distance that reaches all", (*topology).diameterMost},
}

// keepMeasures computes and stores the measures whose names begin with what is needed, unless this version of the code has
// stored them and the snapshot has not grown since.
func keepMeasures(ctx context.Context, db *storage.DB, snapshot int64, version string, needs []string) error {
	kept, err := db.Measures(ctx, snapshot, version)
	if err != nil {
		return err
	}
	var t *topology
	var computed []storage.Measure
	for _, m := range measures {
		thing, _, _ := strings.Cut(m.name, ".")
		isKept := slices.ContainsFunc(kept, func(k storage.Measure) bool { return k.Name == m.name })
		if isKept || !slices.Contains(needs, thing) {
			continue
		}
		if t == nil {
			if t, err = readTopology(ctx, db, snapshot); err != nil {
				return err
			}
		}
		value := m.compute(t)
		if t.err != nil {
			return t.err
		}
		k := storage.Measure{Name: m.name, Method: m.method}
		if !math.IsNaN(value) {
			k.Value = &value
		}
		computed = append(computed, k)
	}
	return db.StoreMeasures(ctx, snapshot, version, computed)
}
