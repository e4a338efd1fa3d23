package figure

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/plot/vg/draw"
)

// Shells show the cores of a network that is too large to show every host: the inner ones in the middle of a disc, and beside
// it how many hosts each holds.
type shells struct {
	picture
	each   int // hosts that a dot stands for
	beside *chart
}

func newShells(t *topology) *shells {
	s := &shells{picture: picture{topology: t, cores: t.Cores(), at: make([]spot, t.Hosts())}}
	s.each = (t.Hosts() + mostHosts - 1) / mostHosts
	order := t.ByDegree()
	slices.SortStableFunc(order, func(v, w int32) int { return cmp.Compare(s.cores[w], s.cores[v]) })
	for i := s.each / 2; i < len(order); i += s.each {
		s.hosts = append(s.hosts, order[i])
	}
	// Dots lie as the seeds of a sunflower do, each with the same room (Vogel 1979).
	for i, v := range s.hosts {
		radius := math.Sqrt((float64(i) + 0.5) / float64(len(s.hosts)))
		sin, cos := math.Sincos(float64(i) * math.Pi * (3 - math.Sqrt(5)))
		s.at[v] = spot{radius * cos, radius * sin}
	}
	s.measure()
	s.beside = s.coreChart()
	return s
}

// coreChart counts hosts by core number, visited and only heard of.
func (s *shells) coreChart() *chart {
	visited, heardOf := &boxes{name: "visited", ink: blue}, &boxes{name: "only heard of", ink: paleSky}
	counts := make([][2]float64, s.core+1)
	for v, core := range s.cores {
		if s.visited[v] {
			counts[core][0]++
		} else {
			counts[core][1]++
		}
	}
	for core, n := range counts {
		y := float64(core)
		visited.list = append(visited.list, bar(0, n[0], y, 0.8))
		heardOf.list = append(heardOf.list, bar(n[0], n[0]+n[1], y, 0.8))
	}
	return &chart{
		x:      axis{label: "hosts"},
		y:      axis{label: "core number", min: -0.6, max: float64(s.core) + 0.6},
		layers: []layer{visited, heardOf},
		above:  true,
	}
}

// chartPart is the part of the width that the chart has.
const chartPart = 0.3

func (s *shells) paint(c draw.Canvas) {
	chartWidth := c.Size().X * chartPart
	s.picture.paint(draw.Crop(c, 0, -chartWidth-12, 0, 0))
	right := draw.Crop(c, c.Size().X-chartWidth, 0, 0, 0)
	middle := right.Center().Y
	right.Min.Y, right.Max.Y = middle-chartWidth*0.7, middle+chartWidth*0.7
	s.beside.paint(right)
}
