package figure

import "math"

// A quadtree sums up bodies by squares, so that the push of all on one is found in steps that grow with the logarithm of their
// number (Barnes and Hut 1986).
type quadtree struct{ cells []cell }

// cell is a square with the mass of all bodies in it and its centre.
type cell struct {
	x, y, mass float64
	size       float64
	child      int32 // the first of four that follow each other; 0: none
	bodies     int32
}

const (
	// wideness is how wide a square may look, as a part of its distance, to be taken for one body.
	wideness = 0.9
	// depth is how often squares are divided: bodies in the same smallest one are one body.
	depth = 26
)

// newQuadtree sums up bodies.
func newQuadtree(at []spot, mass []float64, reuse []cell) *quadtree {
	low, high := spot{math.Inf(1), math.Inf(1)}, spot{math.Inf(-1), math.Inf(-1)}
	for _, p := range at {
		low = spot{min(low.x, p.x), min(low.y, p.y)}
		high = spot{max(high.x, p.x), max(high.y, p.y)}
	}
	t := &quadtree{cells: append(reuse[:0], cell{size: max(high.x-low.x, high.y-low.y) * 1.001})}
	for i, p := range at {
		t.insert(p, mass[i], low)
	}
	return t
}

// insert adds a body to every square that holds it. corner is that of the largest.
func (t *quadtree) insert(p spot, mass float64, corner spot) {
	at := int32(0)
	for level := 0; ; level++ {
		c := &t.cells[at]
		if c.bodies == 1 && level < depth && c.child == 0 {
			// The one body that lives here moves into a part.
			t.divide(at)
			c = &t.cells[at]
			part := c.child + quarter(spot{c.x, c.y}, corner, c.size)
			child := &t.cells[part]
			child.x, child.y, child.mass, child.bodies = c.x, c.y, c.mass, 1
		}
		if c.bodies == 0 {
			c.x, c.y = p.x, p.y // to the last digit: a body must find itself where it is
		}
		c.mass += mass
		c.x += (p.x - c.x) * mass / c.mass
		c.y += (p.y - c.y) * mass / c.mass
		c.bodies++
		if c.child == 0 {
			return
		}
		half := c.size / 2
		q := quarter(p, corner, c.size)
		at = c.child + q
		if q&1 != 0 {
			corner.x += half
		}
		if q&2 != 0 {
			corner.y += half
		}
	}
}

func (t *quadtree) divide(at int32) {
	t.cells[at].child = int32(len(t.cells))
	half := t.cells[at].size / 2
	for range 4 {
		t.cells = append(t.cells, cell{size: half})
	}
}

// quarter tells in which part of a square a point lies: bit 0 right, bit 1 above.
func quarter(p, corner spot, size float64) int32 {
	q := int32(0)
	if p.x >= corner.x+size/2 {
		q |= 1
	}
	if p.y >= corner.y+size/2 {
		q |= 2
	}
	return q
}

// push is the sum of the forces away from all bodies on a body of mass 1: each its mass divided by its distance.
func (t *quadtree) push(p spot, stack []int32) (force spot) {
	stack = append(stack[:0], 0)
	for len(stack) > 0 {
		c := &t.cells[stack[len(stack)-1]]
		stack = stack[:len(stack)-1]
		if c.bodies == 0 {
			continue
		}
		dx, dy := p.x-c.x, p.y-c.y
		square := dx*dx + dy*dy
		if c.child == 0 || c.size*c.size < wideness*wideness*square {
			if square > 0 {
				size := c.mass / (square * math.Sqrt(square))
				force.x += dx * size
				force.y += dy * size
			}
			continue
		}
		stack = append(stack, c.child, c.child+1, c.child+2, c.child+3)
	}
	return force
}
