package graph

import (
	"math"
	"slices"
)

// A Family is a kind of distribution that a tail may follow.
type Family string

// The families that a tail is held against. All are distributions of whole numbers, of which those below the tail's beginning
// are cut off.
const (
	PowerLaw    Family = "power law"   // p(x) ∝ x^-a
	LogNormal   Family = "log-normal"  // the normal distribution of ln x, taken over [x-1/2, x+1/2)
	Exponential Family = "exponential" // p(x) ∝ e^-λx
)

// A Fit is the member of a family that is most likely to have given a tail.
type Fit struct {
	Family        Family
	Exponent      float64 // of a power law
	Mu, Sigma     float64 // of a log-normal: of ln x, before the tail was cut off
	Rate          float64 // of an exponential, for one more
	LogLikelihood float64
	from          int
}

// A Tail is the upper part of a distribution of whole numbers such as degrees, with the laws that it was held against
// (Clauset, Shalizi and Newman, "Power-law distributions in empirical data", 2009).
type Tail struct {
	From     int     // the tail is what is at least this: where the power law is nearest to the data
	Hosts    int     // in the tail
	Distance float64 // of the power law from the data: the largest difference of their distributions (Kolmogorov and Smirnov)
	Error    float64 // standard error of the exponent
	Fits     []Fit   // power law, log-normal, exponential

	values, counts []int
}

const (
	// tailHosts is how many hosts a tail must hold: with fewer, any law fits.
	tailHosts = 50
	// tailValues is how many different values it must hold: two parameters go through fewer nearly anyhow.
	tailValues = 5
	// tailTries is how many beginnings are tried: all, where there are no more values; else evenly many of them.
	tailTries = 500
)

// FitTail finds the tail of a distribution and the laws nearest to it, by maximum likelihood. It is given how many hosts have
// each value; values below 1 are left out. It returns nil when there is no tail of 50 hosts with five different values.
func FitTail(hosts map[int]int) *Tail {
	values := make([]int, 0, len(hosts))
	for value, n := range hosts {
		if value > 0 && n > 0 {
			values = append(values, value)
		}
	}
	slices.Sort(values)
	counts := make([]int, len(values))
	for i, value := range values {
		counts[i] = hosts[value]
	}
	best := powerLawTail(values, counts)
	if best != nil {
		best.compete()
	}
	return best
}

// compete adds the other families to the power law of a tail.
func (t *Tail) compete() {
	t.Error = exponentError(&t.Fits[0], t.Hosts)
	t.Fits = append(t.Fits, fitLogNormal(t), fitExponential(t))
	for i := range t.Fits {
		t.Fits[i].LogLikelihood = t.logLikelihood(&t.Fits[i])
	}
}

// powerLawTail tries the beginnings that a tail may have and takes the one at which the power law is nearest to the data.
func powerLawTail(values, counts []int) *Tail {
	hosts, logs := 0, 0.0 // of the values not cut off, and the sum of their logarithms
	for i, x := range values {
		hosts += counts[i]
		logs += float64(counts[i]) * math.Log(float64(x))
	}
	var best *Tail
	stride := (len(values) + tailTries - 1) / tailTries
	for i, x := range values {
		if hosts < tailHosts || len(values)-i < tailValues {
			break
		}
		if i%stride == 0 {
			fit := fitPowerLaw(x, hosts, logs)
			t := &Tail{From: x, Hosts: hosts, Fits: []Fit{fit}, values: values[i:], counts: counts[i:]}
			if t.Distance = t.distance(&fit); best == nil || t.Distance < best.Distance {
				best = t
			}
		}
		hosts -= counts[i]
		logs -= float64(counts[i]) * math.Log(float64(x))
	}
	return best
}

// distance is the largest difference between the distribution of the tail and that of a law.
func (t *Tail) distance(f *Fit) float64 {
	left, largest := t.Hosts, 0.0
	for i, x := range t.values {
		largest = max(largest, math.Abs(float64(left)/float64(t.Hosts)-f.CCDF(x)))
		left -= t.counts[i]
	}
	return largest
}

// Chance returns how likely a power law is to be as far from its own sample as it is from the data, at most: the law was fitted
// and the values are whole, so the true chance is smaller (Kolmogorov's distribution). Where it is small, a power law is ruled
// out; where it is not, other laws may be as good or better.
func (t *Tail) Chance() float64 {
	root := math.Sqrt(float64(t.Hosts))
	z := t.Distance * (root + 0.12 + 0.11/root) // Stephens 1970
	if z < 0.2 {
		return 1 // to twelve digits, and the sum converges slowly
	}
	sum, sign := 0.0, 1.0
	for k := 1.0; k <= 100; k++ {
		sum += sign * math.Exp(-2*k*k*z*z)
		sign = -sign
	}
	return min(1, max(0, 2*sum))
}

