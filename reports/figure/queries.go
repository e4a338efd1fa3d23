package figure

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// answers are the queries of a snapshot with the delays of their hits, milliseconds, each in the order of arrival.
type answers struct {
	queries [][]float64
	hits    []float64 // of all queries, in ascending order
	hops    distribution
}

const noQuery = "No query was asked."

// answers reads the queries that were asked.
func (a *Album) answers(ctx context.Context) (*answers, error) {
	t, err := a.query(ctx, "figure_hits")
	if err != nil {
		return nil, err
	}
	all := &answers{hops: distribution{}}
	last := -1
	for r := range t.rows() {
		if query := r.count("query"); len(all.queries) == 0 || query != last {
			all.queries, last = append(all.queries, nil), query
		}
		if delay, hit := r.number("delay_ms"); hit {
			i := len(all.queries) - 1
			all.queries[i] = append(all.queries[i], delay)
			all.hits = append(all.hits, delay)
			all.hops[r.count("hops")]++
		}
	}
	slices.Sort(all.hits)
	return all, nil
}

// lacks is what is said when there is nothing to show.
func (all *answers) lacks() string {
	switch {
	case len(all.queries) == 0:
		return noQuery
	case len(all.hits) == 0:
		return fmt.Sprintf("No query had a hit, of %s asked.", number(float64(len(all.queries))))
	}
	return ""
}

// asked is the method that all figures of queries share, timed that of those that show times.
const (
	asked = "Each query was asked through an ultrapeer, as its leaf. Hits that came after the wait are not seen."
	timed = "A hit is timed from sending the query to receiving the QUERY HIT, by our clock. "
)

// within is the share of a whole, in percent, that delays in ascending order make up, by delay.
func within(delays []float64, whole int) []point {
	var points []point
	for i, delay := range delays {
		p := point{delay, 100 * float64(i+1) / float64(whole)}
		if n := len(points); n > 0 && points[n-1].x == delay {
			points[n-1] = p
		} else {
			points = append(points, p)
		}
	}
	return thinned(points)
}

// latencyMethod explains the curves.
const latencyMethod = "First hit: share of the queries asked that had a hit within the delay; where the curve ends is the share " +
	"that was answered. All hits: share of the hits. "

func latency(ctx context.Context, a *Album) (*drawing, error) {
	all, err := a.answers(ctx)
	if err != nil {
		return nil, err
	}
	ch := &chart{
		x:     axis{label: "delay (ms)", log: true},
		y:     axis{label: "share within the delay (%)", max: 100},
		empty: all.lacks(),
	}
	d := &drawing{painter: ch, method: latencyMethod + timed + asked}
	if ch.empty != "" {
		return d, nil
	}
	var first []float64
	for _, delays := range all.queries {
		if len(delays) > 0 {
			first = append(first, delays[0])
		}
	}
	slices.Sort(first)
	queries, hits := many(len(all.queries), "query", "queries"), many(len(all.hits), "hit", "hits")
	ch.layers = []layer{
		&curve{name: "first hit (" + queries + ")", data: within(first, len(all.queries)), ink: blue, line: true, steps: true},
		&curve{name: "all hits (" + hits + ")", data: within(all.hits, len(all.hits)), ink: vermillion,
			line: true, steps: true, dashes: dashed},
	}
	return d, nil
}

func hitsOverTime(ctx context.Context, a *Album) (*drawing, error) {
	all, err := a.answers(ctx)
	if err != nil {
		return nil, err
	}
	ch := &chart{
		x:     axis{label: "time since the query was sent (s)"},
		y:     axis{label: "hits of a query so far"},
		above: true,
		empty: all.lacks(),
	}
	d := &drawing{painter: ch}
	d.method = fmt.Sprintf("Mean, median and the middle half of %s, those without a hit included. ",
		many(len(all.queries), "query", "queries")) + timed + asked
	if ch.empty != "" {
		return d, nil
	}
	const steps = 200
	end := all.hits[len(all.hits)-1]
	var mean, lower, median, upper []point
	so := make([]int, len(all.queries)) // hits of each query so far
	for i := range steps + 1 {
		t := end * float64(i) / steps
		sum := 0
		for q, delays := range all.queries {
			for so[q] < len(delays) && delays[so[q]] <= t {
				so[q]++
			}
			sum += so[q]
		}
		sorted := slices.Sorted(slices.Values(so))
		quantile := func(part float64) float64 { return float64(sorted[int(part*float64(len(sorted)-1)+0.5)]) }
		at := func(y float64) point { return point{t / 1000, y} }
		mean = append(mean, at(float64(sum)/float64(len(so))))
		lower = append(lower, at(quantile(0.25)))
		median = append(median, at(quantile(0.5)))
		upper = append(upper, at(quantile(0.75)))
	}
	ch.layers = []layer{
		&band{name: "middle half of the queries", low: lower, high: upper, ink: paleSky},
		&curve{name: "median", data: median, ink: blue, line: true, dashes: dashed},
		&curve{name: "mean", data: mean, ink: black, line: true},
	}
	return d, nil
}

func hitsByHops(ctx context.Context, a *Album) (*drawing, error) {
	all, err := a.answers(ctx)
	if err != nil {
		return nil, err
	}
	ch := &chart{x: axis{label: "links that the hit travelled (hops)"}, y: axis{label: "share of hits (%)"}, empty: all.lacks()}
	d := &drawing{painter: ch, method: fmt.Sprintf("Share of %s by the links travelled, ours included, as a hit itself counts "+
		"them. Above the bars: hits. %s", many(len(all.hits), "hit", "hits"), asked)}
	if ch.empty != "" {
		return d, nil
	}
	bars, counts := &boxes{ink: blue}, &texts{above: true}
	most := slices.Max(slices.Collect(maps.Keys(all.hops)))
	for hops := range most + 1 {
		ch.x.names = append(ch.x.names, fmt.Sprint(hops))
		if n := all.hops[hops]; n > 0 {
			share, x := 100*float64(n)/float64(len(all.hits)), float64(hops)
			bars.list = append(bars.list, box{from: point{x - 0.36, 0}, to: point{x + 0.36, share}})
			counts.list = append(counts.list, label{point{x, share}, number(float64(n))})
		}
	}
	ch.layers = []layer{bars, counts}
	return d, nil
}
