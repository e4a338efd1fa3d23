package figure

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// svgCanvas draws to SVG for pages as well as for papers. It uses attributes alone and no style, so that a page may forbid
// styles of its content; what is drawn in black takes the colour of the text around it, so that a page may be dark; texts keep
// their width where the font is missing. Equal strokes or fills that follow each other become one path.
type svgCanvas struct {
	width, height vg.Length
	body          bytes.Buffer
	pending       string // attributes of the path that is not closed yet
	path          []byte
	state         svgState
	saved         []svgState
}

type svgState struct {
	ink    color.Color
	line   vg.Length
	dashes string
	at     matrix
}

// matrix maps a point (x, y) to (ax + cy + e, bx + dy + f).
type matrix struct{ a, b, c, d, e, f float64 }

// newSVG returns an empty canvas. SVG counts downward from the top.
func newSVG(width, height vg.Length) *svgCanvas {
	c := &svgCanvas{width: width, height: height, state: svgState{at: matrix{a: 1, d: -1, f: height.Points()}}}
	vg.Initialize(c)
	return c
}

func (c *svgCanvas) Size() (width, height vg.Length) { return c.width, c.height }
func (c *svgCanvas) SetLineWidth(w vg.Length)        { c.state.line = w }
func (c *svgCanvas) SetColor(ink color.Color)        { c.state.ink = ink }
func (c *svgCanvas) Push()                           { c.saved = append(c.saved, c.state) }
func (c *svgCanvas) Rotate(angle float64)            { c.transform(rotation(angle)) }
func (c *svgCanvas) Translate(p vg.Point) {
	c.transform(matrix{1, 0, 0, 1, p.X.Points(), p.Y.Points()})
}
func (c *svgCanvas) Scale(x, y float64)                  { c.transform(matrix{a: x, d: y}) }
func (c *svgCanvas) DrawImage(vg.Rectangle, image.Image) {} // no figure holds one

func (c *svgCanvas) Pop() {
	c.state = c.saved[len(c.saved)-1]
	c.saved = c.saved[:len(c.saved)-1]
}

func (c *svgCanvas) SetLineDash(dashes []vg.Length, _ vg.Length) {
	c.state.dashes = ""
	for i, d := range dashes {
		if i > 0 {
			c.state.dashes += " "
		}
		c.state.dashes += string(decimal(nil, d.Points()))
	}
}

func rotation(angle float64) matrix {
	sin, cos := math.Sincos(angle)
	return matrix{a: cos, b: sin, c: -sin, d: cos}
}

// transform does t before what is done already.
func (c *svgCanvas) transform(t matrix) {
	m := c.state.at
	c.state.at = matrix{
		m.a*t.a + m.c*t.b, m.b*t.a + m.d*t.b,
		m.a*t.c + m.c*t.d, m.b*t.c + m.d*t.d,
		m.a*t.e + m.c*t.f + m.e, m.b*t.e + m.d*t.f + m.f,
	}
}

func (m matrix) apply(p vg.Point) (x, y float64) {
	px, py := p.X.Points(), p.Y.Points()
	return m.a*px + m.c*py + m.e, m.b*px + m.d*py + m.f
}

func (c *svgCanvas) Stroke(p vg.Path) {
	if c.state.line <= 0 {
		return
	}
	name, opacity := svgColor(c.state.ink)
	attributes := ` fill="none" stroke="` + name + `" stroke-width="` + string(decimal(nil, c.state.line.Points())) + `"`
	if opacity != "" {
		attributes += ` stroke-opacity="` + opacity + `"`
	}
	if c.state.dashes != "" {
		attributes += ` stroke-dasharray="` + c.state.dashes + `"`
	}
	c.add(attributes, opacity == "", p)
}

func (c *svgCanvas) Fill(p vg.Path) {
	name, opacity := svgColor(c.state.ink)
	attributes := ` fill="` + name + `"`
	if opacity != "" {
		attributes += ` fill-opacity="` + opacity + `"`
	}
	c.add(attributes, opacity == "", p)
}

// add draws a path, as a part of the last one where that looks the same: things that are seen through would not.
func (c *svgCanvas) add(attributes string, opaque bool, p vg.Path) {
	if !opaque || attributes != c.pending {
		c.flush()
		c.pending = attributes
	}
	for i := range p {
		c.step(&p[i])
	}
	if !opaque {
		c.flush()
	}
}

func (c *svgCanvas) flush() {
	if len(c.path) > 0 {
		fmt.Fprintf(&c.body, "<path%s d=\"%s\"/>\n", c.pending, c.path)
	}
	c.path, c.pending = c.path[:0], ""
}

