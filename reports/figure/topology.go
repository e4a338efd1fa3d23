package figure

import (
	"context"
	"fmt"

	"gonum.org/v1/plot/vg/draw"

	"gnucensus/reports/graph"
)

const (
	noHost = "The snapshot heard of no host."
	noLink = "The snapshot has no link: no host told of any."
)

// lacks is what is said when there is no graph to show.
func (a *Album) lacks(links []float64) string {
	switch {
	case a.about.heard == 0:
		return noHost
	case len(links) == 0 || links[0] == 0:
		return noLink
	}
	return ""
}

// links is how many there are, as a series.
func (t *topology) links() []float64 { return []float64{float64(t.Edges())} }

func distances(ctx context.Context, a *Album) (*drawing, error) {
	kept, err := a.kept(ctx, "distances")
	if err != nil {
		return nil, err
	}
	ch := &chart{x: axis{label: "distance (links)"}, y: axis{label: "pairs of hosts (%)"}, empty: a.lacks(kept["links"])}
	d := &drawing{painter: ch, method: "Share of the pairs of hosts that a path joins, by the links of the shortest, direction " +
		"dropped, those only heard of included."}
	if ch.empty != "" {
		return d, nil
	}
	all, bounds := graph.Distances{Sources: int(kept["sources"][0])}, kept["diameter"]
	total := 0.0
	for distance, pairs := range kept["pairs"] {
		all.Pairs = append(all.Pairs, int64(pairs))
		if distance > 0 {
			total += pairs
		}
	}
	searched := "from every host"
	if all.Sources < a.about.heard {
		searched = fmt.Sprintf("from %s hosts of the largest component", number(float64(all.Sources)))
	}
	d.method += fmt.Sprintf(" Searched %s: mean %.2f, 90 %% of pairs within %.2f (effective diameter, interpolated, hosts and "+
		"themselves included), diameter %s.", searched, all.Mean(), all.Effective(0.9), span(bounds[0], bounds[1]))
	bars, shares := &boxes{ink: blue}, &texts{above: true}
	for distance, pairs := range kept["pairs"] {
		ch.x.names = append(ch.x.names, fmt.Sprint(distance))
		if distance > 0 {
			share, x := 100*pairs/total, float64(distance)
			bars.list = append(bars.list, box{from: point{x - 0.36, 0}, to: point{x + 0.36, share}})
			shares.list = append(shares.list, label{point{x, share}, percent(share)})
		}
	}
	ch.layers = []layer{bars, shares}
	return d, nil
}

// measureDistances searches from the hosts that report topology searches from.
func measureDistances(ctx context.Context, t *topology) (series, error) {
	all, err := t.Distances(ctx)
	if err != nil {
		return nil, err
	}
	found := series{
		"links":    t.links(),
		"sources":  {float64(all.Sources)},
		"diameter": {float64(all.Least), float64(all.Most)},
	}
	for _, pairs := range all.Pairs {
		found["pairs"] = append(found["pairs"], float64(pairs))
	}
	return found, nil
}

func span(least, most float64) string {
	if least == most {
		return number(least)
	}
	return number(least) + " to " + number(most)
}

// percent has as many digits as a label needs; what is not nothing is not shown as nothing.
func percent(share float64) string {
	switch {
	case share == 0:
		return "0"
	case share < 0.1:
		return "< 0.1"
	case share < 10:
		return fmt.Sprintf("%.1f", share)
	}
	return fmt.Sprintf("%.0f", share)
}

// coresMethod explains what a core is.
const coresMethod = "The k-core is what is left when hosts with fewer than k links to others that are left are taken away until " +
	"there are none (Seidman 1983). A host of whom no link is told is in none above 0."

