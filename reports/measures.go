package reports

import "slices"

// A measure is a statistic of a graph that SQL cannot compute, by its name in the table measure. Reports ask for measures by the
// first part of the name; the third, if any, is the part of the hosts that the value is of. NaN stands for one that does not
// exist for this graph.
type measure struct {
	name, method string
	compute      func(*topology) float64
}

var measures = slices.Concat([]measure{
	{"graph.edges", "distinct links told by at least one end, without self loops", (*topology).edges},
	{"graph.edges.visited", "those between two visited hosts", (*topology).edgesVisited},
	{"graph.edges.only_heard_of", "those with an end that was never visited", (*topology).edgesHeardOf},
	{"graph.both", "links that both ends told", (*topology).toldByBoth},
	{"graph.contradicted", "links that one end told while the other told all of its own without it", (*topology).contradicted},
	{"graph.one", "links that one end told and of which the other could not speak", (*topology).toldByOne},
	{"graph.reciprocity", "of links told of a host that told of some, the share it told too", (*topology).reciprocity},
	{"graph.reciprocity.visited", "the same" + alone, visitedAlone((*structure).reciprocity)},
	{"graph.components", "weakly connected components, single hosts included", (*topology).components},
	{"graph.components.visited", "the same" + alone, visitedAlone((*structure).components)},
	{"graph.strong_components", "strongly connected components of the links as told", (*topology).strongComponents},
	{"graph.strong_components.visited", "the same" + alone, visitedAlone((*structure).strongComponents)},

	{"largest_component.hosts", "hosts of the weakly connected component that has most", (*topology).largestHosts},
	{"largest_component.hosts.visited", "those that were visited", (*topology).largestVisited},
	{"largest_component.hosts.only_heard_of", "those that were never visited", (*topology).largestHeardOf},
	{"largest_component.edges", "links inside that component", (*topology).largestEdges},
	{"strong_component.hosts", "hosts of the strongly connected component that has most", (*topology).strongHosts},
	{"strong_component.hosts.visited", "the same" + alone, visitedAlone((*structure).strongHosts)},
	{"strong_component.edges", "links as told inside that component", (*topology).strongEdges},
	{"strong_component.edges.visited", "the same" + alone, visitedAlone((*structure).strongEdges)},

	{"degree.gini", "Gini coefficient of the known degrees", (*topology).gini},
	{"degree.gini.visited", "of those of the visited hosts", giniOf(true)},
	{"degree.gini.only_heard_of", "of those of the hosts that were never visited", giniOf(false)},
	{"degree.largest", "links of the host that has most", (*topology).largestDegree},
	{"degree.assortativity", "correlation of the degrees at the ends of a link (Newman 2002)", (*topology).assortativity},
	{"degree.assortativity.visited", "the same" + alone, visitedAlone((*structure).assortativity)},
	{"degree.core", "largest k of the k-cores", (*topology).core},
	{"degree.core.visited", "the same" + alone, visitedAlone((*structure).core)},
	{"degree.core_hosts", "hosts of that core", (*topology).coreHosts},
	{"degree.core_hosts.visited", "the same" + alone, visitedAlone((*structure).coreHosts)},

	{"clustering.triangles", "triangles, each once", (*topology).triangleCount},
	{"clustering.triangles.visited", "the same" + alone, visitedAlone((*structure).triangleCount)},
	{"clustering.all", "mean local clustering of hosts of known degree, 0 for those with fewer than two links", (*topology).clusteringAll},
	{"clustering.all.visited", "the same" + alone, visitedAlone((*structure).clusteringAll)},
	{"clustering.paired", "mean local clustering of hosts with two links or more", (*topology).clusteringPaired},
	{"clustering.paired.visited", "the same" + alone, visitedAlone((*structure).clusteringPaired)},
	{"clustering.closed", "T/(T+O): triangles once over those and open triads", (*topology).closedOnce},
	{"clustering.closed.visited", "the same" + alone, visitedAlone((*structure).closedOnce)},
	{"clustering.transitivity", "3T/(3T+O): each triangle three times", (*topology).closedCorners},
	{"clustering.transitivity.visited", "the same" + alone, visitedAlone((*structure).closedCorners)},

	{"distance.sources", "hosts searched from, breadth first", (*topology).sourcesSearched},
	{"distance.sources.visited", "the same" + alone, visitedAlone((*structure).sourcesSearched)},
	{"distance.mean", "of pairs joined by a path", (*topology).meanDistance},
	{"distance.mean.visited", "the same" + alone, visitedAlone((*structure).meanDistance)},
	{"distance.effective", "90 % of pairs, interpolated", (*topology).effectiveDiameter},
	{"distance.effective.visited", "the same" + alone, visitedAlone((*structure).effectiveDiameter)},
	{"distance.diameter_least", "greatest distance found", (*topology).diameterLeast},
	{"distance.diameter_least.visited", "the same" + alone, visitedAlone((*structure).diameterLeast)},
	{"distance.diameter_most", "twice the least distance that reaches all", (*topology).diameterMost},
	{"distance.diameter_most.visited", "the same" + alone, visitedAlone((*structure).diameterMost)},

	{"random.largest_component", "hosts of the largest weak component" + atRandom, random((*structure).largestHosts)},
	{"random.largest_degree", "links of the host that has most" + atRandom, random((*structure).largestDegree)},
	{"random.gini", "Gini coefficient of the degrees" + atRandom, random((*structure).gini)},
	{"random.assortativity", "assortativity" + atRandom, random((*structure).assortativity)},
	{"random.core", "largest k of the k-cores" + atRandom, random((*structure).core)},
	{"random.triangles", "triangles" + atRandom, random((*structure).triangleCount)},
	{"random.clustering", "mean local clustering" + atRandom, random((*structure).clusteringAll)},
	{"random.transitivity", "3T/(3T+O)" + atRandom, random((*structure).closedCorners)},
	{"random.mean_distance", "of pairs joined by a path" + atRandom, random((*structure).meanDistance)},
	{"random.effective_diameter", "90 % of pairs, interpolated" + atRandom, random((*structure).effectiveDiameter)},
	{"random.diameter_least", "greatest distance found" + atRandom, random((*structure).diameterLeast)},
	{"random.diameter_most", "twice the least distance that reaches all" + atRandom, random((*structure).diameterMost)},
}, removalMeasures(), tailMeasures())

// What the methods of measures end with that are not of all hosts, or of another graph.
const (
	alone    = ", of the visited hosts and the links between them alone"
	atRandom = ", of a random graph with as many links, and as many hosts as have a known degree"
)