func (c *svgCanvas) step(s *vg.PathComp) {
	switch s.Type {
	case vg.MoveComp:
		c.command('M', s.Pos)
	case vg.LineComp:
		c.command('L', s.Pos)
	case vg.CurveComp:
		c.command(" QC"[len(s.Control)], append(s.Control[:len(s.Control):len(s.Control)], s.Pos)...)
	case vg.ArcComp:
		c.arc(s)
	case vg.CloseComp:
		c.path = append(c.path, 'Z')
	}
}

func (c *svgCanvas) command(letter byte, points ...vg.Point) {
	for i, p := range points {
		if c.path = append(c.path, ' '); i == 0 {
			c.path[len(c.path)-1] = letter
		}
		x, y := c.state.at.apply(p)
		c.path = decimal(append(decimal(c.path, x), ' '), y)
	}
}

// arc draws a part of a circle, on from its beginning, to which the path has moved. It takes steps of at most half the circle,
// for an arc that ends where it begins is none to SVG.
func (c *svgCanvas) arc(s *vg.PathComp) {
	on := func(angle float64) vg.Point {
		sin, cos := math.Sincos(angle)
		return vg.Point{X: s.Pos.X + s.Radius*vg.Length(cos), Y: s.Pos.Y + s.Radius*vg.Length(sin)}
	}
	sweep := byte('0')
	if s.Angle < 0 {
		sweep = '1'
	}
	steps := max(1, math.Ceil(math.Abs(s.Angle)/math.Pi-1e-9))
	for i := 1.0; i <= steps; i++ {
		c.path = decimal(append(c.path, 'A'), s.Radius.Points())
		c.path = decimal(append(c.path, ' '), s.Radius.Points())
		c.path = append(c.path, ' ', '0', ' ', '0', ' ', sweep)
		c.command(' ', on(s.Start+s.Angle*i/steps))
	}
}

func (c *svgCanvas) FillString(f font.Face, p vg.Point, text string) {
	c.flush()
	name, _ := svgColor(c.state.ink)
	x, y := c.state.at.apply(p)
	fmt.Fprintf(&c.body, `<text x="%s" y="%s" font-size="%s" fill="%s"`, decimal(nil, x), decimal(nil, y),
		decimal(nil, f.Font.Size.Points()), name)
	if turn := -math.Atan2(-c.state.at.b, c.state.at.a) * 180 / math.Pi; math.Abs(turn) > 0.01 {
		fmt.Fprintf(&c.body, ` transform="rotate(%s %s %s)"`, decimal(nil, turn), decimal(nil, x), decimal(nil, y))
	}
	fmt.Fprintf(&c.body, ` textLength="%s" lengthAdjust="spacingAndGlyphs">`, decimal(nil, f.Width(text).Points()))
	escape(&c.body, text)
	c.body.WriteString("</text>\n")
}

// write writes the whole picture. Title and description are for who cannot see it.
func (c *svgCanvas) write(w io.Writer, title, description string) error {
	c.flush()
	var head bytes.Buffer
	width, height := c.width.Points(), c.height.Points()
	fmt.Fprintf(&head, `<svg xmlns="http://www.w3.org/2000/svg" width="%smm" height="%smm" viewBox="0 0 %s %s" role="img"`,
		decimal(nil, width/vg.Millimeter.Points()), decimal(nil, height/vg.Millimeter.Points()),
		decimal(nil, width), decimal(nil, height))
	head.WriteString(` font-family="Liberation Sans, Arial, Helvetica, sans-serif">` + "\n<title>")
	escape(&head, title)
	head.WriteString("</title>\n<desc>")
	escape(&head, description)
	head.WriteString("</desc>\n")
	for _, part := range [][]byte{head.Bytes(), c.body.Bytes(), []byte("</svg>\n")} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// escape writes a text as content of an element. A buffer takes whatever it is given.
func escape(b *bytes.Buffer, text string) { _ = xml.EscapeText(b, []byte(text)) }

// svgColor names a colour, and its opacity when it is not 1. Black is the colour of the text around.
func svgColor(ink color.Color) (name, opacity string) {
	n := color.NRGBAModel.Convert(ink).(color.NRGBA)
	if n.A < 255 {
		opacity = string(decimal(nil, float64(n.A)/255))
	}
	if n.R == 0 && n.G == 0 && n.B == 0 {
		return "currentColor", opacity
	}
	return fmt.Sprintf("#%02x%02x%02x", n.R, n.G, n.B), opacity
}

// decimal appends a number with two decimals at most, enough for a hundredth of a point.
func decimal(b []byte, x float64) []byte {
	x = math.Round(x*100) / 100
	if x == 0 {
		x = 0 // not -0
	}
	return strconv.AppendFloat(b, x, 'f', -1, 64)
}
