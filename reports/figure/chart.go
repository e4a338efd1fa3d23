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
	legend place
	empty  string // why there is nothing to show; then there are no layers
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

// A place is where the legend has room.
type place int

const (
	topLeft place = iota
	topRight
	bottomLeft
	bottomRight
	above // the plot, in rows
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
	if ch.legend == above {
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
	if ch.legend == above {
		ch.legendRows(f, true)
	} else {
		ch.legendColumn(f)
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

// legendColumn draws the legend into a corner, one entry below the other.
func (ch *chart) legendColumn(f *frame) {
	sty := lettering(tickSize)
	height := sty.Height("Ag")
	entries := ch.entries()
	var widest vg.Length
	for _, l := range entries {
		widest = max(widest, sty.Width(l.title()))
	}
	x, y := f.Min.X+5, f.Max.Y-height-2
	if ch.legend == topRight || ch.legend == bottomRight {
		x = f.Max.X - widest - labelGap - sampleSize
	}
	if ch.legend == bottomLeft || ch.legend == bottomRight {
		y = f.Min.Y + 4 + vg.Length(len(entries)-1)*(height+entryGap)
	}
	for _, l := range entries {
		drawEntry(f, l, x, y)
		y -= height + entryGap
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
