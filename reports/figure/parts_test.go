package figure

import (
	"bytes"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"pgregory.net/rapid"
)

// The share that has at least a value, by looking at every host.
func TestCCDF(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hosts := rapid.SliceOfN(rapid.IntRange(0, 20), 1, 50).Draw(t, "hosts")
		d := distribution{}
		for _, value := range hosts {
			d[value]++
		}
		for _, p := range d.ccdf() {
			n := 0
			for _, value := range hosts {
				if float64(value) >= p.x {
					n++
				}
			}
			if !near(p.y, 100*float64(n)/float64(len(hosts))) {
				t.Fatalf("%v of %v", p, hosts)
			}
		}
		values := slices.Compact(slices.Sorted(slices.Values(hosts)))
		if want := len(values) - map[bool]int{true: 1}[values[0] == 0]; len(d.ccdf()) != want {
			t.Fatalf("%d points of %v", len(d.ccdf()), hosts)
		}
	})
}

func TestThinnedKeepsTheShape(t *testing.T) {
	t.Parallel()
	var points []point
	for x := 1.0; x <= 100000; x++ {
		points = append(points, point{x, 100 / x})
	}
	thin := thinned(points)
	if len(thin) > 3000 || thin[0] != points[0] || thin[len(thin)-1] != points[len(points)-1] {
		t.Errorf("%d points from %v to %v", len(thin), thin[0], thin[len(thin)-1])
	}
	for i := range 90 { // while values are few, all stay
		if thin[i] != points[i] {
			t.Fatalf("point %d is %v", i, thin[i])
		}
	}
}

func labels(ticks []tick) string {
	var texts []string
	for _, t := range ticks {
		if t.label != "" {
			texts = append(texts, t.label)
		}
	}
	return strings.Join(texts, " ")
}

func TestTicks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		axis axis
		want string
	}{
		{axis{min: 0, max: 100}, "0 20 40 60 80 100"},
		{axis{min: 0, max: 1}, "0 0.2 0.4 0.6 0.8 1"},
		{axis{min: 0, max: 4.3}, "0 1 2 3 4"},
		{axis{min: 0, max: 25000}, "0 5,000 10,000 15,000 20,000 25,000"},
		{axis{min: 0, max: 0.0007}, "0 0.0001 0.0002 0.0003 0.0004 0.0005 0.0006 0.0007"},
		{axis{min: 1, max: 1000, log: true}, "1 10 100 1,000"},
		{axis{min: 0.8, max: 12, log: true}, "1 2 5 10"},
		{axis{min: 0.8, max: 110, log: true}, "1 3 10 30 100"},
		{axis{min: 0.01, max: 100, log: true}, "0.01 0.1 1 10 100"},
		{axis{min: 1, max: 1e9, log: true}, "1 100 10,000 1,000,000 100,000,000"},
		{axis{names: []string{"a", "b"}}, "a b"},
	} {
		if got := labels(test.axis.ticks()); got != test.want {
			t.Errorf("%+v: %s, want %s", test.axis, got, test.want)
		}
	}
}

// No range is empty, whatever the data are, and every value of the data has its place.
func TestAxisFits(t *testing.T) {
	t.Parallel()
	for _, log := range []bool{false, true} {
		for _, values := range [][]float64{{}, {0}, {5}, {3, 3}, {1e-9, 1e9}, {math.NaN(), 2}, {math.Inf(1), 2}, {0, 7}} {
			a := &axis{log: log}
			c := &curve{}
			for _, x := range values {
				c.data = append(c.data, point{x: x})
			}
			a.fit([]layer{c}, func(p point) float64 { return p.x })
			if !(a.min < a.max) || log && a.min <= 0 || len(a.ticks()) == 0 {
				t.Errorf("log %t, %v: from %v to %v, %d ticks", log, values, a.min, a.max, len(a.ticks()))
			}
			for _, x := range values {
				if finite(x) && !(log && x <= 0) && !a.shows(x) {
					t.Errorf("log %t, %v: %v is outside %v to %v", log, values, x, a.min, a.max)
				}
			}
		}
	}
}

