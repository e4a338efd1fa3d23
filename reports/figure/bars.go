package figure

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
)

// rowHeight is the room of one bar; the axis and its label come on top.
const rowHeight = 15

// barsHeight is the height of a figure of so many bars.
func barsHeight(rows int) vg.Length { return vg.Length(max(rows, 3))*rowHeight + 34 }

// level is the height of a bar on the axis: the first lies on top.
func level(row, rows int) float64 { return float64(rows - 1 - row) }

// bar is a horizontal bar around a level.
func bar(from, to, y, thickness float64) box {
	return box{from: point{from, y - thickness/2}, to: point{to, y + thickness/2}}
}

// freeRidersMethod is how report freeriders counts.
const freeRidersMethod = "Hosts that declare no file, at most 10, at most 100, of those that told; or silent: and those that declare " +
	"more, but answered no query. Interval: Wilson's 95 %, as if those that told were a random sample. Bounds: of all hosts " +
	"heard of, when none, or every one, that did not tell is a free rider, and when each responder that could not be " +
	"matched is, or is not, one of the silent."

func freeRiders(ctx context.Context, a *Album) (*drawing, error) {
	t, err := a.report(ctx, "freeriders")
	if err != nil {
		return nil, err
	}
	ch := &chart{x: axis{label: "hosts that share so little (%)", max: 100}, above: true}
	d := &drawing{painter: ch, height: barsHeight(6) + 14, method: freeRidersMethod}
	share := &boxes{name: "of those that told", ink: blue}
	bounds := &boxes{name: "bounds", ink: paleSky}
	sure := &intervals{name: "95 % interval"}
	var riders []row
	for r := range t.rows() {
		figure := r.text("figure")
		_, known := r.number("low")
		if known && strings.HasPrefix(figure, "share ") && !strings.HasSuffix(figure, ", of reached") {
			riders = append(riders, r)
		}
	}
	for i, r := range riders {
		y := level(i, len(riders))
		part, _ := r.number("share")
		low, _ := r.number("low")
		high, _ := r.number("high")
		least, _ := r.number("least")
		most, _ := r.number("most")
		figure := strings.TrimPrefix(r.text("figure"), "share ")
		ch.y.names = append(ch.y.names, fmt.Sprintf("%s: %.1f %%", figure, part))
		bounds.list = append(bounds.list, bar(least, most, y, 0.8))
		share.list = append(share.list, bar(0, part, y, 0.4))
		sure.list = append(sure.list, interval{y, low, high})
	}
	slices.Reverse(ch.y.names)
	if len(riders) == 0 {
		ch.empty = noFiles
		return d, nil
	}
	ch.layers = []layer{bounds, share, sure}
	return d, nil
}

// agentsMethod is told with the number of hosts.
const agentsMethod = "The software that %s named, all versions together; hosts name themselves as they like. Beside the bars: " +
	"hosts. Interval: Wilson's 95 %%, as if they were a random sample of all."

// mostAgents are shown one by one, all others together.
const mostAgents = 14

func agents(ctx context.Context, a *Album) (*drawing, error) {
	t, err := a.report(ctx, "agents")
	if err != nil {
		return nil, err
	}
	ch := &chart{x: axis{label: "share of the hosts that named their software (%)"}, above: true}
	shares, sure, values := &boxes{ink: blue}, &intervals{name: "95 % interval"}, &texts{}
	named, others, families := 0, 0, 0
	var shown []row
	for r := range t.rows() {
		if r.text("version") != "all" {
			continue
		}
		named += r.count("hosts")
		if families++; len(shown) < mostAgents {
			shown = append(shown, r)
		} else {
			others += r.count("hosts")
		}
	}
	rows := len(shown)
	if others > 0 {
		rows++
	}
	d := &drawing{painter: ch, height: barsHeight(rows) + 14}
	d.method = fmt.Sprintf(agentsMethod, many(named, "host", "hosts"))
	if named == 0 {
		ch.empty = "No host named its software."
		return d, nil
	}
	for i, r := range shown {
		y := level(i, rows)
		part, _ := r.number("share")
		low, _ := r.number("low")
		high, _ := r.number("high")
		ch.y.names = append(ch.y.names, shortened(r.text("software"), 24))
		shares.list = append(shares.list, bar(0, part, y, 0.62))
		sure.list = append(sure.list, interval{y, low, high})
		values.list = append(values.list, label{point{high, y}, number(float64(r.count("hosts")))})
	}
	if others > 0 {
		part := 100 * float64(others) / float64(named)
		ch.y.names = append(ch.y.names, many(families-len(shown), "other", "others"))
		shares.list = append(shares.list, bar(0, part, 0, 0.62))
		values.list = append(values.list, label{point{part, 0}, number(float64(others))})
	}
	slices.Reverse(ch.y.names)
	ch.layers = []layer{shares, sure, values}
	return d, nil
}

// abilitiesMethod is how report abilities counts.
const abilitiesMethod = "Share of the hosts that have a feature, of those that told of features where it would be told: in a " +
	"handshake, or in the GGEP of a PONG. In brackets: hosts that have it, of how many. Interval: Wilson's 95 %, as if " +
	"those were a random sample."

func abilities(ctx context.Context, a *Album) (*drawing, error) {
	t, err := a.report(ctx, "abilities")
	if err != nil {
		return nil, err
	}
	ch := &chart{x: axis{label: "share of the hosts of which it is known (%)", max: 100}, above: true}
	shares, sure := &boxes{ink: blue}, &intervals{name: "95 % interval"}
	rows := slices.Collect(t.rows())
	for i, r := range rows {
		y := level(i, len(rows))
		part, _ := r.number("share")
		low, _ := r.number("low")
		high, _ := r.number("high")
		adopted, known := number(float64(r.count("adopted"))), number(float64(r.count("known")))
		ch.y.names = append(ch.y.names, fmt.Sprintf("%s (%s of %s)", r.text("feature"), adopted, known))
		shares.list = append(shares.list, bar(0, part, y, 0.62))
		sure.list = append(sure.list, interval{y, low, high})
	}
	d := &drawing{painter: ch, height: barsHeight(len(rows)) + 14, method: abilitiesMethod}
	if len(rows) == 0 {
		ch.empty = "No host told what it can do."
		return d, nil
	}
	slices.Reverse(ch.y.names)
	ch.layers = []layer{shares, sure}
	return d, nil
}
