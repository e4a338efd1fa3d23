package reports

import (
	"context"
	"fmt"
	"math"

	"gnucensus/reports/graph"
	"gnucensus/storage"
)

// linkKinds are the kinds of links whose distribution has a tail: their names in measures, and in report.degree_distribution.
var linkKinds = [][2]string{
	{"links", "links per host"}, {"peers", "peers per ultrapeer"}, {"leaves", "leaves per ultrapeer"},
	{"parents", "ultrapeers per leaf"},
}

// readTails fits the tails of the distributions of links: of the visited hosts or, where none of these has a link, of those
// only heard of.
func readTails(ctx context.Context, db *storage.DB, snapshot int64) (map[string]*graph.Tail, error) {
	rows, err := db.Select(ctx, "SELECT kind, links, visited, only_heard_of FROM report.degree_distribution "+
		"WHERE snapshot_id = $1 AND links > 0", snapshot)
	if err != nil {
		return nil, err
	}
	visited, heardOf := map[string]map[int]int{}, map[string]map[int]int{}
	for _, row := range rows.Values {
		kind, _ := row[0].(string)
		links, _ := row[1].(int64)
		for i, of := range []map[string]map[int]int{visited, heardOf} {
			if hosts, _ := row[2+i].(int64); hosts > 0 {
				if of[kind] == nil {
					of[kind] = map[int]int{}
				}
				of[kind][int(links)] += int(hosts)
			}
		}
	}
	tails := map[string]*graph.Tail{}
	for _, kind := range linkKinds {
		tails[kind[1]] = graph.FitTail(visited[kind[1]])
		if visited[kind[1]] == nil {
			tails[kind[1]] = graph.FitTail(heardOf[kind[1]])
		}
	}
	return tails, nil
}

// The laws of a tail, in the order of its fits.
const (
	powerLaw = iota
	logNormal
	exponential
)

// tailMeasures are what is to be told of each tail, named tail.KIND.FIGURE.
func tailMeasures() []measure {
	var list []measure
	for _, kind := range linkKinds {
		for _, m := range []struct {
			name, method string
			compute      func(*graph.Tail) float64
		}{
			{"from", "where the power law is nearest to the tail", func(t *graph.Tail) float64 { return float64(t.From) }},
			{"hosts", "hosts in the tail", func(t *graph.Tail) float64 { return float64(t.Hosts) }},
			{"exponent", "of the power law", func(t *graph.Tail) float64 { return t.Fits[powerLaw].Exponent }},
			{"error", "standard error of the exponent", func(t *graph.Tail) float64 { return t.Error }},
			{"distance", "of the power law, Kolmogorov and Smirnov", func(t *graph.Tail) float64 { return t.Distance }},
			{"chance", "of such a distance, at most", (*graph.Tail).Chance},
			{"mu", "of the log-normal", func(t *graph.Tail) float64 { return t.Fits[logNormal].Mu }},
			{"sigma", "of the log-normal", func(t *graph.Tail) float64 { return t.Fits[logNormal].Sigma }},
			{"rate", "of the exponential", func(t *graph.Tail) float64 { return t.Fits[exponential].Rate }},
			{"log_normal_z", "power law against log-normal, Vuong", ratioTo(logNormal)},
			{"log_normal_p", "chance of such a ratio", chanceTo(logNormal)},
			{"exponential_z", "power law against exponential, Vuong", ratioTo(exponential)},
			{"exponential_p", "chance of such a ratio", chanceTo(exponential)},
		} {
			compute := func(t *topology) float64 {
				if tail := t.tails()[kind[1]]; tail != nil {
					return m.compute(tail)
				}
				return math.NaN()
			}
			name, method := fmt.Sprintf("tail.%s.%s", kind[0], m.name), fmt.Sprintf("%s, tail: %s", kind[1], m.method)
			list = append(list, measure{name, method, compute})
		}
	}
	return list
}

// ratioTo is the ratio of the likelihoods of the power law and another law.
func ratioTo(law int) func(*graph.Tail) float64 {
	return func(t *graph.Tail) float64 {
		ratio, _ := t.Compare(t.Fits[powerLaw], t.Fits[law])
		return ratio
	}
}

// chanceTo is the chance of that ratio.
func chanceTo(law int) func(*graph.Tail) float64 {
	return func(t *graph.Tail) float64 {
		_, chance := t.Compare(t.Fits[powerLaw], t.Fits[law])
		return chance
	}
}
