package figure

import (
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A chart is a figure with two axes. It is made of values, so that a test sees what is drawn.
type chart struct {
	x, y   axis
	layers []layer // the first lies lowest
	above  bool    // the legend lies above the plot, in rows, and not in a corner of it
	empty  string  // why there is nothing to show; then there are no layers
}

// A layer is what is drawn between the axes.
type layer interface {
	points() []point // that the axes must reach
	draw(f *frame)
	// sample draws a specimen of it for the legend, into a rectangle; without a name it is not in the legend.
	sample(c draw.Canvas)
	title() string
}

type point struct{ x, y float64 }

// A corner is one that the legend may lie in.
type corner int

// The corners, in the order in which they are tried.
const (
	bottomLeft corner = iota
	topRight
	topLeft
	bottomRight
)

// A frame is the part of a canvas between the axes.
type frame struct {
	draw.Canvas
	x, y *axis
}

// at is where a point of the data lies.
func (f *frame) at(p point) vg.Point {
	return vg.Point{
		X: f.Min.X + vg.Length(f.x.part(p.x))*f.Size().X,
		Y: f.Min.Y + vg.Length(f.y.part(p.y))*f.Size().Y,
	}
}

const (
	tickLength = 2.5
	labelGap   = 2
	sampleSize = 16 // width of a specimen in the legend
	entryGap   = 2.5
	legendPad  = 3 // between the frame of the legend and its entries
)

// paint draws the chart. All texts have their room before the rest is given to the data.
func (ch *chart) paint(c draw.Canvas) {
	ch.x.fit(ch.layers, func(p point) float64 { return p.x })
	ch.y.fit(ch.layers, func(p point) float64 { return p.y })
	xTicks, yTicks := ch.x.ticks(), ch.y.ticks()
	if ch.empty != "" {
		xTicks, yTicks = nil, nil
	}
	numbers := lettering(tickSize)
	lineHeight := numbers.Height("0")
	var widest, last vg.Length
	for _, t := range yTicks {
		widest = max(widest, numbers.Width(t.label))
	}
	for _, t := range xTicks {
		last = numbers.Width(t.label) / 2
	}
	f := &frame{c, &ch.x, &ch.y}
	f.Min.X += widest + labelGap + tickLength
	if ch.y.label != "" {
		f.Min.X += labelSize*1.25 + labelGap
	}
	f.Min.Y += labelSize*1.25 + labelGap + lineHeight + labelGap + tickLength
	f.Max.X -= last
	f.Max.Y -= lineHeight / 2
	if ch.above {
		f.Max.Y -= ch.legendRows(f, false)
	}
	uncrowd(xTicks, f.Size().X)

	ch.x.drawHorizontal(f, xTicks, c.Min.Y)
	ch.y.drawVertical(f, yTicks, c.Min.X)
	if ch.empty != "" {
		notice(f, ch.empty)
		return
	}
	for _, l := range ch.layers {
		l.draw(f)
	}
	if ch.above {
		ch.legendRows(f, true)
	} else {
		ch.legendColumn(f, ch.roomiest(f))
	}
}

// notice writes a sentence where the data would be.
func notice(f *frame, sentence string) {
	sty := lettering(labelSize)
	lines := wrapped(sty, sentence, f.Size().X*0.8)
	sty.XAlign = draw.XCenter
	height := sty.Height("Ag") * 1.3
	y := f.Center().Y + height*vg.Length(len(lines)-2)/2
	for _, line := range lines {
		f.FillText(sty, vg.Point{X: f.Center().X, Y: y}, line)
		y -= height
	}
}

// entries are the layers that the legend tells of.
func (ch *chart) entries() []layer {
	var named []layer
	for _, l := range ch.layers {
		if l.title() != "" {
			named = append(named, l)
		}
	}
	return named
}

// legendBox is the room that the legend takes in a corner, one entry below the other.
func (ch *chart) legendBox(f *frame, at corner) vg.Rectangle {
	sty := lettering(tickSize)
	entries := ch.entries()
	var size vg.Point
	for _, l := range entries {
		size.X = max(size.X, sampleSize+labelGap+sty.Width(l.title()))
		size.Y += sty.Height("Ag") + entryGap
	}
	size = size.Add(vg.Point{X: 2 * legendPad, Y: 2*legendPad - entryGap})
	box := vg.Rectangle{Min: vg.Point{X: f.Min.X + 5, Y: f.Max.Y - size.Y}}
	if at == topRight || at == bottomRight {
		box.Min.X = f.Max.X - size.X
	}
	if at == bottomLeft || at == bottomRight {
		box.Min.Y = f.Min.Y + 4
	}
	box.Max = box.Min.Add(size)
	return box
}

// roomiest is the corner in which the legend covers least: of points, and of lines as if they were points close together.
func (ch *chart) roomiest(f *frame) corner {
	best, fewest := bottomLeft, math.MaxInt
	for at := bottomLeft; at <= bottomRight; at++ {
		box, covered := ch.legendBox(f, at), 0
		for _, l := range ch.layers {
			covered += f.covered(l, box)
		}
		if covered < fewest {
			best, fewest = at, covered
		}
	}
	return best
}

// covered counts what a box hides of a layer.
func (f *frame) covered(l layer, box vg.Rectangle) int {
	const steps = 20
	c, isCurve := l.(*curve)
	var last *vg.Point // where a line comes from
	count := 0
	for _, p := range l.points() {
		if !f.x.shows(p.x) || !f.y.shows(p.y) {
			continue
		}
		at := f.at(p)
		if last == nil || !isCurve || !c.line {
			last = &at
		}
		for step := range steps {
			on := last.Add(at.Sub(*last).Scale(vg.Length(step+1) / steps))
			if on.X > box.Min.X && on.X < box.Max.X && on.Y > box.Min.Y && on.Y < box.Max.Y {
				count++
			}
		}
		last = &at
	}
	return count
}

// legendColumn draws the legend into a corner, with a frame, so that none of its specimens is taken for data.
func (ch *chart) legendColumn(f *frame, in corner) {
	box := ch.legendBox(f, in)
	height := lettering(tickSize).Height("Ag")
	if len(ch.entries()) > 0 {
		f.SetLineStyle(draw.LineStyle{Color: grey, Width: hairline})
		f.Stroke(box.Path())
	}
	y := box.Max.Y - legendPad
	for _, l := range ch.entries() {
		y -= height
		drawEntry(f, l, box.Min.X+legendPad, y)
		y -= entryGap
	}
}

// legendRows sets the entries above the plot, one after the other as the width allows, and returns the height that they take.
func (ch *chart) legendRows(f *frame, visible bool) vg.Length {
	sty := lettering(tickSize)
	height := sty.Height("Ag")
	entries := ch.entries()
	rows, x := 1, f.Min.X
	place := func(l layer) (at vg.Length, row int) {
		width := sampleSize + labelGap + sty.Width(l.title())
		if x > f.Min.X && x+width > f.Max.X {
			rows, x = rows+1, f.Min.X
		}
		at = x
		x += width + 8
		return at, rows
	}
	for _, l := range entries {
		place(l)
	}
	total := vg.Length(rows) * (height + entryGap)
	if visible {
		top := f.Max.Y + total + 2
		rows, x = 1, f.Min.X
		for _, l := range entries {
			at, row := place(l)
			drawEntry(f, l, at, top-vg.Length(row)*(height+entryGap))
		}
	}
	return total + 3
}

// drawEntry draws a specimen and the name beside it; y is the lower edge.
func drawEntry(f *frame, l layer, x, y vg.Length) {
	sty := lettering(tickSize)
	box := draw.Canvas{Canvas: f.Canvas.Canvas, Rectangle: vg.Rectangle{
		Min: vg.Point{X: x, Y: y},
		Max: vg.Point{X: x + sampleSize, Y: y + sty.Height("Ag")},
	}}
	l.sample(box)
	f.FillText(sty, vg.Point{X: box.Max.X + labelGap, Y: y}, l.title())
}

// finite tells whether a number can be drawn.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
