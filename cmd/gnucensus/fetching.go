package main

import (
	"fmt"
	"sync"
	"time"

	"gnucensus/servent/transfer"
)

// rateWindow is the time over which the rate of a fetch is measured.
const rateWindow = 10 * time.Second

// A fetching is how far a file has come.
type fetching struct {
	size uint64 // bytes, as far as it is known beforehand; 0: it is not

	mu   sync.Mutex
	now  transfer.Progress
	past []fetchedAt // within the window, the oldest first
}

// A fetchedAt is how many bytes there were at a time.
type fetchedAt struct {
	at   time.Time
	done uint64
}

func newFetching(size uint64) *fetching { return &fetching{size: size} }

// note takes up a progress.
func (f *fetching) note(p transfer.Progress) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	for len(f.past) > 1 && now.Sub(f.past[0].at) > rateWindow {
		f.past = f.past[1:]
	}
	f.now = p
	f.past = append(f.past, fetchedAt{now, p.Done})
}

func (f *fetching) progress() (done, of int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	size := f.now.Size
	if size == 0 {
		size = f.size
	}
	if size == 0 {
		return int64(f.now.Done), -1
	}
	return int64(f.now.Done), int64(size)
}

// String tells bytes, rate, the time that is left and the sources.
func (f *fetching) String() string {
	done, of := f.progress()
	f.mu.Lock()
	defer f.mu.Unlock()
	rate, left := 0.0, "?"
	if n := len(f.past); n > 0 {
		first, last := f.past[0], f.past[n-1]
		if took := last.at.Sub(first.at); took > 0 && last.done > first.done { // what was wrong is taken away again
			rate = float64(last.done-first.done) / took.Seconds()
		}
	}
	if of >= 0 && rate > 0 {
		left = time.Duration(float64(of-done) / rate * float64(time.Second)).Round(time.Second).String()
	}
	return fmt.Sprintf("%s of %s %s/s left %s from %d of %d", mebibytes(done), mebibytes(of), mebibytes(int64(rate)), left,
		f.now.Connected, f.now.Sources)
}

// mebibytes writes a number of bytes, negative where it is not known.
func mebibytes(n int64) string {
	if n < 0 {
		return "?"
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
