package graph

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// sample draws from a distribution of whole numbers from a beginning, given by the share of it that is at least x.
func sample(seed uint64, hosts, from int, ccdf func(x float64) float64) map[int]int {
	random := rand.New(rand.NewPCG(seed, 0))
	drawn := map[int]int{}
	for range hosts {
		u, low, high := 1-random.Float64(), from, from+1
		for ccdf(float64(high)) >= u {
			low, high = high, from+2*(high-from)
		}
		for high-low > 1 { // the largest x with ccdf(x) >= u
			if middle := (low + high) / 2; ccdf(float64(middle)) >= u {
				low = middle
			} else {
				high = middle
			}
		}
		drawn[low]++
	}
	return drawn
}

// The laws that samples are drawn from, each by the share that is at least x. That of the power law, of exponent 2.5 from 10,
// is near enough to its sums (Clauset, Shalizi and Newman 2009, appendix D).
func powerLawAbove(x float64) float64    { return math.Pow((x-0.5)/9.5, -1.5) }
func exponentialAbove(x float64) float64 { return math.Exp(-0.05 * (x - 1)) }
func logNormalAbove(x float64) float64 {
	return math.Erfc((math.Log(x-0.5)-3)/math.Sqrt2) / math.Erfc((math.Log(0.5)-3)/math.Sqrt2)
}

// whole is a distribution taken as one tail, wherever the power law is nearest to it.
func whole(hosts map[int]int) *Tail {
	t := &Tail{values: slices.Sorted(maps.Keys(hosts))}
	t.From = t.values[0]
	logs := 0.0
	for _, x := range t.values {
		t.counts = append(t.counts, hosts[x])
		t.Hosts += hosts[x]
		logs += float64(hosts[x]) * math.Log(float64(x))
	}
	t.Fits = []Fit{fitPowerLaw(t.From, t.Hosts, logs)}
	t.Distance = t.distance(&t.Fits[0])
	t.compete()
	return t
}

// Each law is found again in a sample that it gave, and is nearer to it than the others.
func TestFits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		family Family
		hosts  map[int]int
		right  func(*Fit) bool
	}{
		{PowerLaw, sample(1, 5000, 10, powerLawAbove), func(f *Fit) bool { return math.Abs(f.Exponent-2.5) < 0.05 }},
		{LogNormal, sample(2, 5000, 1, logNormalAbove), func(f *Fit) bool {
			return math.Abs(f.Mu-3) < 0.05 && math.Abs(f.Sigma-1) < 0.05
		}},
		{Exponential, sample(3, 5000, 1, exponentialAbove), func(f *Fit) bool { return math.Abs(f.Rate-0.05) < 0.003 }},
	}
	for i, test := range tests {
		tail := whole(test.hosts)
		fit := tail.Fits[i]
		if fit.Family != test.family || !test.right(&fit) {
			t.Errorf("a sample of a %s: %+v", test.family, fit)
		}
		for _, other := range tail.Fits {
			ratio, p := tail.Compare(fit, other)
			if back, same := tail.Compare(other, fit); back != -ratio || same != p {
				t.Errorf("%s against %s: %v, p %v; turned round %v, p %v", fit.Family, other.Family, ratio, p, back, same)
			}
			// A log-normal can take the likeness of a power law, and is then not told apart from it.
			if alike := other.Family == fit.Family || fit.Family == PowerLaw && other.Family == LogNormal; alike {
				if p < 0.1 {
					t.Errorf("%s against %s: %v, p %v: told apart", fit.Family, other.Family, ratio, p)
				}
			} else if ratio <= 0 || p > 0.001 {
				t.Errorf("%s against %s: %v, p %v", fit.Family, other.Family, ratio, p)
			}
		}
	}
}

// The beginning of a power law that is the tail of something else is found.
func TestFitTailFindsTheBeginning(t *testing.T) {
	t.Parallel()
	hosts := sample(4, 5000, 10, powerLawAbove)
	for x := 1; x < 10; x++ {
		hosts[x] = 700
	}
	tail := FitTail(hosts)
	if tail == nil || tail.From < 9 || tail.From > 16 || math.Abs(tail.Fits[0].Exponent-2.5) > 3*tail.Error {
		t.Fatalf("%+v", tail)
	}
	if tail.Distance > 0.02 || tail.Chance() < 0.1 {
		t.Errorf("distance %v, chance %v", tail.Distance, tail.Chance())
	}
	if tail := whole(sample(6, 5000, 1, exponentialAbove)); tail.Chance() > 0.001 {
		t.Errorf("of an exponential, distance %v, chance %v", tail.Distance, tail.Chance())
	}
}