func TestUncrowd(t *testing.T) {
	t.Parallel()
	a := axis{min: 0, max: 25000}
	for _, test := range []struct {
		length vg.Length
		want   string
	}{
		{400, "0 5,000 10,000 15,000 20,000 25,000"},
		{120, "0 10,000 20,000"},
		{60, "0 20,000"},
		{1, ""},
	} {
		ticks := a.ticks()
		uncrowd(ticks, test.length)
		if got := labels(ticks); got != test.want && test.want != "" {
			t.Errorf("%v points: %q, want %q", test.length, got, test.want)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for x, want := range map[float64]string{
		0: "0", math.Copysign(0, -1): "0", 1234567: "1,234,567", 0.1 + 0.2: "0.3", -5: "–5", 999: "999", 1e-5: "0.00001",
	} {
		if got := number(x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
}

// A caption is broken where it has room, and not between a number and its unit.
func TestWrapped(t *testing.T) {
	t.Parallel()
	sty := lettering(captionSize)
	text := strings.Repeat("word 12\u00a0% ", 20)
	lines := wrapped(sty, text, 100)
	for _, line := range lines {
		if sty.Width(line) > 100 || strings.HasPrefix(line, "%") {
			t.Errorf("line %q", line)
		}
	}
	if got := strings.Join(lines, " "); got != strings.TrimSpace(text) {
		t.Errorf("%q", got)
	}
	if long := wrapped(sty, strings.Repeat("w", 100), 20); len(long) != 1 {
		t.Errorf("one word makes %d lines", len(long))
	}
}

// The pushes of all bodies, summed up by squares, are nearly those of each.
func TestQuadtree(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 0))
	at, mass := make([]spot, 500), make([]float64, 500)
	for i := range at {
		at[i], mass[i] = spot{random.NormFloat64(), random.NormFloat64()}, 1+random.Float64()
	}
	at[7] = at[8] // in one place
	tree := newQuadtree(at, mass, nil)
	if got := tree.cells[0].bodies; got != 500 {
		t.Errorf("%d bodies", got)
	}
	off, size := 0.0, 0.0
	for i, p := range at {
		var want spot
		for j, q := range at {
			if square := (p.x-q.x)*(p.x-q.x) + (p.y-q.y)*(p.y-q.y); i != j && square > 0 {
				want.x += (p.x - q.x) * mass[j] / math.Pow(square, 1.5)
				want.y += (p.y - q.y) * mass[j] / math.Pow(square, 1.5)
			}
		}
		got := tree.push(p, nil)
		off += math.Hypot(got.x-want.x, got.y-want.y)
		size += math.Hypot(want.x, want.y)
	}
	if off > 0.05*size {
		t.Errorf("off by %.1f %%", 100*off/size)
	}
}

// lattice is a mesh of squares, side by side.
func lattice(side int) *mesh {
	m := &mesh{mass: make([]float64, side*side)}
	var springs []link
	join := func(a, b int) { springs = append(springs, link{int32(a), int32(b), 1}, link{int32(b), int32(a), 1}) }
	for v := range m.mass {
		m.mass[v] = 1
		if v%side < side-1 {
			join(v, v+1)
		}
		if v/side < side-1 {
			join(v, v+side)
		}
	}
	m.connect(springs)
	return m
}

// A lattice unfolds: who is linked is near, opposite corners are far apart.
func TestLayoutUnfolds(t *testing.T) {
	t.Parallel()
	const side = 24
	at := lattice(side).layout()
	distance := func(v, w int) float64 { return math.Hypot(at[v].x-at[w].x, at[v].y-at[w].y) }
	longest := 0.0
	for v := range side*side - 1 {
		if v%side < side-1 {
			longest = max(longest, distance(v, v+1))
		}
	}
	for _, far := range []float64{distance(0, side*side-1), distance(side-1, side*(side-1))} {
		if far < 8*longest {
			t.Errorf("corners are %.1f apart, neighbours up to %.1f", far, longest)
		}
	}
}

// The number of processors changes nothing.
func TestLayoutIsDeterministic(t *testing.T) {
	first := lattice(12).layout()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if diff := cmp.Diff(first, lattice(12).layout(), cmp.AllowUnexported(spot{})); diff != "" {
		t.Error(diff)
	}
}

// Islands do not lie upon each other, nor outside the whole.
func TestSpread(t *testing.T) {
	t.Parallel()
	var islands []island
	for i := range 200 {
		islands = append(islands, island{at: make([]spot, max(1, 100/(i+1))), radius: 20 / float64(i+1)})
	}
	whole := spread(islands)
	for i, a := range islands {
		if math.Hypot(a.middle.x, a.middle.y)+a.radius > whole {
			t.Errorf("island %d is outside", i)
		}
		for j, b := range islands[:i] {
			if math.Hypot(a.middle.x-b.middle.x, a.middle.y-b.middle.y) < a.radius+b.radius-1e-9 {
				t.Errorf("islands %d and %d touch", j, i)
			}
		}
	}
}

// The order from the middle outward stays.
func TestEven(t *testing.T) {
	t.Parallel()
	at := []spot{{0, 0}, {0.1, 0}, {0, 0.2}, {1, 1}, {-50, 3}, {0, 0}, {0.5, 0}, {0.6, 0}, {0.7, 0}, {0, 0.8}, {0, 0.9}}
	before := slices.Clone(at)
	even(at)
	radius := func(p spot) float64 { return math.Hypot(p.x, p.y) }
	for i := range at {
		for j := range at {
			if radius(before[i]) < radius(before[j]) && radius(at[i]) >= radius(at[j]) {
				t.Errorf("%v and %v became %v and %v", before[i], before[j], at[i], at[j])
			}
		}
	}
	if far := radius(at[4]); far > 5 {
		t.Errorf("what lay far out lies at %v", far)
	}
}

// A turned and moved path arrives where it should, counted from the top; a circle becomes two arcs.
func TestSVGCanvas(t *testing.T) {
	t.Parallel()
	c := newSVG(100, 50)
	c.Push()
	c.Translate(vg.Point{X: 10, Y: 20})
	c.Rotate(math.Pi / 2)
	var p vg.Path
	p.Move(vg.Point{})
	p.Line(vg.Point{X: 5})
	c.Stroke(p)
	c.Pop()
	c.Fill(circle(vg.Point{X: 50, Y: 25}, 10))
	c.SetColor(gridInk)
	c.SetLineDash(dashed, 0)
	c.Stroke(p)
	var b strings.Builder
	if err := c.write(&b, "a < b", "c & d"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`d="M10 30L10 25"`,
		`d="M60 25A10 10 0 0 0 40 25A10 10 0 0 0 60 25Z"`,
		`stroke="currentColor" stroke-width="1" stroke-opacity="0.11" stroke-dasharray="4 1.6" d="M0 50L5 50"`,
		"<title>a &lt; b</title>", "<desc>c &amp; d</desc>",
		`width="35.28mm" height="17.64mm" viewBox="0 0 100 50"`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
}

// A circle that became curves is one still.
func TestWithoutArcs(t *testing.T) {
	t.Parallel()
	p := withoutArcs(circle(vg.Point{X: 3, Y: 4}, 2))
	if len(p) != 6 {
		t.Fatalf("%d steps", len(p))
	}
	for i, s := range p[1:5] {
		from := p[i].Pos
		middle := vg.Point{ // of the curve
			X: (from.X + 3*s.Control[0].X + 3*s.Control[1].X + s.Pos.X) / 8,
			Y: (from.Y + 3*s.Control[0].Y + 3*s.Control[1].Y + s.Pos.Y) / 8,
		}
		for _, q := range []vg.Point{from, middle, s.Pos} {
			if r := math.Hypot(float64(q.X-3), float64(q.Y-4)); math.Abs(r-2) > 0.001 {
				t.Errorf("%v is %v from the middle", q, r)
			}
		}
	}
}

// Of a large network, dots stand for several hosts each, the inner cores in the middle.
func TestShells(t *testing.T) {
	t.Parallel()
	large := synthetic(t, 50000)
	kept, err := measureShells(t.Context(), large)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newShells(kept, large.Hosts())
	if err != nil {
		t.Fatal(err)
	}
	if s.each != 3 || len(s.hosts) < 16666 || len(s.hosts) > 16667 {
		t.Fatalf("%d dots for %d hosts each", len(s.hosts), s.each)
	}
	radius := func(v int32) float64 { return math.Hypot(s.at[v].x, s.at[v].y) }
	for i := 1; i < len(s.hosts); i++ {
		inner, outer := s.hosts[i-1], s.hosts[i]
		if radius(inner) >= radius(outer) || radius(outer) > 1 || s.cores[inner] < s.cores[outer] {
			t.Fatalf("core %d at %v, then core %d at %v", s.cores[inner], radius(inner), s.cores[outer], radius(outer))
		}
	}
	visited, leaves := 0, 0
	for _, v := range s.hosts {
		if s.visited[v] {
			visited++
		}
		if s.roles[v] == 'l' {
			leaves++
		}
	}
	if all := len(s.hosts); visited < all*3/4 || visited > all*17/20 || leaves < all*17/20 || leaves > all*19/20 {
		t.Errorf("%d of %d dots are visited, %d are leaves", visited, all, leaves)
	}
	// A ninth of the links is between two of a third of the hosts.
	if links := s.Edges(); links < large.Edges()/12 || links > large.Edges()/7 {
		t.Errorf("%d links of %d are drawn", links, large.Edges())
	}
	if s.degree < 50 { // of the whole network, not of what is drawn
		t.Errorf("the largest degree is %d", s.degree)
	}
	hosts := 0.0
	for _, l := range s.beside.layers {
		for _, b := range l.(*boxes).list {
			hosts += b.to.x - b.from.x
		}
	}
	if hosts != 50000 {
		t.Errorf("the bars beside are of %v hosts", hosts)
	}
	var file bytes.Buffer
	if err := output(&file, SVG, pageWidth, pageWidth*(1-chartPart), "cores", "", s.paint); err != nil {
		t.Fatal(err)
	}
	checkSVG(t, "cores", file.Bytes())
	if file.Len() > 8<<20 {
		t.Errorf("%d bytes", file.Len())
	}
}

// The legend goes where no line is, even where a line has its points elsewhere.
func TestRoomiest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		want corner
		data []point
	}{
		{bottomLeft, []point{{0, 100}, {100, 0}}},
		{topRight, []point{{10, 95}, {10, 5}, {90, 5}}},
		{topLeft, []point{{10, 5}, {90, 5}, {90, 95}}},
		{bottomRight, []point{{10, 5}, {10, 95}, {90, 95}}},
	} {
		ch := &chart{x: axis{max: 100}, y: axis{max: 100}, layers: []layer{&curve{name: "a line", data: test.data, line: true}}}
		f := &frame{Canvas: draw.New(newSVG(200, 150)), x: &ch.x, y: &ch.y}
		if got := ch.roomiest(f); got != test.want {
			t.Errorf("%v: corner %d, want %d", test.data, got, test.want)
		}
	}
}

// What is seen through keeps its colour in PDF.
func TestPDFColors(t *testing.T) {
	t.Parallel()
	r, g, b, a := straight(paleSky).RGBA()
	if r>>8 != 86 || g>>8 != 180 || b>>8 != 233 || a>>8 != 110 {
		t.Errorf("%d %d %d, opacity %d", r>>8, g>>8, b>>8, a>>8)
	}
}
