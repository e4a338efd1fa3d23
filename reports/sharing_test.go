package reports_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// atLeast is the share of the hosts that share as much or more, in percent.
func (s sharing) atLeast(least int64) float64 {
	return 100 * (1 - float64(s.riders(least-1))/float64(len(s.files)))
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
			if diff := cmp.Diff(any(want), got, rounded); diff != "" {
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
		for _, least := range []int64{1, 10, 100, 1000, 1000000} {
			figure := fmt.Sprintf("at least %d", least)
			same(figure, s.atLeast(least), cell(figure))
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

// The part of a network that calls itself leaves, or names one software, has the figures that it would have alone.
func TestSharingOfAPart(t *testing.T) {
	t.Parallel()
	db := database(t)
	rapid.Check(t, func(r *rapid.T) {
		var all, leaves []probe.Observation
		for i, f := range rapid.SliceOfN(rapid.Int64Range(0, 2000), 1, 20).Draw(r, "files") {
			o := shares(byte(i), f, 1000*f)
			o.Role = rapid.SampledFrom([]probe.Role{"", probe.Ultrapeer, probe.LeafRole}).Draw(r, "role")
			o.Agent = "Other/1.0"
			if o.Role == probe.LeafRole {
				o.Agent = "Leafy/2.0"
				leaves = append(leaves, o)
			}
			all = append(all, o)
		}
		if leaves == nil {
			return
		}
		whole, part := record(t, db, true, all...), record(t, db, true, leaves...)
		alone := run(t, db, "sharing", part).Rows
		together := run(t, db, "sharing", whole)
		families := run(t, db, "families", whole)
		for _, row := range alone {
			figure := row[0].(string)
			if figure == "not measured" {
				continue
			}
			want := []any{row[2], row[2], row[5], row[5]} // files, leaves, data
			got := []any{
				value(t, together, "leaves", figure), value(t, families, "files", "Leafy", figure),
				value(t, together, "data", figure), value(t, families, "data", "Leafy", figure),
			}
			if diff := cmp.Diff(want, got, rounded); diff != "" {
				r.Errorf("%s (-alone +part):\n%s", figure, diff)
			}
		}
	})
}

// Who answered is compared with who declares files; who answered from an address that nobody knows may be any of them.
func TestSilentSharers(t *testing.T) {
	t.Parallel()
	db := database(t)
	const unknown = 200 // and above: hosts that the walk did not hear of
	rapid.Check(t, func(r *rapid.T) {
		files := rapid.SliceOfN(rapid.SampledFrom([]int64{0, 1, 10, 11, 100, 101}), 1, 20).Draw(r, "files")
		var observed []probe.Observation
		for i, f := range files {
			observed = append(observed, shares(byte(i), f, 0))
		}
		answer := rapid.OneOf(rapid.ByteRange(0, byte(len(files)-1)), rapid.ByteRange(unknown, unknown+3))
		answered, unmatched := map[byte]bool{}, map[byte]bool{}
		var hits []probe.Hit
		for _, responder := range rapid.SliceOfN(answer, 1, 30).Draw(r, "responders") {
			hits = append(hits, hit(responder, 0, 1))
			answered[responder] = true
			if responder >= unknown {
				unmatched[responder] = true
			}
		}
		report := run(t, db, "freeriders", record(t, db, true, append(observed, ask(0, "words", hits...))...))
		same := func(figure string, n, silent int) {
			r.Helper()
			percent := func(n int) float64 { return 100 * float64(n) / float64(len(files)) }
			want := []any{int64(n), percent(n), percent(n - min(silent, len(unmatched))), percent(n)}
			var got []any
			for _, column := range []string{"hosts", "share", "least", "most"} {
				got = append(got, value(t, report, column, figure))
			}
			if diff := cmp.Diff(want, got, rounded); diff != "" {
				r.Errorf("%s (-want +got):\n%s", figure, diff)
			}
		}
		for figure, most := range map[string]int64{
			"share no file, or silent": 0, "share at most 10 files, or silent": 10, "share at most 100 files, or silent": 100,
		} {
			riders, silent := 0, 0
			for i, f := range files {
				switch {
				case f <= most:
					riders++
				case !answered[byte(i)]:
					silent++
				}
			}
			same(figure, riders+silent, silent)
			if most == 0 {
				same("silent sharers", silent, silent)
			}
		}
	})
}

// Adar and Huberman rank hosts by the answers that they give, whether they are known otherwise or not.
func TestResponders(t *testing.T) {
	t.Parallel()
	db := database(t)
	var observed []probe.Observation
	for host := range byte(40) { // hosts 0 to 39 share as many files; the top 5 % are two
		observed = append(observed, shares(host, int64(host), 0))
	}
	answers := func(counts map[byte]int) (hits []probe.Hit) {
		for responder, n := range counts {
			for range n {
				hits = append(hits, hit(responder, 0, 1))
			}
		}
		return hits
	}
	observed = append(observed, ask(1, "a", answers(map[byte]int{0: 1, 5: 30, 39: 4, 250: 5})...), ask(2, "b", hit(5, 0, 1)))
	r := run(t, db, "responders", record(t, db, true, observed...))
	want := [][]any{
		{"all", "responders", int64(4), int64(41), 100.0},
		{"responders", "top 1 %", int64(1), int64(31), 3100.0 / 41},
		{"responders", "top 25 %", int64(1), int64(31), 3100.0 / 41},
		{"hosts", "top 1 %", int64(1), int64(31), 3100.0 / 41},
		{"hosts", "top 5 %", int64(2), int64(36), 3600.0 / 41},
		{"hosts", "top 10 %", int64(4), int64(41), 100.0},
		{"declared files", "none", int64(1), int64(1), 100.0 / 41},
		{"declared files", "1 to 10", int64(1), int64(31), 3100.0 / 41},
		{"declared files", "11 to 100", int64(1), int64(4), 400.0 / 41},
		{"declared files", "over 100", int64(0), int64(0), 0.0},
		{"declared files", "not matched, or not told", int64(1), int64(5), 500.0 / 41},
	}
	for _, w := range want {
		got := []any{w[0], w[1]}
		for _, column := range []string{"hosts", "hits", "of_hits"} {
			got = append(got, value(t, r, column, w[0].(string), w[1].(string)))
		}
		if diff := cmp.Diff(w, got, rounded); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
