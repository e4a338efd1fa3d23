// Package figure draws what a snapshot shows, for papers, pages and walls, as SVG, PDF or PNG.
//
// An [Album] holds the figures of one snapshot. Each is first a drawing, made of values that tests can look at, with a caption
// that tells method and coverage; then it is painted on a canvas of the format. Where a snapshot has nothing to show, the
// figure is the axes and a sentence that says what is missing.
//
// The same snapshot gives the same bytes: nothing in a file depends on the time or on chance. Numbers come from the views of
// schema report and, where a report tells the same, from the statement of the report itself.
package figure

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Info describes a figure.
type Info struct {
	Name  string // as the command line takes it
	Title string
	About string // what it shows, in one sentence
}

// Options say how a figure is to be drawn.
type Options struct {
	Format Format
	Width  float64 // millimetres; 0: that of a column or a page, as the figure needs
	Bare   bool    // without the caption below
}

// LeastWidth and MostWidth bound the width of a figure, in millimetres.
const (
	LeastWidth = 60
	MostWidth  = 2000
)

// An UnknownError says that there is no figure of a name.
type UnknownError struct {
	Name  string
	Known []string // the names that there are
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("no figure %q; there are: %s", e.Name, strings.Join(e.Known, ", "))
}

// A painter is a figure that is ready to be painted.
type painter interface{ paint(c draw.Canvas) }

// A drawing is a figure of one snapshot.
type drawing struct {
	painter
	method string    // how its numbers came about, for the caption
	height vg.Length // where the data ask for it; 0: by the shape
	shape  float64   // likewise; 0: that of the figure
}

// definition is one of the figures.
type definition struct {
	Info
	width vg.Length
	shape float64 // height for a width of 1
	make  func(context.Context, *Album) (*drawing, error)
}

// List returns the figures that there are, in the order in which they are best seen.
func List() []Info {
	var list []Info
	for _, d := range definitions {
		list = append(list, d.Info)
	}
	return list
}

// Draw draws the figure of that name and returns its caption: what it shows, by which method, with which coverage. Nothing is
// written when it fails. The error of an unknown name is an [UnknownError].
func (a *Album) Draw(ctx context.Context, name string, o Options, w io.Writer) (caption string, err error) {
	d, err := find(name)
	if err != nil {
		return "", err
	}
	made, err := d.make(ctx, a)
	if err != nil {
		return "", fmt.Errorf("draw figure %s of snapshot %d: %w", name, a.about.ID, err)
	}
	caption = drawable(fmt.Sprintf("%s. %s %s", d.Title, made.method, a.about.note()))
	caption = strings.ReplaceAll(caption, " %", "\u00a0%")
	width := d.width
	if o.Width != 0 {
		if !(o.Width >= LeastWidth && o.Width <= MostWidth) {
			return "", fmt.Errorf("draw figure %s: a width of %g mm is not between %d and %d", name, o.Width, LeastWidth, MostWidth)
		}
		width = vg.Length(o.Width) * vg.Millimeter
	}
	height := made.height
	if height == 0 {
		height = width * vg.Length(cmp.Or(made.shape, d.shape))
	}
	var file bytes.Buffer
	sheet := sheet{painter: made, margin: 3}
	if !o.Bare {
		sheet.lines = wrapped(lettering(captionSize), caption, width-2*sheet.margin)
	}
	height += sheet.captionHeight()
	if err := output(&file, o.Format, width, height, d.Title, caption, sheet.paint); err != nil {
		return "", fmt.Errorf("draw figure %s: %w", name, err)
	}
	if _, err := w.Write(file.Bytes()); err != nil {
		return "", fmt.Errorf("write figure %s: %w", name, err)
	}
	return caption, nil
}

func find(name string) (*definition, error) {
	var known []string
	for i := range definitions {
		if definitions[i].Name == name {
			return &definitions[i], nil
		}
		known = append(known, definitions[i].Name)
	}
	return nil, &UnknownError{Name: name, Known: known}
}

// A sheet is a figure with its caption below.
type sheet struct {
	painter
	margin vg.Length
	lines  []string
}

// leading is the distance of two lines of a caption.
const leading = captionSize * 1.3

func (s *sheet) captionHeight() vg.Length {
	if len(s.lines) == 0 {
		return 0
	}
	return vg.Length(len(s.lines))*leading + 4
}

func (s *sheet) paint(c draw.Canvas) {
	m := s.margin
	sty := lettering(captionSize)
	y := c.Min.Y + s.captionHeight() - 4
	for _, line := range s.lines {
		y -= leading
		c.FillText(sty, vg.Point{X: c.Min.X + m, Y: y + m}, line)
	}
	s.painter.paint(draw.Crop(c, m, -m, m+s.captionHeight(), -m))
}
