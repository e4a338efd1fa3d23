package reports_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"gnucensus/probe"
)

// sharing computes in Go, by the definitions, what the reports on sharing compute in SQL.
type sharing struct {
	files      []int64 // rising
	unmeasured int
}

func (s sharing) total() float64 { return float64(sum(s.files)) }

func sum(files []int64) (n int64) {
	for _, f := range files {
		n += f
	}
	return n
}

// quantile is the smallest amount that percent of the hosts do not exceed.
func (s sharing) quantile(percent int) float64 {
	for i, f := range s.files {
		if (i+1)*100 >= percent*len(s.files) {
			return float64(f)
		}
	}
	return 0
}

// lorenz is the share of the total, in percent, that the lowest percent of the hosts hold: whole hosts, and a part of the
// next one.
func (s sharing) lorenz(percent int) float64 {
	whole := percent * len(s.files) / 100
	part := float64(percent*len(s.files)%100) / 100
	return 100 * (float64(sum(s.files[:whole])) + part*float64(s.files[whole])) / s.total()
}

// gini is half the mean difference of two hosts, over their mean.
func (s sharing) gini() float64 {
	difference := 0.0
	for _, a := range s.files {
		for _, b := range s.files {
			difference += math.Abs(float64(a - b))
		}
	}
	return difference / (2 * float64(len(s.files)) * s.total())
}

func (s sharing) riders(most int64) (n int) {
	for _, f := range s.files {
		if f <= most {
			n++
		}
	}
	return n
}

// wilson solves for the shares p from which the observed one is 1.96 standard errors away, by bisection.
func wilson(part, whole int, upper bool) float64 {
	observed, n := float64(part)/float64(whole), float64(whole)
	low, high := 0.0, observed
	if upper {
		low, high = observed, 1
	}
	for range 200 {
		p := (low + high) / 2
		inside := math.Abs(observed-p) <= 1.959963984540054*math.Sqrt(p*(1-p)/n)
		if inside == upper {
			low = p
		} else {
			high = p
		}
	}
	return 50 * (low + high)
}

func TestSharingAgreesWithItsDefinitions(t *testing.T) {
	t.Parallel()
	db := database(t)
	rapid.Check(t, func(r *rapid.T) {
		s := sharing{
			files:      rapid.SliceOfN(rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 300)), 1, 40).Draw(r, "files"),
			unmeasured: rapid.IntRange(0, 5).Draw(r, "unmeasured"),
		}
		s.files = append(s.files, 1) // somebody shares something
		var observed []probe.Observation
		for i, f := range s.files {
			observed = append(observed, shares(byte(i), f, f))
		}
		for i := range s.unmeasured {
			observed = append(observed, talk(byte(100+i), probe.TCPCrawl, probe.ConnectTimeout, 0))
		}
		snapshot := record(t, db, true, observed...)
		slices.Sort(s.files)

		report := run(t, db, "sharing", snapshot)
		same := func(what string, want float64, got any) {
			r.Helper()
			if diff := cmp.Diff(any(want), got, cmpopts.EquateApprox(0, 1e-6)); diff != "" {
				r.Errorf("%s (-definition +report):\n%s", what, diff)
			}
		}
		cell := func(figure string) any { return value(t, report, "files", figure) }
		same("not measured", float64(s.unmeasured), cell("not measured"))
		same("total", s.total(), cell("total"))
		same("mean", s.total()/float64(len(s.files)), cell("mean"))
		same("Gini coefficient", s.gini(), cell("Gini coefficient"))
		for percent, figure := range map[int]string{
			10: "10 % quantile", 25: "25 % quantile", 50: "median", 75: "75 % quantile", 90: "90 % quantile",
			95: "95 % quantile", 99: "99 % quantile", 100: "largest",
		} {
			same(figure, s.quantile(percent), cell(figure))
		}
		for _, percent := range []int{10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99} {
			figure := fmt.Sprintf("held by the lowest %d %%", percent)
			same(figure, s.lorenz(percent), cell(figure))
		}

		report = run(t, db, "freeriders", snapshot)
		heard := float64(len(s.files) + s.unmeasured)
		for most, figure := range map[int64]string{
			0: "share no file", 10: "share at most 10 files", 100: "share at most 100 files",
		} {
			n := s.riders(most)
			if got := value(t, report, "hosts", figure); got != int64(n) {
				r.Errorf("%s: %v hosts, want %d", figure, got, n)
			}
			same(figure+", share", 100*float64(n)/float64(len(s.files)), value(t, report, "share", figure))
			same(figure+", low", wilson(n, len(s.files), false), value(t, report, "low", figure))
			same(figure+", high", wilson(n, len(s.files), true), value(t, report, "high", figure))
			same(figure+", least", 100*float64(n)/heard, value(t, report, "least", figure))
			same(figure+", most", 100*float64(n+s.unmeasured)/heard, value(t, report, "most", figure))
		}
		for _, percent := range []int{1, 5, 10, 20, 25} {
			figure := fmt.Sprintf("top %d %% of hosts", percent)
			top := (len(s.files)*percent + 99) / 100
			held := float64(sum(s.files[len(s.files)-top:]))
			same(figure, 100*held/s.total(), value(t, report, "of_files", figure))
		}
		if got := value(t, report, "hosts", "not measured"); got != int64(s.unmeasured) {
			r.Errorf("not measured: %v, want %d", got, s.unmeasured)
		}
	})
}
