package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gnucensus/storage/storagetest"
)

const (
	soakRate    = 1000             // visits a second
	soakShort   = 10 * time.Second // of a test among others; make soak takes its time
	soakSamples = 200
)

// A sample is what crawler and crowd use at a moment.
type sample struct {
	heard                           int
	visits                          int64 // under way, each with a connection at most
	memory, descriptors, goroutines int64 // of the crawler
	crowdMemory, crowdDescriptors   int64
}

// TestSoak crawls a crowd with hosts of all kinds for as long as GNUCENSUS_TEST_SOAK says. Once all hosts were heard of,
// neither the crawler nor the crowd may grow in memory, descriptors or goroutines.
func TestSoak(t *testing.T) {
	lasts := soakShort
	if text := os.Getenv("GNUCENSUS_TEST_SOAK"); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatalf("GNUCENSUS_TEST_SOAK: %v", err)
		}
	} else {
		t.Parallel()
	}
	c := newCrowd(t, int(soakRate*lasts.Seconds()),
		"--dead", "0.05", "--silent", "0.05", "--trimming", "0.01", "--lying", "0.01")
	crawler := start(t, "crawl", "--scope", "lab", "--seed", c.first.String(), "--query-via", "0", "--rate", fmt.Sprint(soakRate),
		"--metrics", "127.0.0.1:0", "--database", storagetest.DSN(t), "--format", "json")
	page, found := strings.CutPrefix(<-crawler.line, "metrics at ")
	if !found {
		t.Fatalf("no metrics: %s", crawler.end(t).stderr)
	}
	ended := make(chan result, 1)
	go func() { ended <- crawler.end(t) }()
	look := time.NewTicker(lasts / soakSamples)
	defer look.Stop()
	var samples []sample
	for {
		select {
		case <-look.C:
			if s, ok := takeSample(page, crawler.Process.Pid, c.Process.Pid); ok {
				samples = append(samples, s)
			}
			continue
		case r := <-ended:
			if r.code != exitDone {
				t.Fatalf("exit %d: %s", r.code, r.stderr)
			}
		}
		break
	}
	checkFlat(t, samples)
}

// takeSample reads a page of metrics, and what the kernel tells of the crowd. It is not ok when the crawl is beginning or
// ending.
func takeSample(page string, crawler, crowd int) (s sample, ok bool) {
	values, err := readMetrics(page)
	if err != nil {
		return s, false
	}
	s = sample{
		heard:  int(values["gnucensus_hosts_heard"]),
		visits: int64(values["gnucensus_visits_in_flight"]),
		memory: memoryOf(crawler, "VmRSS"), descriptors: descriptors(crawler), goroutines: int64(values["go_goroutines"]),
		crowdMemory: memoryOf(crowd, "VmRSS"), crowdDescriptors: descriptors(crowd),
	}
	return s, s.heard > 0 && s.memory > 0 && s.goroutines > 0
}

// readMetrics reads a page of metrics.
func readMetrics(page string) (map[string]float64, error) {
	response, err := http.Get(page)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	values := make(map[string]float64)
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if name, value, plain := strings.Cut(lines.Text(), " "); plain {
			values[name], _ = strconv.ParseFloat(value, 64) // comments are no numbers
		}
	}
	return values, nil
}

// descriptors returns how many files a process has open.
func descriptors(pid int) int64 {
	open, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid)) // the pattern is a good one
	return int64(len(open))
}

// checkFlat compares the two halves of the time in which nobody new was heard of. How many visits are under way is the pacer's
// to decide, and how many of them have a connection changes as the crawl goes on: descriptors count as far as there are more.
func checkFlat(t *testing.T, samples []sample) {
	t.Helper()
	if len(samples) == 0 {
		t.Fatal("no samples")
	}
	all := samples[len(samples)-1].heard
	steady := slices.DeleteFunc(slices.Clone(samples), func(s sample) bool { return s.heard < all })
	if len(steady) < 10 {
		t.Fatalf("%d samples, of which %d are from when all %d hosts were heard of", len(samples), len(steady), all)
	}
	half := len(steady) / 2
	table(t, "figure|first half|second half|may grow by", func(row func(cells ...any)) {
		for _, figure := range []struct {
			name  string
			of    func(sample) int64
			share float64 // that it may grow by
			more  int64   // and so much more: garbage that waits to be collected, connections about to close
			unit  int64
		}{
			{"memory, MiB", func(s sample) int64 { return s.memory }, 0.1, 32 << 20, 1 << 20},
			{"descriptors beside visits", func(s sample) int64 { return max(0, s.descriptors-s.visits) }, 0.25, 64, 1},
			{"goroutines", func(s sample) int64 { return s.goroutines }, 0.25, 64, 1},
			{"crowd memory, MiB", func(s sample) int64 { return s.crowdMemory }, 0.1, 32 << 20, 1 << 20},
			{"crowd descriptors", func(s sample) int64 { return s.crowdDescriptors }, 0.25, 64, 1},
		} {
			first, second := median(steady[:half], figure.of), median(steady[half:], figure.of)
			growth := int64(figure.share*float64(first)) + figure.more
			row(figure.name, first/figure.unit, second/figure.unit, growth/figure.unit)
			if second > first+growth {
				t.Errorf("%s grow from %d to %d", figure.name, first/figure.unit, second/figure.unit)
			}
		}
	})
}

func median(samples []sample, of func(sample) int64) int64 {
	values := make([]int64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
