package figure

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image/color"
	"io"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
)

// A Format is a kind of file.
type Format string

// The formats. SVG is for pages and for editing, PDF for papers, PNG for everything else.
const (
	SVG Format = "svg"
	PNG Format = "png"
	PDF Format = "pdf"
)

// Formats lists the formats, as endings of file names.
func Formats() []string { return []string{string(SVG), string(PNG), string(PDF)} }

// FormatOf returns the format that the ending of a file name stands for.
func FormatOf(file string) (Format, error) {
	switch f := Format(strings.ToLower(strings.TrimPrefix(path.Ext(file), "."))); f {
	case SVG, PNG, PDF:
		return f, nil
	}
	return "", fmt.Errorf("the ending of %q is no format; there are: %s", file, strings.Join(Formats(), ", "))
}

const (
	// resolution of PNG files, dots for an inch: that of print.
	resolution = 300
	// mostDots on a side of a PNG file; a larger picture has fewer for an inch.
	mostDots = 8000
)

// output makes a canvas of a size, has it painted and writes it.
func output(w io.Writer, f Format, width, height vg.Length, title, description string, paint func(draw.Canvas)) error {
	switch f {
	case SVG:
		c := newSVG(width, height)
		paint(draw.New(c))
		return c.write(w, title, description)
	case PDF:
		return writePDF(w, width, height, paint)
	case PNG:
		return writePNG(w, width, height, paint)
	}
	return fmt.Errorf("no format %q; there are: %s", f, strings.Join(Formats(), ", "))
}

// writePNG tells in the file how large the picture is on paper: the library does not.
func writePNG(w io.Writer, width, height vg.Length, paint func(draw.Canvas)) error {
	dpi := min(resolution, int(mostDots/(max(width, height)/vg.Inch)))
	canvas := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(color.White))
	c := vgimg.PngCanvas{Canvas: canvas}
	paint(draw.New(c))
	var file bytes.Buffer
	if _, err := c.WriteTo(&file); err != nil {
		return err
	}
	// Chunk pHYs: dots for a metre in both directions (PNG specification). It goes behind the signature and chunk IHDR.
	const headEnd = 8 + 25
	chunk := binary.BigEndian.AppendUint32(nil, 9)
	chunk = append(chunk, "pHYs"...)
	perMetre := uint32(math.Round(float64(dpi) / 0.0254))
	chunk = append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(chunk, perMetre), perMetre), 1)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	_, err := w.Write(slices.Concat(file.Bytes()[:headEnd], chunk, file.Bytes()[headEnd:]))
	return err
}

// pdfCanvas mends three things of the library's. It takes a text for Windows-1252, whatever it is given; it darkens colours that
// are seen through; and it paints a circle that is a part of a path at once.
type pdfCanvas struct{ *vgpdf.Canvas }

// straight is a colour whose parts are not multiplied by its opacity, unlike what [color.Color] promises: so the library takes
// them.
type straight color.NRGBA

func (s straight) RGBA() (r, g, b, a uint32) {
	return uint32(s.R) * 0x101, uint32(s.G) * 0x101, uint32(s.B) * 0x101, uint32(s.A) * 0x101
}

func (c pdfCanvas) SetColor(ink color.Color) {
	c.Canvas.SetColor(straight(color.NRGBAModel.Convert(ink).(color.NRGBA)))
}

func (c pdfCanvas) FillString(f font.Face, p vg.Point, text string) {
	encoded := make([]byte, 0, len(text))
	for _, r := range text {
		b, _ := charmap.Windows1252.EncodeRune(r) // drawable has taken out what has no code
		encoded = append(encoded, b)
	}
	c.Canvas.FillString(f, p, string(encoded))
}

func (c pdfCanvas) Fill(p vg.Path)   { c.Canvas.Fill(withoutArcs(p)) }
func (c pdfCanvas) Stroke(p vg.Path) { c.Canvas.Stroke(withoutArcs(p)) }

var pdfDates = regexp.MustCompile(`/(CreationDate|ModDate) \(D:\d{14}\)`)

// writePDF leaves out when the file was made: the same figure is the same file.
func writePDF(w io.Writer, width, height vg.Length, paint func(draw.Canvas)) error {
	c := pdfCanvas{vgpdf.New(width, height)}
	paint(draw.New(c))
	var file bytes.Buffer
	if _, err := c.WriteTo(&file); err != nil {
		return err
	}
	dateless := pdfDates.ReplaceAllFunc(file.Bytes(), func(date []byte) []byte { return bytes.Repeat([]byte(" "), len(date)) })
	_, err := w.Write(dateless)
	return err
}
