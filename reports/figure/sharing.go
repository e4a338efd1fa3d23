package figure

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gonum.org/v1/plot/vg/draw"

	"gnucensus/reports/graph"
)

// amounts reads how many hosts have how much, by kind.
func (a *Album) amounts(ctx context.Context, query string) (map[string]distribution, error) {
	t, err := a.query(ctx, query)
	if err != nil {
		return nil, err
	}
	amounts := map[string]distribution{}
	for r := range t.rows() {
		kind := r.text("kind")
		if amounts[kind] == nil {
			amounts[kind] = distribution{}
		}
		amounts[kind][r.count("amount")] = r.count("hosts")
	}
	return amounts, nil
}

const noFiles = "No host told how many files it shares."

func files(ctx context.Context, a *Album) (*drawing, error) {
	amounts, err := a.amounts(ctx, "figure_sharing")
	if err != nil {
		return nil, err
	}
	ch := &chart{
		x: axis{label: "files that a host shares", log: true},
		y: axis{label: "hosts that share at least so many (%)", log: true, most: 100},
	}
	d := &drawing{painter: ch, method: "Share of hosts that declare at least so many files (CCDF; PONG, the largest figure of a " +
		"host's conversations), of those that told. Hosts that share nothing are counted and lie off the axis."}
	all := amounts["files"]
	switch {
	case all == nil:
		ch.empty = noFiles
		return d, nil
	case !all.positive():
		ch.empty = fmt.Sprintf("No host shares a file, of %s that told.", number(float64(all.hosts())))
		return d, nil
	}
	lines, told := all.laws("all hosts")
	d.method += " " + told
	ch.layers = append(ch.layers, marked("all hosts", all, curve{ink: black, mark: draw.CircleGlyph{}}))
	if amounts["ultrapeer"].positive() && amounts["leaf"].positive() {
		ch.layers = append(ch.layers,
			marked("ultrapeers", amounts["ultrapeer"], curve{ink: blue, mark: draw.PlusGlyph{}}),
			marked("leaves", amounts["leaf"], curve{ink: orange, mark: draw.PyramidGlyph{}}))
	}
	ch.layers = append(ch.layers, lines...)
	return d, nil
}

// unequal is a Lorenz curve to draw: the kind of amount, and how it looks.
type unequal struct {
	name string
	look curve
}

// lorenzChart draws Lorenz curves of amounts by kind; part is what the hosts have of all.
func lorenzChart(part string, amounts map[string]distribution, kinds ...unequal) *chart {
	ch := &chart{
		x: axis{label: "hosts, those with least first (%)", max: 100},
		y: axis{label: part + " (%)", max: 100},
	}
	for _, kind := range kinds {
		amount := amounts[kind.name]
		if !amount.positive() {
			continue
		}
		look := kind.look
		look.name = fmt.Sprintf("%s: %s, Gini %.3f", kind.name, many(amount.hosts(), "host", "hosts"), graph.Gini(amount.list()))
		look.line, look.data = true, amount.lorenz()
		ch.layers = append(ch.layers, &look)
	}
	if len(ch.layers) > 0 {
		equal := &curve{name: "equality", data: []point{{0, 0}, {100, 100}}, ink: grey, line: true, dashes: dotted}
		ch.layers = append(ch.layers, equal)
	}
	return ch
}

// lorenzMethod explains the curves.
const lorenzMethod = "Lorenz curves: how much of all that is declared the hosts hold that share least. The Gini " +
	"coefficient is twice the area between a curve and equality. Hosts that did not tell are left out."

func lorenz(ctx context.Context, a *Album) (*drawing, error) {
	amounts, err := a.amounts(ctx, "figure_sharing")
	if err != nil {
		return nil, err
	}
	ch := lorenzChart("share of all that they hold", amounts,
		unequal{"files", curve{ink: blue}}, unequal{"data", curve{ink: vermillion, dashes: dashed}})
	switch {
	case len(amounts) == 0:
		ch.empty = noFiles
	case len(ch.layers) == 0:
		ch.empty = "No host that told what it shares shares anything: there is nothing to hold a part of."
	}
	d := &drawing{painter: ch, method: lorenzMethod}
	if amounts["data"].positive() {
		d.method += " Data are KiB of leaves: ultrapeers round theirs."
	}
	return d, nil
}

// responsesMethod explains the curves.
const responsesMethod = "Lorenz curves: how much of all hits, and of all results in them, come from the hosts that answered " +
	"least, of those that answered at all; a host is a servent GUID here. The Gini coefficient is twice the area between a " +
	"curve and equality. "

func responses(ctx context.Context, a *Album) (*drawing, error) {
	all, err := a.answers(ctx)
	if err != nil {
		return nil, err
	}
	amounts, err := a.amounts(ctx, "figure_responses")
	if err != nil {
		return nil, err
	}
	ch := lorenzChart("share of all answers", amounts,
		unequal{"hits", curve{ink: blue}}, unequal{"results", curve{ink: vermillion, dashes: dashed}})
	ch.empty = all.lacks()
	return &drawing{painter: ch, method: responsesMethod + asked}, nil
}

// list is the value of each host.
func (d distribution) list() []int {
	list := make([]int, 0, d.hosts())
	for value, hosts := range d {
		list = append(list, slices.Repeat([]int{value}, hosts)...)
	}
	return list
}

// lorenz is the share of all amounts that the lowest share of hosts hold, both in percent. It is straight within hosts of equal
// amount, so a point for each amount is exact; a thousandth of the picture is enough.
func (d distribution) lorenz() []point {
	var held, hosts, total float64
	values := slices.Sorted(maps.Keys(d))
	for _, value := range values {
		total += float64(value) * float64(d[value])
	}
	all := float64(d.hosts())
	points := []point{{0, 0}}
	for i, value := range values {
		hosts += float64(d[value])
		held += float64(value) * float64(d[value])
		p, last := point{100 * hosts / all, 100 * held / total}, points[len(points)-1]
		if p.x-last.x > 0.1 || p.y-last.y > 0.1 || i == len(values)-1 {
			points = append(points, p)
		}
	}
	return points
}
