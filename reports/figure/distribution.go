package figure

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg/draw"

	"gnucensus/reports/graph"
)

// A distribution is how many hosts have each value.
type distribution map[int]int

func (d distribution) hosts() int {
	n := 0
	for _, hosts := range d {
		n += hosts
	}
	return n
}

// positive tells whether any host has more than nothing: what a logarithmic axis can show.
func (d distribution) positive() bool {
	for value, hosts := range d {
		if value > 0 && hosts > 0 {
			return true
		}
	}
	return false
}

// ccdf is the complementary cumulative distribution: by each value above 0 that some host has, the share of all hosts that
// have at least that, in percent.
func (d distribution) ccdf() []point {
	left, all := d.hosts(), float64(d.hosts())
	var points []point
	for _, value := range slices.Sorted(maps.Keys(d)) {
		if value > 0 && d[value] > 0 {
			points = append(points, point{float64(value), 100 * float64(left) / all})
		}
		left -= d[value]
	}
	return points
}

// laws are the lines of what a fitted tail expects, and what is to be told of the fits.
func (d distribution) laws(of string) (lines []layer, told string) {
	tail := graph.FitTail(d)
	if tail == nil {
		return nil, fmt.Sprintf("No law was fitted to %s: that takes 50 of them above 0 with five different values.", of)
	}
	share := 100 * float64(tail.Hosts) / float64(d.hosts())
	least, largest := 50/float64(d.hosts()), slices.Max(slices.Collect(maps.Keys(d)))
	looks := map[graph.Family]curve{
		graph.PowerLaw:    {ink: vermillion, dashes: solid},
		graph.LogNormal:   {ink: green, dashes: dashed},
		graph.Exponential: {ink: purple, dashes: dashDot},
	}
	told = fmt.Sprintf("Lines: laws fitted to the tail of %s by maximum likelihood (Clauset, Shalizi and Newman 2009), from %s "+
		"on, where a power law is nearest (%s hosts). %s",
		of, number(float64(tail.From)), number(float64(tail.Hosts)), plausible(tail))
	for _, fit := range tail.Fits {
		line := looks[fit.Family]
		line.name, line.line = string(fit.Family), true
		if fit.Family == graph.PowerLaw {
			line.name = fmt.Sprintf("power law, exponent %.2f ± %.2f", fit.Exponent, tail.Error)
		} else {
			ratio, p := tail.Compare(tail.Fits[0], fit)
			told += fmt.Sprintf(" Power law against %s: %s.", fit.Family, verdict(ratio, p))
		}
		for _, x := range between(tail.From, largest) {
			if y := share * fit.CCDF(x); y >= least {
				line.data = append(line.data, point{float64(x), y})
			}
		}
		lines = append(lines, &line)
	}
	return lines, told
}

// plausible tells whether the tail may follow a power law at all.
func plausible(tail *graph.Tail) string {
	p, not := tail.Chance(), ""
	if p >= 0.1 {
		not = "not "
	}
	return fmt.Sprintf("It is %sruled out (distance %.3f by Kolmogorov and Smirnov, %s).", not, tail.Distance, chance(p))
}

// verdict tells a comparison of two laws.
func verdict(ratio, p float64) string {
	told := "not told apart"
	switch {
	case p == 1:
		return "as near"
	case p < 0.1 && ratio > 0:
		told = "nearer"
	case p < 0.1:
		told = "farther"
	}
	return fmt.Sprintf("%s (Vuong's z\u00a0=\u00a0%s, %s)", told, strings.Replace(fmt.Sprintf("%.1f", ratio), "-", "–", 1), chance(p))
}

func chance(p float64) string {
	if p < 0.001 {
		return "p\u00a0<\u00a00.001"
	}
	return fmt.Sprintf("p\u00a0=\u00a0%.3f", p)
}

// between returns whole numbers from one to another, on a logarithmic axis about evenly far apart.
func between(from, to int) []int {
	const steps = 120
	var list []int
	for i := range steps + 1 {
		x := int(math.Round(float64(from) * math.Pow(float64(to)/float64(from), float64(i)/steps)))
		if len(list) == 0 || x > list[len(list)-1] {
			list = append(list, x)
		}
	}
	return list
}

