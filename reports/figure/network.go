package figure

import (
	"context"
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// mostHosts is how many hosts a picture of every one may have.
const mostHosts = 20000

// What the caption tells of every picture of the network, of one with hosts only heard of, of one of all hosts, and of one of
// the cores.
const (
	networkMethod = "A link is drawn once when an end listed it. Hosts are coloured by their core number: the largest k such " +
		"that they are in a part of the network in which all have k links."
	paleMethod    = "Hosts only heard of are pale: their other links are not known."
	pictureMethod = "Every host and link: forces hold together what is linked and push apart the rest, components one by one, " +
		"the largest in the middle; what is crowded has been given room, so only who lies next to whom has a " +
		"meaning."
	shellsMethod = "They are in the order of core and degree from the middle to the edge, with the links between those that " +
		"are drawn."
)

func network(ctx context.Context, a *Album) (*drawing, error) {
	if a.about.heard > mostHosts {
		return cored(ctx, a)
	}
	t, err := a.topology(ctx)
	if err != nil {
		return nil, err
	}
	if t.Edges() == 0 {
		return unlinked(a), nil
	}
	p := newPicture(t)
	return &drawing{painter: p, method: p.method() + " " + pictureMethod}, nil
}

// cored is the picture of a network that is too large to show every host.
func cored(ctx context.Context, a *Album) (*drawing, error) {
	kept, err := a.kept(ctx, "network")
	if err != nil {
		return nil, err
	}
	if a.lacks(kept["links"]) != "" {
		return unlinked(a), nil
	}
	s, err := newShells(kept, a.about.heard)
	if err != nil {
		return nil, err
	}
	method := fmt.Sprintf("%s Every dot stands for %s hosts. %s", s.method(), number(float64(s.each)), shellsMethod)
	return &drawing{painter: s, shape: 1 - chartPart, method: method}, nil
}

// unlinked says that there are no links to show.
func unlinked(a *Album) *drawing {
	return &drawing{painter: &chart{empty: a.lacks(nil)}, shape: 0.3, method: networkMethod}
}

// A picture shows hosts at spots in the unit circle, and the links between them.
type picture struct {
	*topology
	hosts   []int32 // that are shown
	at      []spot  // by host, where it is shown
	cores   []int   // by host
	degrees []int   // by host, those of the whole network
	core    int     // the highest core number
	degree  int     // the highest degree
	room    float64 // of a host, if all had the same, within reason; the radius of the whole is 1
}

// newPicture shows every host where the forces put it.
func newPicture(t *topology) *picture {
	p := &picture{topology: t, at: t.arrange(), cores: t.Cores(), degrees: t.Degrees(), hosts: t.ByDegree()}
	p.measure()
	return p
}

func (p *picture) measure() {
	p.core = max(1, slices.Max(p.cores))
	p.degree = slices.Max(p.degrees)
	p.room = min(0.04, 1/math.Sqrt(float64(len(p.hosts))))
}

// method is what the caption tells of colours.
func (p *picture) method() string {
	if slices.Contains(p.visited, false) {
		return networkMethod + " " + paleMethod
	}
	return networkMethod
}

func (p *picture) paint(c draw.Canvas) {
	radius := min(c.Size().X, c.Size().Y) / 2
	disc := func(s spot) vg.Point {
		return vg.Point{X: c.Center().X + radius*vg.Length(s.x), Y: c.Center().Y + radius*vg.Length(s.y)}
	}
	p.paintLinks(c, radius, disc)
	for _, v := range slices.Backward(p.hosts) { // the large ones last
		ink := ramp(p.rank(v))
		if !p.visited[v] {
			ink.A = 120
		}
		c.SetColor(ink)
		c.Fill(circle(disc(p.at[v]), radius*p.size(v)))
	}
	p.paintKey(c, radius)
}

// rank is the core number of a host as a part of the highest.
func (p *picture) rank(v int32) float64 { return float64(p.cores[v]) / float64(p.core) }

// leafSize is the radius of the dot of a leaf, as a part of the room that a host has.
const leafSize = 0.18

// size is the radius of the dot of a host. Its area grows with the degree; that of a leaf does not.
func (p *picture) size(v int32) vg.Length {
	if p.roles[v] == 'l' {
		return vg.Length(p.room * leafSize)
	}
	return p.sizeOf(p.degrees[v])
}

func (p *picture) sizeOf(degree int) vg.Length {
	return vg.Length(p.room * (leafSize + 0.5*math.Sqrt(float64(degree)/float64(max(1, p.degree)))))
}

const (
	// shades is how many colours the links have: that of the end with the lower core number.
	shades = 8
	// bundle is how many links are drawn in one stroke. Where several strokes cross it is darker; large ones are slow to paint.
	bundle = 8
)

func (p *picture) paintLinks(c draw.Canvas, radius vg.Length, disc func(spot) vg.Point) {
	shown := make([]bool, p.Hosts())
	for _, v := range p.hosts {
		shown[v] = true
	}
	var bundles [shades][]vg.Path
	links := 0
	for v := range int32(p.Hosts()) {
		for _, w := range p.Neighbours(v) {
			if v >= w || !shown[v] || !shown[w] {
				continue
			}
			of := &bundles[int(min(p.rank(v), p.rank(w))*(shades-1))]
			last := len(*of) - 1
			if last < 0 || len((*of)[last]) == 2*bundle {
				*of = append(*of, nil)
				last++
			}
			(*of)[last].Move(disc(p.at[v]))
			(*of)[last].Line(disc(p.at[w]))
			links++
		}
	}
	for shade, paths := range bundles {
		ink := ramp(float64(shade) / (shades - 1))
		ink.A = uint8(min(150, max(10, 4000/math.Sqrt(float64(max(1, links))))))
		c.SetLineStyle(draw.LineStyle{Color: ink, Width: radius / 1000})
		for _, path := range paths {
			c.Stroke(path)
		}
	}
}

// paintKey explains colours and sizes in the lower corners, which the circle leaves free.
func (p *picture) paintKey(c draw.Canvas, radius vg.Length) {
	sty := lettering(tickSize)
	const width, height = 54, 5
	x, y := c.Min.X, c.Min.Y
	for i := range width {
		// Each step reaches to the end, so that there is no seam before the next.
		rest := vg.Rectangle{Min: vg.Point{X: x + vg.Length(i), Y: y}, Max: vg.Point{X: x + width, Y: y + height}}
		fillBox(c, ramp(float64(i)/(width-1)), rest)
	}
	c.FillText(sty, vg.Point{X: x, Y: y + height + 2}, fmt.Sprintf("core number 0 to %d", p.core))

	sty.XAlign = draw.XRight
	x = c.Max.X
	for _, degree := range slices.Compact([]int{p.degree, (p.degree + 3) / 4, 1}) {
		size := radius * p.sizeOf(degree)
		text := fmt.Sprint(degree)
		c.FillText(sty, vg.Point{X: x, Y: y}, text)
		x -= sty.Width(text) + 2 + size
		c.SetColor(ramp(0.5))
		c.Fill(circle(vg.Point{X: x, Y: y + sty.Height("0")/2}, size))
		x -= size + 6
	}
	c.FillText(sty, vg.Point{X: c.Max.X, Y: y + sty.Height("Ag") + 4}, "links; leaves are small")
}

func circle(middle vg.Point, radius vg.Length) vg.Path {
	var p vg.Path
	p.Move(vg.Point{X: middle.X + radius, Y: middle.Y})
	p.Arc(middle, radius, 0, 2*math.Pi)
	p.Close()
	return p
}

// rampStops lie evenly on the way from low to high: darker with each step, for the colour-blind too (after "plasma" of Smith
// and van der Walt, 2015).
var rampStops = []color.NRGBA{{240, 155, 70, 255}, {237, 121, 83, 255}, {204, 71, 120, 255}, {126, 3, 168, 255}, {30, 8, 110, 255}}

// ramp is the colour of a part from 0 to 1.
func ramp(part float64) color.NRGBA {
	part = min(1, max(0, part)) * float64(len(rampStops)-1)
	i := min(int(part), len(rampStops)-2)
	part -= float64(i)
	mix := func(a, b uint8) uint8 { return uint8(float64(a) + part*(float64(b)-float64(a)) + 0.5) }
	a, b := rampStops[i], rampStops[i+1]
	return color.NRGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}