func cores(ctx context.Context, a *Album) (*drawing, error) {
	kept, err := a.kept(ctx, "cores")
	if err != nil {
		return nil, err
	}
	ch := &chart{
		x:     axis{label: "core number k"},
		y:     axis{label: "hosts in the k-core (%)", max: 100},
		empty: a.lacks(kept["links"]),
	}
	d := &drawing{painter: ch, method: coresMethod}
	if ch.empty != "" {
		return d, nil
	}
	for _, part := range []struct {
		name  string
		cores []float64
		look  curve
	}{
		{"visited", kept["visited"], curve{ink: blue, mark: draw.CircleGlyph{}}},
		{"only heard of", kept["only_heard_of"], curve{ink: orange, dashes: dashed, mark: draw.PyramidGlyph{}}},
	} {
		if hosts := sum(part.cores); hosts > 0 {
			look := part.look
			look.name, look.line = fmt.Sprintf("%s (%s)", part.name, number(hosts)), true
			look.data = inCore(part.cores)
			ch.layers = append(ch.layers, &look)
		}
	}
	if sum(kept["only_heard_of"]) > 0 {
		d.method += " Of hosts only heard of, other links are not known."
	}
	return d, nil
}

// measureCores counts hosts by their core number.
func measureCores(_ context.Context, t *topology) (series, error) {
	found := series{"links": t.links()}
	for v, core := range t.Cores() {
		of := "only_heard_of"
		if t.visited[v] {
			of = "visited"
		}
		for len(found[of]) <= core {
			found[of] = append(found[of], 0)
		}
		found[of][core]++
	}
	return found, nil
}

func sum(values []float64) float64 {
	total := 0.0
	for _, x := range values {
		total += x
	}
	return total
}

// inCore is the share of hosts whose core number is at least k, in percent, by k from 0 until nobody's is.
func inCore(cores []float64) []point {
	all := sum(cores)
	left := all
	var points []point
	for k, hosts := range cores {
		points = append(points, point{float64(k), 100 * left / all})
		left -= hosts
	}
	return append(points, point{float64(len(cores)), 0})
}

// removals is how many points the curves have at most.
const removals = 200

const resilienceMethod = "Hosts of the largest component after so many were removed: those with most links first, by their degree in " +
	"the whole graph, or at random, the mean of ten orders (Albert, Jeong and Barabási 2000). Links that nobody " +
	"told of are missing, so the network may be more resilient than its picture."

func resilience(ctx context.Context, a *Album) (*drawing, error) {
	kept, err := a.kept(ctx, "resilience")
	if err != nil {
		return nil, err
	}
	ch := &chart{
		x:     axis{label: "hosts removed (%)", max: 100},
		y:     axis{label: "largest component (% of all hosts)", max: 100},
		empty: a.lacks(kept["links"]),
	}
	d := &drawing{painter: ch, method: resilienceMethod}
	if ch.empty != "" {
		return d, nil
	}
	ch.layers = []layer{
		&curve{name: "at random", data: remains(kept["random"], a.about.heard), ink: blue, line: true},
		&curve{name: "by degree", data: remains(kept["degree"], a.about.heard), ink: vermillion, line: true, dashes: dashed},
		&curve{name: "all that are left", data: []point{{0, 100}, {100, 0}}, ink: grey, line: true, dashes: dotted},
	}
	return d, nil
}

// measureResilience measures what is left after each of the removals that make a point.
func measureResilience(_ context.Context, t *topology) (series, error) {
	left := t.Decline()
	found := series{"links": t.links()}
	steps := min(t.Hosts(), removals)
	for i := range steps + 1 {
		k := removed(i, steps, t.Hosts())
		found["random"] = append(found["random"], left.Mean[k])
		found["degree"] = append(found["degree"], float64(left.Degree[k]))
	}
	return found, nil
}

// removed is how many hosts are gone at a point.
func removed(i, steps, hosts int) int { return hosts * i / max(1, steps) }

// remains is the share of all hosts that is left by the share that is removed, both in percent.
func remains(left []float64, hosts int) []point {
	var points []point
	for i, n := range left {
		gone := removed(i, len(left)-1, hosts)
		points = append(points, point{100 * float64(gone) / float64(hosts), 100 * n / float64(hosts)})
	}
	return points
}
