package lab

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSharesAreHeavyTailed(t *testing.T) {
	t.Parallel()
	for _, hosts := range []int{200, 1000, 2000, 20000} {
		counts := fileCounts(hosts, 30)
		all, few := 0, 0
		for _, n := range counts {
			all += n
			if n <= 10 {
				few++
			}
		}
		top := 0
		for _, n := range counts[:hosts/100] {
			top += n
		}
		if got := float64(top) / float64(all); math.Abs(got-1.0/3) > 0.01 {
			t.Errorf("%d hosts: the top 1 %% hold %.3f of all files, want a third", hosts, got)
		}
		if got := float64(len(counts)) / float64(hosts); math.Abs(got-1.0/3) > 0.01 {
			t.Errorf("%d hosts: %.3f of them share, want a third", hosts, got)
		}
		if got := float64(all) / float64(hosts); math.Abs(got-30) > 0.5 {
			t.Errorf("%d hosts: %.2f files each, want 30", hosts, got)
		}
		if few == 0 || !slices.IsSortedFunc(counts, func(a, b int) int { return b - a }) {
			t.Errorf("%d hosts: %d share at most 10 files; sorted: %v", hosts, few, counts[:5])
		}
	}
}

func TestSmallLabsShareToo(t *testing.T) {
	t.Parallel()
	for hosts := range 40 {
		shelves := deal(hosts, 3, rand.New(rand.NewPCG(1, 2)))
		if len(shelves) != hosts {
			t.Fatalf("%d hosts got %d shelves", hosts, len(shelves))
		}
		sharers := 0
		for _, s := range shelves {
			if len(s) > 0 {
				sharers++
			}
		}
		if want := int(math.Round(float64(hosts) / 3)); sharers != want {
			t.Errorf("%d hosts: %d share, want %d", hosts, sharers, want)
		}
	}
}
