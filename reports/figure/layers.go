package figure

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A curve is points in the order of x, with a line, marks or both.
type curve struct {
	name   string // in the legend
	data   []point
	ink    color.Color
	line   bool
	dashes []vg.Length
	steps  bool             // the line stays level until the next point
	mark   draw.GlyphDrawer // nil: none
}

func (l *curve) points() []point { return l.data }
func (l *curve) title() string   { return l.name }

func (l *curve) draw(f *frame) {
	var run []vg.Point
	end := func() {
		if l.line && len(run) > 1 {
			f.StrokeLines(l.style(), run)
		}
		run = nil
	}
	for _, p := range l.data {
		if !f.x.shows(p.x) || !f.y.shows(p.y) {
			end()
			continue
		}
		at := f.at(p)
		if l.steps && len(run) > 0 {
			run = append(run, vg.Point{X: at.X, Y: run[len(run)-1].Y})
		}
		run = append(run, at)
	}
	end()
	if l.mark == nil {
		return
	}
	for _, p := range l.data {
		if f.x.shows(p.x) && f.y.shows(p.y) {
			f.DrawGlyphNoClip(l.glyph(), f.at(p))
		}
	}
}

func (l *curve) sample(c draw.Canvas) {
	middle := c.Center()
	if l.line {
		c.StrokeLine2(l.style(), c.Min.X, middle.Y, c.Max.X, middle.Y)
	}
	if l.mark != nil {
		c.DrawGlyphNoClip(l.glyph(), middle)
	}
}

func (l *curve) style() draw.LineStyle {
	return draw.LineStyle{Color: l.ink, Width: curveWidth, Dashes: l.dashes}
}

func (l *curve) glyph() draw.GlyphStyle {
	return draw.GlyphStyle{Color: l.ink, Radius: 1.4, Shape: l.mark}
}

// A band lies between two curves over the same x.
type band struct {
	name      string
	low, high []point
	ink       color.Color
}

func (l *band) points() []point { return append(append([]point{}, l.low...), l.high...) }
func (l *band) title() string   { return l.name }

func (l *band) draw(f *frame) {
	var outline []vg.Point
	for _, p := range l.high {
		outline = append(outline, f.at(p))
	}
	for i := len(l.low) - 1; i >= 0; i-- {
		outline = append(outline, f.at(l.low[i]))
	}
	if len(outline) > 2 {
		f.FillPolygon(l.ink, outline)
	}
}

func (l *band) sample(c draw.Canvas) { fillBox(c, l.ink, c.Rectangle) }

// boxes are bars, or parts of bars that lie upon each other.
type boxes struct {
	name string
	list []box
	ink  color.Color
}

// A box is a rectangle between two corners, with a text in its middle when it has room for it.
type box struct {
	from, to point
	text     string
}

func (l *boxes) title() string { return l.name }

func (l *boxes) points() []point {
	var all []point
	for _, b := range l.list {
		all = append(all, b.from, b.to)
	}
	return all
}

func (l *boxes) draw(f *frame) {
	sty := lettering(tickSize - 0.5)
	sty.Color, sty.XAlign, sty.YAlign = textOn(l.ink), draw.XCenter, draw.YCenter
	for _, b := range l.list {
		r := vg.Rectangle{Min: f.at(b.from), Max: f.at(b.to)}
		fillBox(f.Canvas, l.ink, r)
		if size := r.Size(); b.text != "" && sty.Width(b.text)+3 < size.X && sty.Height(b.text) < size.Y {
			f.FillText(sty, vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: (r.Min.Y + r.Max.Y) / 2}, b.text)
		}
	}
}

func (l *boxes) sample(c draw.Canvas) {
	r := c.Rectangle
	r.Min.X += 4
	fillBox(c, l.ink, r)
}

func fillBox(c draw.Canvas, ink color.Color, r vg.Rectangle) {
	c.SetColor(ink)
	c.Fill(r.Path())
}

// textOn is black or white, whichever is easier to read on a colour (relative luminance, ITU-R BT.709).
func textOn(ink color.Color) color.Color {
	r, g, b, _ := ink.RGBA()
	if 0.2126*float64(r)+0.7152*float64(g)+0.0722*float64(b) < 0.45*0xffff {
		return white
	}
	return onColor
}

// intervals are horizontal lines with ends, each from low to high at a height.
type intervals struct {
	name string
	list []interval
}

type interval struct{ y, low, high float64 }

func (l *intervals) title() string { return l.name }

func (l *intervals) points() []point {
	var all []point
	for _, i := range l.list {
		all = append(all, point{i.low, i.y}, point{i.high, i.y})
	}
	return all
}

func (l *intervals) draw(f *frame) {
	for _, i := range l.list {
		whisker(f.Canvas, f.at(point{i.low, i.y}), f.at(point{i.high, i.y}))
	}
}

func (l *intervals) sample(c draw.Canvas) {
	middle := c.Center()
	whisker(c, vg.Point{X: c.Min.X, Y: middle.Y}, vg.Point{X: c.Max.X, Y: middle.Y})
}

func whisker(c draw.Canvas, low, high vg.Point) {
	const end = 2
	sty := draw.LineStyle{Color: black, Width: 0.8}
	c.StrokeLine2(sty, low.X, low.Y, high.X, high.Y)
	c.StrokeLine2(sty, low.X, low.Y-end, low.X, low.Y+end)
	c.StrokeLine2(sty, high.X, high.Y-end, high.X, high.Y+end)
}

// texts stand to the right of points, or above them.
type texts struct {
	list  []label
	above bool
}

type label struct {
	point
	text string
}

func (l *texts) title() string      { return "" }
func (l *texts) sample(draw.Canvas) {}

func (l *texts) points() []point {
	var all []point
	for _, t := range l.list {
		if p := t.point; l.above {
			all = append(all, point{p.x, p.y * 1.06})
		} else {
			all = append(all, point{p.x * 1.1, p.y})
		}
	}
	return all
}

func (l *texts) draw(f *frame) {
	sty := lettering(tickSize - 0.5)
	sty.YAlign = draw.YCenter
	for _, t := range l.list {
		at := f.at(t.point)
		if l.above {
			sty.XAlign, sty.YAlign = draw.XCenter, draw.YBottom
			at.Y += 1.5
		} else {
			at.X += 3
		}
		f.FillText(sty, at, t.text)
	}
}
