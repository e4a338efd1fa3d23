package graph

import (
	"cmp"
	"math"
	"slices"
)

// bernoulli holds B(2k)/(2k)! for k from 1.
var bernoulli = [...]float64{1.0 / 12, -1.0 / 720, 1.0 / 30240, -1.0 / 1209600, 1.0 / 47900160, -691.0 / 1307674368000}

// hurwitz is the sum of (a+k)^-s over k from 0, for s above 1 and a above 0: the first terms, and Euler's and Maclaurin's
// formula for the rest.
func hurwitz(s, a float64) float64 {
	sum := 0.0
	for ; a < 15; a++ {
		sum += math.Pow(a, -s)
	}
	term := math.Pow(a, -s)
	sum += term*a/(s-1) + term/2
	term *= s / a
	for k, b := range bernoulli {
		sum += b * term
		j := s + float64(2*k)
		term *= (j + 1) * (j + 2) / (a * a)
	}
	return sum
}

// logUpper is the logarithm of the chance that a standard normal is above z. Far out, where that chance is smaller than any
// number, it is the logarithm of the asymptotic series.
func logUpper(z float64) float64 {
	if z < 30 {
		return math.Log(math.Erfc(z/math.Sqrt2) / 2)
	}
	zz := z * z
	return -zz/2 - math.Log(z*math.Sqrt(2*math.Pi)) + math.Log1p(-1/zz+3/(zz*zz))
}

// logBetween is the logarithm of the chance that a standard normal is between a and b, above a.
func logBetween(a, b float64) float64 {
	if a < 0 {
		a, b = -b, -a // the same on the side where the chances of what is further out are small
	}
	if a < 0 {
		return math.Log1p(-math.Erfc(b/math.Sqrt2)/2 - math.Erfc(-a/math.Sqrt2)/2)
	}
	above := logUpper(a)
	return above + math.Log(-math.Expm1(logUpper(b)-above))
}

// maximum finds where f is largest between two bounds, if it rises to one point and then falls (Kiefer 1953).
func maximum(low, high float64, f func(float64) float64) float64 {
	const ratio = 0.6180339887498949
	left, right := high-ratio*(high-low), low+ratio*(high-low)
	fl, fr := f(left), f(right)
	for high-low > 1e-9 {
		if fl > fr {
			high, right, fr = right, left, fl
			left = high - ratio*(high-low)
			fl = f(left)
		} else {
			low, left, fl = left, right, fr
			right = low + ratio*(high-low)
			fr = f(right)
		}
	}
	return (low + high) / 2
}

// point has the two parameters that a simplex searches for.
type point [2]float64

// toward is the point that lies a part of the way from p to q; a part below 0 leads away, one above 1 beyond.
func (p point) toward(q point, part float64) point {
	return point{p[0] + part*(q[0]-p[0]), p[1] + part*(q[1]-p[1])}
}

// simplex looks for the maximum of f by moving a triangle, for so many steps or until it is too small (Nelder and Mead
// 1965).
func simplex(start, size point, steps int, f func(point) float64) point {
	type corner struct {
		point
		value float64
	}
	at := func(p point) corner {
		value := f(p)
		if math.IsNaN(value) {
			value = math.Inf(-1)
		}
		return corner{p, value}
	}
	c := []corner{at(start), at(point{start[0] + size[0], start[1]}), at(point{start[0], start[1] + size[1]})}
	for range steps {
		slices.SortFunc(c, func(a, b corner) int { return cmp.Compare(b.value, a.value) })
		if c[0].value-c[2].value < 1e-9*math.Abs(c[0].value) {
			break
		}
		middle := c[0].toward(c[1].point, 0.5)
		reflected := at(c[2].toward(middle, 2))
		switch {
		case reflected.value > c[0].value:
			c[2] = reflected
			if further := at(middle.toward(reflected.point, 2)); further.value > reflected.value {
				c[2] = further
			}
		case reflected.value > c[1].value:
			c[2] = reflected
		default:
			if nearer := at(c[2].toward(middle, 0.5)); nearer.value > c[2].value {
				c[2] = nearer
			} else {
				c[1], c[2] = at(c[1].toward(c[0].point, 0.5)), at(c[2].toward(c[0].point, 0.5))
			}
		}
	}
	slices.SortFunc(c, func(a, b corner) int { return cmp.Compare(b.value, a.value) })
	return c[0].point
}
