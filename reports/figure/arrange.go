package figure

import (
	"cmp"
	"math"
	"slices"
)

// arrange lays out the components one by one and puts the smaller ones around the largest. All lie in the unit circle.
func (t *topology) arrange() []spot {
	weak := t.Weak()
	members := make([][]int32, len(weak.Sizes))
	for v, component := range weak.Of {
		members[component] = append(members[component], int32(v))
	}
	slices.SortStableFunc(members, func(a, b []int32) int { return cmp.Compare(len(b), len(a)) })
	islands := make([]island, len(members))
	for i, hosts := range members {
		islands[i] = newIsland(t.meshOf(hosts).layout())
	}
	whole := spread(islands)
	at := make([]spot, t.Hosts())
	for i, hosts := range members {
		middle := islands[i].middle
		for k, v := range hosts {
			p := islands[i].at[k]
			at[v] = spot{(p.x + middle.x) / whole, (p.y + middle.y) / whole}
		}
	}
	return at
}

// meshOf is the part of the graph that some hosts and the links between them are.
func (t *topology) meshOf(hosts []int32) *mesh {
	m := &mesh{mass: make([]float64, len(hosts))}
	number := make(map[int32]int32, len(hosts))
	for i, v := range hosts {
		number[v] = int32(i)
		m.mass[i] = 1
	}
	var springs []link
	for i, v := range hosts {
		for _, w := range t.Neighbours(v) {
			springs = append(springs, link{int32(i), number[w], 1})
		}
	}
	m.connect(springs)
	return m
}

// An island is a component that is laid out around the point (0, 0), and where it goes.
type island struct {
	at     []spot
	radius float64
	middle spot
}

// newIsland evens out a layout.
func newIsland(at []spot) island {
	var middle spot
	for _, p := range at {
		middle.x += p.x / float64(len(at))
		middle.y += p.y / float64(len(at))
	}
	for v, p := range at {
		at[v] = spot{p.x - middle.x, p.y - middle.y}
	}
	even(at)
	i := island{at: at}
	for _, p := range at {
		i.radius = max(i.radius, math.Hypot(p.x, p.y))
	}
	return i
}

// even gives what is crowded in the middle more room and pulls in what lies far out: the radius of a body becomes the mean of
// what it was, bounded, and of what it would be if all lay equally close. Who lies further out than whom does not change.
func even(at []spot) {
	order, radius := make([]int, len(at)), make([]float64, len(at))
	for v, p := range at {
		order[v], radius[v] = v, math.Hypot(p.x, p.y)
	}
	slices.SortStableFunc(order, func(v, w int) int { return cmp.Compare(radius[v], radius[w]) })
	usual := max(radius[order[len(order)*9/10]], spring/100)
	for rank, v := range order {
		if radius[v] == 0 {
			continue
		}
		bounded := usual * math.Tanh(radius[v]/usual) / math.Tanh(1)
		close := usual * math.Sqrt(float64(rank)/float64(len(at)))
		factor := (bounded + close) / 2 / radius[v]
		at[v] = spot{at[v].x * factor, at[v].y * factor}
	}
}

// spread puts islands, the largest first, on rings around the first, and returns the radius of the whole.
func spread(islands []island) (whole float64) {
	whole = islands[0].radius + spring
	shore := whole / math.Sqrt(float64(len(islands[0].at))) / 2 // half the distance that hosts have there
	for rest := islands[1:]; len(rest) > 0; {
		widest := rest[0].radius + shore
		ring := whole + widest
		angles := []float64{} // half of what each island takes
		taken := 0.0
		for _, i := range rest {
			half := math.Asin(min(1, (i.radius+shore)/ring))
			if len(angles) > 0 && taken+2*half > 2*math.Pi {
				break
			}
			angles = append(angles, half)
			taken += 2 * half
		}
		spare := max(0, 2*math.Pi-taken) / float64(len(angles))
		at := math.Pi / 2 // the first lies on top
		for i, half := range angles {
			sin, cos := math.Sincos(at)
			rest[i].middle = spot{ring * cos, ring * sin}
			at += half + spare
			if i+1 < len(angles) {
				at += angles[i+1]
			}
		}
		rest = rest[len(angles):]
		whole = ring + widest
	}
	return whole
}
