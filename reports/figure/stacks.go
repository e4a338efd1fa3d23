package figure

import (
	"context"
	"fmt"
	"image/color"
	"slices"
)

// A fate is what became of conversations or hosts, with a colour of its own.
type fate struct {
	name  string
	ink   color.Color
	means string // the caption tells it where the figure shows the fate; empty: the name says it
}

// A stack is a bar of parts that make up a whole: how many there are of each fate, in the order of the fates.
type stack struct {
	name   string
	counts []int
}

// stackChart draws stacks, the first on top.
func stackChart(fates []fate, stacks []stack, label string) *chart {
	ch := &chart{x: axis{label: label, max: 100}, above: true}
	parts := make([]boxes, len(fates))
	for i, s := range stacks {
		whole, done := 0, 0.0
		for _, n := range s.counts {
			whole += n
		}
		for k, n := range s.counts {
			if n == 0 {
				continue
			}
			share := 100 * float64(n) / float64(whole)
			b := bar(done, done+share, level(i, len(stacks)), 0.7)
			b.text = percent(share)
			parts[k].list = append(parts[k].list, b)
			done += share
		}
		ch.y.names = append(ch.y.names, fmt.Sprintf("%s (%s)", s.name, number(float64(whole))))
	}
	slices.Reverse(ch.y.names)
	for k := range parts {
		if len(parts[k].list) > 0 {
			parts[k].name, parts[k].ink = fates[k].name, fates[k].ink
			ch.layers = append(ch.layers, &parts[k])
		}
	}
	return ch
}

// stacks are bars, by name in the order of their first count.
type stacks struct {
	list  []stack
	fates int
}

// add counts n of a fate in the stack of a name.
func (s *stacks) add(name string, fate, n int) {
	i := slices.IndexFunc(s.list, func(s stack) bool { return s.name == name })
	if i < 0 {
		i = len(s.list)
		s.list = append(s.list, stack{name, make([]int, s.fates)})
	}
	s.list[i].counts[fate] += n
}

// draw makes a drawing of the stacks, high enough for a legend of two rows. The method goes on with what their fates mean.
func (s *stacks) draw(fates []fate, label, method string) *drawing {
	ch := stackChart(fates, s.list, label)
	if len(s.list) == 0 {
		ch.empty = noHost
	}
	for k, f := range fates {
		shown := slices.ContainsFunc(s.list, func(s stack) bool { return s.counts[k] > 0 })
		if shown && f.means != "" {
			method += " " + f.means
		}
	}
	return &drawing{painter: ch, height: barsHeight(len(s.list)) + 26, method: method}
}

// outcomeFates are outcomes that mean about the same, in the order of report.outcome.
var outcomeFates = []fate{
	{name: "answered", ink: blue}, {name: "refused", ink: sky}, {name: "unsupported", ink: green},
	{"no servent spoke", purple, "No servent spoke: garbage, closed, reset or timeout after a connection."},
	{"nothing there", vermillion, "Nothing there: connection refused or unreachable."},
	{"no reply", orange, "No reply: connect timeout, or silence to a datagram."},
	{"our doing", grey, "Our doing: local limit, out of scope, cancelled."},
	{name: "not visited", ink: color.NRGBA{200, 200, 200, 255}},
}

// fateOf is the place of an outcome among these.
var fateOf = map[string]int{
	"answered": 0, "refused": 1, "unsupported": 2, "garbage": 3, "closed": 3, "reset": 3, "timeout": 3,
	"connection-refused": 4, "unreachable": 4, "connect-timeout": 5, "silent": 5,
	"local-limit": 6, "out-of-scope": 6, "cancelled": 6, "not visited": 7,
}

const outcomesMethod = "How conversations ended, by method; by any method, each host counts once with its best outcome, queries " +
	"apart."

func outcomes(ctx context.Context, a *Album) (*drawing, error) {
	t, err := a.report(ctx, "outcomes")
	if err != nil {
		return nil, err
	}
	s := stacks{fates: len(outcomeFates)}
	for r := range t.rows() {
		s.add(r.text("method"), fateOf[r.text("outcome")], r.count("count"))
	}
	return s.draw(outcomeFates, "share of conversations, or of hosts (%)", outcomesMethod), nil
}

// endings are those of report reachability.
var endings = []fate{
	{name: "answered", ink: blue}, {name: "refused", ink: sky},
	{"broke off", purple, "Broke off: it took the connection and spoke no Gnutella."},
	{name: "nobody there", ink: vermillion},
	{"firewalled", green, "Firewalled: no answer to the connection attempt, though another host lists it as linked, or it " +
		"answered otherwise."},
	{"timed out", orange, "Timed out: no answer to the connection attempt, and no other sign of it; by a UDP method only that " +
		"no datagram came back."},
}

const reachabilityMethod = "Hosts that were tried, by method, each with its best outcome; by any method also by role, which is a " +
	"host's own word or that of those that list it."

func reachability(ctx context.Context, a *Album) (*drawing, error) {
	t, err := a.report(ctx, "reachability")
	if err != nil {
		return nil, err
	}
	s := stacks{fates: len(endings)}
	for r := range t.rows() {
		name, role := r.text("method"), r.text("role")
		switch {
		case role == "all":
		case name == "any":
			name = "any, " + role
		default:
			continue
		}
		i := slices.IndexFunc(endings, func(e fate) bool { return e.name == r.text("ending") })
		s.add(name, i, r.count("hosts"))
	}
	return s.draw(endings, "share of hosts (%)", reachabilityMethod), nil
}
