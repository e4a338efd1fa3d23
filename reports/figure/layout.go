package figure

import (
	"cmp"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
)

// A spot is where a host lies in a picture.
type spot struct{ x, y float64 }

// A mesh is a graph to lay out: bodies with a mass that push each other away, and springs between them.
type mesh struct {
	mass  []float64
	start []int32 // springs of body v: from start[v] to start[v+1]
	to    []int32
	pull  []float64 // of each spring
}

func (m *mesh) bodies() int { return len(m.mass) }

const (
	// spring is the distance at which the pull of one spring and the push of two bodies of mass 1 are equal.
	spring = 1.0
	// coarsest meshes are laid out from chance alone; larger ones begin where a coarser one ended.
	coarsest = 50
	// clump is how many bodies become one in the next coarser mesh.
	clump = 4
)

// layout places the bodies of a connected mesh so that springs are short and bodies apart (Fruchterman and Reingold 1991),
// coarse meshes first (Walshaw 2001; Hu 2005). The same mesh is laid out the same.
func (m *mesh) layout() []spot {
	return m.layoutBy(rand.New(rand.NewPCG(20020808, 0)))
}

func (m *mesh) layoutBy(random *rand.Rand) []spot {
	jitter := func(width float64) spot {
		return spot{(random.Float64() - 0.5) * width, (random.Float64() - 0.5) * width}
	}
	at := make([]spot, m.bodies())
	if m.bodies() > coarsest {
		if coarse, part := m.coarsen(random); coarse.bodies() < m.bodies()*9/10 {
			first := coarse.layoutBy(random)
			// The finer mesh needs more room.
			wider := math.Sqrt(float64(m.bodies()) / float64(coarse.bodies()))
			for v := range at {
				p, j := first[part[v]], jitter(0.5)
				at[v] = spot{p.x*wider + j.x, p.y*wider + j.y}
			}
			m.settle(at, 90, 1)
			return at
		}
	}
	for v := range at {
		at[v] = jitter(spring * math.Sqrt(float64(m.bodies())))
	}
	m.settle(at, 300, 2)
	return at
}

// coarsen joins bodies with neighbours into clumps, and the springs between clumps into one. part is the clump of each body.
func (m *mesh) coarsen(random *rand.Rand) (coarse *mesh, part []int32) {
	part = make([]int32, m.bodies())
	for v := range part {
		part[v] = -1
	}
	clumps := int32(0)
	for _, v := range random.Perm(m.bodies()) {
		if part[v] >= 0 {
			continue
		}
		mates := 0
		for _, w := range m.to[m.start[v]:m.start[v+1]] {
			if part[w] < 0 && int(w) != v && mates < clump-1 {
				part[w] = clumps
				mates++
			}
		}
		if mates == 0 && m.start[v] < m.start[v+1] {
			part[v] = part[m.to[m.start[v]]] // all its neighbours have theirs: it joins one of them
			continue
		}
		part[v] = clumps
		clumps++
	}
	coarse = &mesh{mass: make([]float64, clumps)}
	var springs []link
	for v := range m.mass {
		coarse.mass[part[v]] += m.mass[v]
		for i := m.start[v]; i < m.start[v+1]; i++ {
			if w := m.to[i]; part[v] != part[w] {
				springs = append(springs, link{part[v], part[w], m.pull[i]})
			}
		}
	}
	coarse.connect(springs)
	return coarse, part
}

// link is a spring as it is seen from one of its ends.
type link struct {
	from, to int32
	pull     float64
}

// connect gives a mesh its springs, told from both ends. Springs between the same bodies become one.
func (m *mesh) connect(springs []link) {
	slices.SortStableFunc(springs, func(a, b link) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	m.start = make([]int32, len(m.mass)+1)
	for i, s := range springs {
		if i > 0 && springs[i-1].from == s.from && springs[i-1].to == s.to {
			m.pull[len(m.pull)-1] += s.pull
			continue
		}
		m.to, m.pull = append(m.to, s.to), append(m.pull, s.pull)
		m.start[s.from+1]++
	}
	for v := range m.mass {
		m.start[v+1] += m.start[v]
	}
}

// settle moves the bodies along the forces on them, a shorter way each time, for so many rounds.
func (m *mesh) settle(at []spot, rounds int, first float64) {
	force := make([]spot, len(at))
	step := first * spring
	var cells []cell
	for range rounds {
		tree := newQuadtree(at, m.mass, cells)
		cells = tree.cells
		m.forces(at, tree, force)
		for v, f := range force {
			if size := math.Hypot(f.x, f.y); size > 0 {
				way := min(step, size/m.mass[v]*0.1)
				at[v].x += f.x / size * way
				at[v].y += f.y / size * way
			}
		}
		step *= 0.97
	}
}

// forces finds the force on each body. Every body's is a sum of its own, so how the work is divided does not change it.
func (m *mesh) forces(at []spot, tree *quadtree, force []spot) {
	workers := runtime.GOMAXPROCS(0)
	var running sync.WaitGroup
	for i := range workers {
		from, to := len(at)*i/workers, len(at)*(i+1)/workers
		running.Go(func() {
			stack := make([]int32, 0, 4*depth)
			for v := from; v < to; v++ {
				f := tree.push(at[v], stack)
				f.x, f.y = f.x*m.mass[v]*spring*spring, f.y*m.mass[v]*spring*spring
				for i := m.start[v]; i < m.start[v+1]; i++ {
					w := m.to[i]
					dx, dy := at[w].x-at[v].x, at[w].y-at[v].y
					pull := m.pull[i] * math.Hypot(dx, dy) / spring
					f.x += dx * pull
					f.y += dy * pull
				}
				force[v] = f
			}
		})
	}
	running.Wait()
}