// What a law expects of a tail is a distribution: all of it is at least its beginning, the chances add up, and fewer are more.
func TestFitIsDistribution(t *testing.T) {
	t.Parallel()
	for _, f := range FitTail(sample(5, 2000, 10, powerLawAbove)).Fits {
		if all := f.CCDF(f.from); math.Abs(all-1) > 1e-12 {
			t.Errorf("%s: %v of the tail are in the tail", f.Family, all)
		}
		sum := 0.0
		for x := f.from; x < 100*f.from; x++ {
			if f.CCDF(x+1) >= f.CCDF(x) || f.CCDF(x+1) < 0 {
				t.Fatalf("%s: as many are at least %d as %d: %v, %v", f.Family, x+1, x, f.CCDF(x+1), f.CCDF(x))
			}
			if sum += math.Exp(f.logProbability(x)); math.Abs(sum+f.CCDF(x+1)-1) > 1e-9 {
				t.Fatalf("%s: the chances up to %d are %v, of more %v", f.Family, x, sum, f.CCDF(x+1))
			}
		}
	}
}

func TestNoTail(t *testing.T) {
	t.Parallel()
	for name, hosts := range map[string]map[int]int{
		"nothing":         {},
		"zeros":           {0: 1000},
		"few hosts":       {1: 20, 2: 10, 3: 5},
		"one value":       {30: 1000},
		"four values":     {30: 1000, 31: 10, 32: 10, 33: 1},
		"negative values": {-1: 50, -2: 50, -3: 50},
	} {
		if tail := FitTail(hosts); tail != nil {
			t.Errorf("%s: a tail from %d", name, tail.From)
		}
	}
}

// However odd a distribution is, nothing is other than a number.
func TestFitsAreNumbers(t *testing.T) {
	t.Parallel()
	for name, hosts := range map[string]map[int]int{
		"nearly one value": {30: 1000, 31: 1, 32: 1, 33: 1, 34: 1},
		"large values":     {1 << 31: 30, 1<<31 + 1: 20, 1 << 40: 10, 1 << 41: 1, 1 << 42: 1},
		"flat":             {1: 100, 2: 100, 3: 100, 4: 100, 5: 100},
		"rising":           {1: 10, 2: 100, 3: 1000, 4: 10000, 5: 100000},
	} {
		tail := FitTail(hosts)
		for _, f := range tail.Fits {
			ratio, p := tail.Compare(tail.Fits[0], f)
			for _, x := range []float64{f.Exponent, f.Mu, f.Sigma, f.Rate, f.LogLikelihood, tail.Error, tail.Distance, ratio, p} {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					t.Errorf("%s: %s: %+v, ratio %v, p %v", name, f.Family, f, ratio, p)
				}
			}
		}
	}
}

func TestHurwitz(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ s, a, want float64 }{
		{2, 1, math.Pi * math.Pi / 6},
		{4, 1, math.Pow(math.Pi, 4) / 90},
		{3, 1, 1.2020569031595942},
		{2, 0.5, math.Pi * math.Pi / 2},
		{1.5, 1, 2.612375348685488},
		{4, 3, math.Pow(math.Pi, 4)/90 - 1 - 1.0/16},
	} {
		if got := hurwitz(test.s, test.a); math.Abs(got-test.want) > 1e-12*test.want {
			t.Errorf("of %v from %v: %.15f, want %.15f", test.s, test.a, got, test.want)
		}
	}
}

// A normal distribution is cut into parts, on either side and across its middle.
func TestLogBetween(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ a, b, want float64 }{
		{0, 1, 0.3413447460685429},
		{-1, 0, 0.3413447460685429},
		{-1, 1, 0.6826894921370859},
		{-2, 1, 0.8185946141203637},
		{6, 7, 9.85307834e-10},
		{-7, -6, 9.85307834e-10},
	} {
		if got := math.Exp(logBetween(test.a, test.b)); math.Abs(got-test.want) > 1e-8*test.want {
			t.Errorf("%v to %v: %v, want %v", test.a, test.b, got, test.want)
		}
	}
}

// The two ways to the upper part of the normal distribution meet.
func TestLogUpper(t *testing.T) {
	t.Parallel()
	if got := logUpper(0); math.Abs(got+math.Ln2) > 1e-15 {
		t.Errorf("above 0: %v", got)
	}
	below, above := logUpper(math.Nextafter(30, 0)), logUpper(30)
	if math.Abs(below-above) > 1e-6 {
		t.Errorf("below 30 %v, from 30 on %v", below, above)
	}
}
