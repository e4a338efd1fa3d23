package lab

import (
	_ "embed"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"gnucensus/servent/library"
)

// Names are made of a creator and two words, each list ordered from the most popular to the rarest. Queries taken from
// the head of either list find much, queries from its tail little.
var (
	//go:embed creators.txt
	creatorList string
	//go:embed words.txt
	wordList string

	creators = strings.Split(strings.TrimSpace(creatorList), "\n")
	words    = strings.Split(strings.TrimSpace(wordList), "\n")
)

// kinds of files, with their share of all titles and their median size in bytes.
var kinds = []struct {
	extension string
	share     float64
	median    float64
}{
	{"mp3", 0.50, 4 << 20},
	{"ogg", 0.08, 5 << 20},
	{"pdf", 0.14, 900 << 10},
	{"txt", 0.08, 60 << 10},
	{"jpg", 0.10, 250 << 10},
	{"avi", 0.06, 350 << 20},
	{"iso", 0.04, 650 << 20},
}

const (
	sharersShare = 1.0 / 3 // of all hosts, those that share anything
	topHosts     = 0.01    // of all hosts, those at the top …
	topShare     = 1.0 / 3 // … and what they hold of all files
)

// fileCounts returns how many files each sharer among so many hosts has, the most first: mean times hosts in all, but for
// rounding. The counts are the quantiles of a log-normal distribution, whose width is chosen so that the top hosts hold
// their share.
func fileCounts(hosts, mean int) []int {
	sharers := int(math.Round(float64(hosts) * sharersShare))
	top := max(1, int(math.Round(float64(hosts)*topHosts)))
	low, high := 0.0, 8.0
	for range 50 {
		width := (low + high) / 2
		w := quantiles(sharers, width)
		if sum(w[:min(top, sharers)]) < topShare*sum(w) {
			low = width
		} else {
			high = width
		}
	}
	weights := quantiles(sharers, low)
	total := sum(weights)
	counts := make([]int, sharers)
	for i, w := range weights {
		counts[i] = max(1, int(math.Round(float64(hosts*mean)*w/total)))
	}
	return counts
}

// quantiles returns n evenly spaced quantiles of the log-normal distribution of median 1, the largest first.
func quantiles(n int, width float64) []float64 {
	q := make([]float64, n)
	for i := range q {
		p := 1 - (float64(i)+0.5)/float64(n)
		q[i] = math.Exp(width * math.Sqrt2 * math.Erfinv(2*p-1))
	}
	return q
}

func sum(w []float64) float64 {
	var s float64
	for _, v := range w {
		s += v
	}
	return s
}

// catalogue returns n titles, from the most popular to the rarest.
func catalogue(n int, r *rand.Rand) []library.File {
	creator := rand.NewZipf(r, 1.8, 3, uint64(len(creators)-1))
	word := rand.NewZipf(r, 1.6, 6, uint64(len(words)-1))
	titles := make([]library.File, n)
	for i := range titles {
		at, k := r.Float64(), 0
		for k < len(kinds)-1 && at >= kinds[k].share {
			at -= kinds[k].share
			k++
		}
		name := fmt.Sprintf("%s - %s %s %d.%s", creators[creator.Uint64()], words[word.Uint64()], words[word.Uint64()],
			i+1, kinds[k].extension)
		size := kinds[k].median * math.Exp(0.5*r.NormFloat64())
		titles[i] = library.File{Name: name, Size: uint64(min(size, math.MaxUint32))}
	}
	return titles
}

// deal gives every one of the hosts its files. Which hosts share, and what, is chance; how much they share is not.
func deal(hosts, mean int, r *rand.Rand) [][]library.File {
	counts := fileCounts(hosts, mean)
	shelves := make([][]library.File, hosts)
	if len(counts) == 0 {
		return shelves
	}
	titles := catalogue(max(hosts*mean/3, 4*counts[0]), r)
	pick := rand.NewZipf(r, 1.01, 20, uint64(len(titles)-1))
	order := r.Perm(hosts)
	for i, n := range counts {
		taken := make(map[uint64]bool, n)
		shelf := make([]library.File, 0, n)
		for len(shelf) < n {
			if t := pick.Uint64(); !taken[t] {
				taken[t] = true
				shelf = append(shelf, titles[t])
			}
		}
		shelves[order[i]] = slices.Clip(shelf)
	}
	return shelves
}
