package figure

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// An axis has a label with its unit. A logarithmic one shows nothing at 0 and below.
type axis struct {
	label    string
	log      bool
	min, max float64  // the range; where it is empty, that of the data
	most     float64  // no value can be more; 0: there is no such bound
	names    []string // of the categories at 0, 1, 2 …, instead of numbers
}

type tick struct {
	value float64
	label string // empty: a smaller tick between others
}

// part is how far along the axis a value lies, from 0 to 1.
func (a *axis) part(x float64) float64 {
	if a.log {
		return math.Log(x/a.min) / math.Log(a.max/a.min)
	}
	return (x - a.min) / (a.max - a.min)
}

// shows tells whether a value has a place on the axis.
func (a *axis) shows(x float64) bool {
	if !finite(x) || a.log && x <= 0 {
		return false
	}
	part := a.part(x)
	return part > -1e-9 && part < 1+1e-9
}

// fit gives the axis the range of the data, where it has none yet. Never is the range empty.
func (a *axis) fit(layers []layer, of func(point) float64) {
	if a.min < a.max {
		return
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, l := range layers {
		for _, p := range l.points() {
			if x := of(p); finite(x) && !(a.log && x <= 0) {
				low, high = min(low, x), max(high, x)
			}
		}
	}
	switch {
	case len(a.names) > 0:
		a.min, a.max = -0.6, float64(len(a.names))-0.4
	case low > high:
		a.min, a.max = 1, 10
	case a.log:
		// A little room on both sides, and at least a decade in all.
		a.min, a.max = low/1.15, high*1.15
		if spare := 10 / (a.max / a.min); spare > 1 {
			a.min, a.max = a.min/math.Sqrt(spare), a.max*math.Sqrt(spare)
		}
		if over := a.max / (a.most * 1.15); a.most > 0 && over > 1 {
			a.min, a.max = a.min/over, a.max/over
		}
	default:
		a.min, a.max = min(0, low), high*1.04
		if a.max <= a.min {
			a.max = a.min + 1
		}
	}
}

// ticks are those that the range has room for, in ascending order.
func (a *axis) ticks() []tick {
	switch {
	case len(a.names) > 0:
		ticks := make([]tick, len(a.names))
		for i, name := range a.names {
			ticks[i] = tick{float64(i), name}
		}
		return ticks
	case a.log:
		return a.logTicks()
	}
	return a.linearTicks()
}

// linearTicks are 4 to 8, at multiples of 1, 2 or 5 times a power of ten.
func (a *axis) linearTicks() []tick {
	span := a.max - a.min
	step := math.Pow(10, math.Floor(math.Log10(span)))
	for _, divisor := range []float64{1, 2, 2.5, 2} { // 1, 0.5, 0.2, 0.1
		if step /= divisor; span/step >= 4 {
			break
		}
	}
	var ticks []tick
	for i := math.Ceil(a.min/step - 1e-9); i*step <= a.max*(1+1e-9); i++ {
		ticks = append(ticks, tick{i * step, number(i * step)})
	}
	return ticks
}

// logTicks are at the powers of ten, with small ones between. Over few decades some of those have numbers too, over many
// decades some powers have none.
func (a *axis) logTicks() []tick {
	decades := math.Log10(a.max / a.min)
	labelled := func(digit int, power float64) bool {
		switch {
		case decades < 1.5:
			return digit == 1 || digit == 2 || digit == 5
		case decades < 2.2:
			return digit == 1 || digit == 3
		}
		every := math.Ceil(decades / 7)
		return digit == 1 && math.Mod(power, every) == 0
	}
	var ticks []tick
	for power := math.Floor(math.Log10(a.min)); power <= math.Log10(a.max); power++ {
		for digit := 1; digit <= 9; digit++ {
			value := float64(digit) * math.Pow(10, power)
			if !a.shows(value) || digit > 1 && decades > 9 {
				continue
			}
			t := tick{value: value}
			if labelled(digit, power) {
				t.label = number(value)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// uncrowd takes the numbers from every second tick until the rest has room on a horizontal axis.
func uncrowd(ticks []tick, length vg.Length) {
	sty := lettering(tickSize)
	for every := 2; every <= len(ticks); every *= 2 {
		var sum vg.Length
		for _, t := range ticks {
			if t.label != "" {
				sum += sty.Width(t.label) + 9
			}
		}
		if sum <= length {
			return
		}
		for i := range ticks {
			if i%every != 0 {
				ticks[i].label = ""
			}
		}
	}
}

// many counts things for people.
func many(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(float64(n)) + " " + more
}

// number is a number for people: groups of three digits have a comma between them, a fraction as many digits as it needs.
func number(x float64) string {
	if x == 0 {
		return "0" // and not -0
	}
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if rounded := strconv.FormatFloat(x, 'f', 10, 64); len(rounded) < len(s) {
		s = strings.TrimRight(strings.TrimRight(rounded, "0"), ".")
	}
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "–", s[1:]
	}
	whole, fraction, found := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if found {
		whole += "." + fraction
	}
	return sign + whole
}

// drawHorizontal draws the axis below a frame; bottom is the lower edge of its label.
func (a *axis) drawHorizontal(f *frame, ticks []tick, bottom vg.Length) {
	label, numbers := lettering(labelSize), lettering(tickSize)
	label.XAlign, numbers.XAlign = draw.XCenter, draw.XCenter
	numbers.YAlign = draw.YTop
	for _, t := range ticks {
		x := f.Min.X + vg.Length(a.part(t.value))*f.Size().X
		f.StrokeLine2(axisLine, x, f.Min.Y, x, f.Min.Y-a.mark(t))
		if a.mark(t) == tickLength {
			f.StrokeLine2(gridLine, x, f.Min.Y, x, f.Max.Y)
		}
		if t.label != "" {
			f.FillText(numbers, vg.Point{X: x, Y: f.Min.Y - tickLength - labelGap}, t.label)
		}
	}
	f.StrokeLine2(axisLine, f.Min.X, f.Min.Y, f.Max.X, f.Min.Y)
	// A label that is wider than the axis begins further left.
	middle := min(f.Center().X, f.Max.X-label.Width(a.label)/2)
	f.FillText(label, vg.Point{X: middle, Y: bottom}, a.label)
}

// drawVertical draws the axis beside a frame; left is the edge of its label, which stands upright.
func (a *axis) drawVertical(f *frame, ticks []tick, left vg.Length) {
	label, numbers := lettering(labelSize), lettering(tickSize)
	label.XAlign, label.YAlign, label.Rotation = draw.XCenter, draw.YTop, math.Pi/2
	numbers.XAlign, numbers.YAlign = draw.XRight, draw.YCenter
	for _, t := range ticks {
		y := f.Min.Y + vg.Length(a.part(t.value))*f.Size().Y
		f.StrokeLine2(axisLine, f.Min.X, y, f.Min.X-a.mark(t), y)
		if a.mark(t) == tickLength {
			f.StrokeLine2(gridLine, f.Min.X, y, f.Max.X, y)
		}
		if t.label != "" {
			f.FillText(numbers, vg.Point{X: f.Min.X - tickLength - labelGap, Y: y}, t.label)
		}
	}
	f.StrokeLine2(axisLine, f.Min.X, f.Min.Y, f.Min.X, f.Max.Y)
	f.FillText(label, vg.Point{X: left, Y: f.Center().Y}, a.label)
}

// Lines of an axis and of the grid.
var (
	axisLine = draw.LineStyle{Color: black, Width: hairline}
	gridLine = draw.LineStyle{Color: gridInk, Width: hairline}
)

// mark is the length of a tick: shorter for one without a number, nothing for a category.
func (a *axis) mark(t tick) vg.Length {
	switch {
	case len(a.names) > 0:
		return 0
	case t.label == "":
		return tickLength * 0.6
	}
	return tickLength
}