// thinned leaves out points that lie on top of each other: on logarithmic axes, those that differ from the one before by less
// than half a per cent in both.
func thinned(points []point) []point {
	var kept []point
	for i, p := range points {
		if len(kept) > 0 && i < len(points)-1 {
			last := kept[len(kept)-1]
			if math.Abs(p.x/last.x-1) < 0.005 && math.Abs(p.y/last.y-1) < 0.005 {
				continue
			}
		}
		kept = append(kept, p)
	}
	return kept
}

// marked is a curve of points alone, named with how many hosts they are of.
func marked(name string, d distribution, look curve) *curve {
	look.name = fmt.Sprintf("%s (%s)", name, number(float64(d.hosts())))
	look.data = thinned(d.ccdf())
	return &look
}

// degrees are the figures of links, one for each kind in which report degrees counts them.
type degrees struct {
	kind   string // as the report calls it
	x, y   string // labels
	of     string // whom it is of
	absent string // what is said when it is of nobody
}

var (
	links = degrees{
		kind: "links per host", x: "links of a host", y: "hosts with at least so many (%)", of: "hosts",
		absent: "The snapshot has no link: no host told of any.",
	}
	peers = degrees{
		kind: "peers per ultrapeer", x: "links of an ultrapeer to ultrapeers", y: "ultrapeers with at least so many (%)",
		of: "ultrapeers", absent: "No link between ultrapeers is known.",
	}
	leaves = degrees{
		kind: "leaves per ultrapeer", x: "leaves of an ultrapeer", y: "ultrapeers with at least so many (%)", of: "ultrapeers",
		absent: "No link between an ultrapeer and a leaf is known.",
	}
	parents = degrees{
		kind: "ultrapeers per leaf", x: "links of a leaf to ultrapeers", y: "leaves with at least so many (%)", of: "leaves",
		absent: "No link between an ultrapeer and a leaf is known.",
	}
)

func (g *degrees) draw(ctx context.Context, a *Album) (*drawing, error) {
	t, err := a.report(ctx, "degrees")
	if err != nil {
		return nil, err
	}
	visited, heardOf, untold := distribution{}, distribution{}, ""
	for r := range t.rows() {
		if r.text("of") != g.kind {
			continue
		}
		if _, told := r.number("links"); !told {
			untold = fmt.Sprintf(" Left out are %s visited and %s only heard of that did not list their links and of "+
				"whom nobody told such a link.", number(float64(r.count("visited"))), number(float64(r.count("only_heard_of"))))
			continue
		}
		visited[r.count("links")] += r.count("visited")
		heardOf[r.count("links")] += r.count("only_heard_of")
	}
	ch := &chart{x: axis{label: g.x, log: true}, y: axis{label: g.y, log: true, most: 100}}
	d := &drawing{painter: ch, method: fmt.Sprintf("Share of %s with at least so many links (CCDF). A link counts once when an end "+
		"listed it; the degree of a host that did not list its links is a lower bound.", g.of) + untold}
	if !visited.positive() && !heardOf.positive() {
		ch.empty = g.absent
		return d, nil
	}
	fitted, who := visited, "the visited "+g.of
	if !visited.positive() {
		fitted, who = heardOf, "the "+g.of+" only heard of"
	}
	if visited.positive() && heardOf.positive() {
		d.method += " Visited and only heard of are kept apart."
	}
	lines, told := fitted.laws(who)
	d.method += " " + told
	if heardOf.positive() {
		ch.layers = append(ch.layers, marked("only heard of", heardOf, curve{ink: orange, mark: draw.PyramidGlyph{}}))
	}
	if visited.positive() {
		ch.layers = append([]layer{marked("visited", visited, curve{ink: blue, mark: draw.CircleGlyph{}})}, ch.layers...)
	}
	ch.layers = append(ch.layers, lines...)
	return d, nil
}
