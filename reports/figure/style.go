package figure

import (
	"image/color"
	"math"
	"strings"
	"unicode"

	"golang.org/x/text/encoding/charmap"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The colours that the colour-blind tell apart (Okabe and Ito, "Color Universal Design", 2008). Nothing is told by colour
// alone: lines differ in their dashes too, points in their shape.
var (
	black      = color.NRGBA{0, 0, 0, 255}
	blue       = color.NRGBA{0, 114, 178, 255}
	sky        = color.NRGBA{86, 180, 233, 255}
	green      = color.NRGBA{0, 158, 115, 255}
	orange     = color.NRGBA{230, 159, 0, 255}
	vermillion = color.NRGBA{213, 94, 0, 255}
	purple     = color.NRGBA{204, 121, 167, 255}
	grey       = color.NRGBA{140, 140, 140, 255}
	white      = color.NRGBA{255, 255, 255, 255}
	// onColor is black on a coloured ground: unlike black it stays so on a dark page.
	onColor = color.NRGBA{20, 20, 20, 255}
	// gridInk and paleSky are for what must not compete with the rest.
	gridInk = color.NRGBA{0, 0, 0, 28}
	paleSky = color.NRGBA{86, 180, 233, 110}
)

// The dashes of lines.
var (
	solid   []vg.Length
	dashed  = []vg.Length{4, 1.6}
	dotted  = []vg.Length{0.9, 1.3}
	dashDot = []vg.Length{4, 1.4, 0.9, 1.4}
)

// Sizes of texts and lines, in points.
const (
	labelSize   = 7.5
	tickSize    = 7
	captionSize = 6.5
	hairline    = 0.5
	curveWidth  = 1.1
)

// Widths of figures: those of a column and of a page in most journals.
const (
	columnWidth = 88 * vg.Millimeter
	pageWidth   = 180 * vg.Millimeter
)

// lettering is the style of texts of a size: Liberation Sans, whose letters have the widths of Arial and Helvetica.
func lettering(size vg.Length) text.Style {
	return text.Style{
		Color:   black,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		XAlign:  draw.XLeft,
		YAlign:  draw.YBottom,
		Handler: plot.DefaultTextHandler,
	}
}

// drawable makes a text fit to draw: what is not seen goes, control characters, escape sequences' beginnings and marks of
// direction among it; what the font of every format lacks becomes a question mark.
func drawable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return -1
		}
		if _, ok := charmap.Windows1252.EncodeRune(r); !ok {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// shortened cuts a text to a number of characters, and shows that it did.
func shortened(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return strings.TrimSpace(string(r[:most-1])) + "…"
	}
	return s
}

// wrapped breaks a text into lines of a width.
func wrapped(sty text.Style, s string, width vg.Length) []string {
	var lines []string
	line := ""
	for word := range strings.SplitSeq(s, " ") { // not at a space that holds a number and its unit together
		longer := strings.TrimSpace(line + " " + word)
		if line != "" && sty.Width(longer) > width {
			lines = append(lines, line)
			longer = word
		}
		line = longer
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// withoutArcs replaces the arcs of a path, each of which goes on from where it begins, by curves: four for a circle, which lie
// within 0.03 % of its radius.
func withoutArcs(p vg.Path) vg.Path {
	var q vg.Path
	for _, s := range p {
		if s.Type != vg.ArcComp {
			q = append(q, s)
			continue
		}
		on := func(angle, beside float64) vg.Point {
			sin, cos := math.Sincos(angle)
			return vg.Point{
				X: s.Pos.X + s.Radius*vg.Length(cos-beside*sin),
				Y: s.Pos.Y + s.Radius*vg.Length(sin+beside*cos),
			}
		}
		steps := max(1, math.Ceil(math.Abs(s.Angle)/(math.Pi/2)-1e-9))
		turn := s.Angle / steps
		reach := 4.0 / 3 * math.Tan(turn/4)
		for i := range int(steps) {
			from := s.Start + float64(i)*turn
			q.CubeTo(on(from, reach), on(from+turn, -reach), on(from+turn, 0))
		}
	}
	return q
}
