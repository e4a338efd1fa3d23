package figure

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gonum.org/v1/plot/vg/draw"

	"gnucensus/reports/graph"
)

// Shells show the cores of a network that is too large to show every host: the inner ones in the middle of a disc, and beside
// it how many hosts each holds.
type shells struct {
	picture
	each   int // hosts that a dot stands for
	beside *chart
}

func newShells(kept series, hosts int) (*shells, error) {
	dots := len(kept["core"])
	s := &shells{picture: picture{topology: &topology{}, at: make([]spot, dots)}, each: dotOf(hosts)}
	for v, core := range kept["core"] {
		look := int(kept["look"][v])
		s.cores, s.degrees = append(s.cores, int(core)), append(s.degrees, int(kept["degree"][v]))
		s.visited, s.roles = append(s.visited, look&looksVisited > 0), append(s.roles, "?l"[look>>1])
		s.hosts = append(s.hosts, int32(v))
	}
	links := graph.NewBuilder(dots)
	for i, from := range kept["from"] {
		if err := links.Add(int32(from), int32(kept["to"][i])); err != nil {
			return nil, err
		}
	}
	s.Measured = graph.NewMeasured(links.Graph())
	// Dots lie as the seeds of a sunflower do, each with the same room (Vogel 1979).
	for i := range s.at {
		radius := math.Sqrt((float64(i) + 0.5) / float64(dots))
		sin, cos := math.Sincos(float64(i) * math.Pi * (3 - math.Sqrt(5)))
		s.at[i] = spot{radius * cos, radius * sin}
	}
	s.measure()
	s.beside = coreChart(kept["visited"], kept["only_heard_of"])
	return s, nil
}

// dotOf is how many hosts a dot stands for.
func dotOf(hosts int) int { return (hosts + mostHosts - 1) / mostHosts }

// What a dot looks like, in the bits of a number.
const (
	looksVisited = 1 << iota
	looksLeaf
)

// measureShells picks the hosts that are dots, evenly from those in the order of core and degree, with the links between them,
// and counts all hosts by core number.
func measureShells(_ context.Context, t *topology) (series, error) {
	cores, order := t.Cores(), t.ByDegree()
	slices.SortStableFunc(order, func(v, w int32) int { return cmp.Compare(cores[w], cores[v]) })
	each := dotOf(t.Hosts())
	var picked []int32
	for i := each / 2; i < len(order); i += each {
		picked = append(picked, order[i])
	}
	found, dot := series{"links": t.links()}, map[int32]float64{}
	for _, v := range picked {
		look := 0
		if t.visited[v] {
			look |= looksVisited
		}
		if t.roles[v] == 'l' {
			look |= looksLeaf
		}
		dot[v] = float64(len(dot))
		found["core"] = append(found["core"], float64(cores[v]))
		found["degree"] = append(found["degree"], float64(t.Degree(v)))
		found["look"] = append(found["look"], float64(look))
	}
	for _, v := range picked {
		for _, w := range t.Neighbours(v) {
			if to, drawn := dot[w]; drawn && v < w {
				found["from"], found["to"] = append(found["from"], dot[v]), append(found["to"], to)
			}
		}
	}
	found.count(cores, t.visited)
	return found, nil
}

// count counts hosts by core number, visited and only heard of.
func (s series) count(cores []int, visited []bool) {
	s["visited"], s["only_heard_of"] = make([]float64, slices.Max(cores)+1), make([]float64, slices.Max(cores)+1)
	for v, core := range cores {
		if visited[v] {
			s["visited"][core]++
		} else {
			s["only_heard_of"][core]++
		}
	}
}

// coreChart shows hosts by core number.
func coreChart(visited, heardOf []float64) *chart {
	seen, unseen := &boxes{name: "visited", ink: blue}, &boxes{name: "only heard of", ink: paleSky}
	for core, n := range visited {
		y := float64(core)
		seen.list = append(seen.list, bar(0, n, y, 0.8))
		unseen.list = append(unseen.list, bar(n, n+heardOf[core], y, 0.8))
	}
	ch := &chart{
		x:      axis{label: "hosts"},
		y:      axis{label: "core number", min: -0.6, max: float64(len(visited)) - 0.4},
		layers: []layer{seen},
		above:  true,
	}
	if sum(heardOf) > 0 {
		ch.layers = append(ch.layers, unseen)
	}
	return ch
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