func (t *Tail) logLikelihood(f *Fit) float64 {
	sum := 0.0
	for i, x := range t.values {
		sum += float64(t.counts[i]) * f.logProbability(x)
	}
	return sum
}

// Compare holds the first law against the second (Vuong 1989). The ratio is that of their likelihoods, logarithmic and in
// standard deviations: above 0 when the first is nearer to the data. p is the chance of a ratio that far from 0 were both
// equally near; only when it is small does the sign mean anything. Laws that expect nearly the same of every host, as a
// log-normal in the likeness of a power law does, are not told apart: the ratio is 0 and p is 1.
func (t *Tail) Compare(first, second Fit) (ratio, p float64) {
	n := float64(t.Hosts)
	sum, squares := 0.0, 0.0
	for i, x := range t.values {
		d := first.logProbability(x) - second.logProbability(x)
		sum += float64(t.counts[i]) * d
		squares += float64(t.counts[i]) * d * d
	}
	variance := squares - sum*sum/n // of the sum
	if variance < 1 {
		return 0, 1
	}
	ratio = sum / math.Sqrt(variance)
	return ratio, math.Erfc(math.Abs(ratio) / math.Sqrt2)
}

// CCDF returns the share of the tail that the law expects to be at least x.
func (f *Fit) CCDF(x int) float64 {
	switch f.Family {
	case PowerLaw:
		return hurwitz(f.Exponent, float64(x)) / hurwitz(f.Exponent, float64(f.from))
	case LogNormal:
		return math.Exp(logUpper(f.standard(x)) - logUpper(f.standard(f.from)))
	}
	return math.Exp(-f.Rate * float64(x-f.from))
}

// logProbability is the logarithm of the chance of x in the tail.
func (f *Fit) logProbability(x int) float64 {
	switch f.Family {
	case PowerLaw:
		return -f.Exponent*math.Log(float64(x)) - math.Log(hurwitz(f.Exponent, float64(f.from)))
	case LogNormal:
		return logBetween(f.standard(x), f.standard(x+1)) - logUpper(f.standard(f.from))
	}
	return -f.Rate*float64(x-f.from) + math.Log(-math.Expm1(-f.Rate))
}

// standard is where x begins in a log-normal that is not cut off, in standard deviations from its middle.
func (f *Fit) standard(x int) float64 { return (math.Log(float64(x)-0.5) - f.Mu) / f.Sigma }

// fitPowerLaw finds the exponent. The likelihood has one maximum, so its slope is enough.
func fitPowerLaw(from, hosts int, logs float64) Fit {
	mean := logs / float64(hosts)
	likelihood := func(exponent float64) float64 { return -math.Log(hurwitz(exponent, float64(from))) - exponent*mean }
	// An exponent of 1 or less has no distribution; the steepest tail worth the name is far below 20.
	return Fit{Family: PowerLaw, Exponent: maximum(1.0001, 20, likelihood), from: from}
}

// exponentError comes from the curvature of the likelihood at its maximum.
func exponentError(f *Fit, hosts int) float64 {
	const step = 1e-3
	log := func(exponent float64) float64 { return math.Log(hurwitz(exponent, float64(f.from))) }
	curvature := (log(f.Exponent+step) - 2*log(f.Exponent) + log(f.Exponent-step)) / (step * step)
	return 1 / math.Sqrt(float64(hosts)*curvature)
}

func fitExponential(t *Tail) Fit {
	beyond := 0.0
	for i, x := range t.values {
		beyond += float64(t.counts[i]) * float64(x-t.From)
	}
	return Fit{Family: Exponential, Rate: math.Log1p(float64(t.Hosts) / beyond), from: t.From}
}

// leastMu bounds the search for a log-normal. Where a tail is as straight as a power law, the likelihood rises for ever towards
// smaller μ and larger σ, and slower and slower.
const leastMu = -100

// fitLogNormal looks for the maximum with a simplex, from the moments of ln x.
func fitLogNormal(t *Tail) Fit {
	sum, squares, n := 0.0, 0.0, float64(t.Hosts)
	for i, x := range t.values {
		l := math.Log(float64(x))
		sum += float64(t.counts[i]) * l
		squares += float64(t.counts[i]) * l * l
	}
	mean := sum / n
	deviation := math.Sqrt(max(squares/n-mean*mean, 1e-6))
	at := func(p point) Fit { return Fit{Family: LogNormal, Mu: p[0], Sigma: math.Exp(p[1]), from: t.From} }
	best := simplex(point{mean, math.Log(deviation)}, point{deviation, 0.5}, 400, func(p point) float64 {
		if p[0] < leastMu {
			return math.Inf(-1)
		}
		f := at(p)
		return t.logLikelihood(&f)
	})
	return at(best)
}
