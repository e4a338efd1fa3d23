package library

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"gnucensus/servent/urn"
)

// million fills a library as a scan of a million files in 50,000 folders does. Their names have nine words, of which some are
// in half of all names and one in no other.
func million() *Library {
	const files, perFolder = 1_000_000, 20
	l := &Library{found: make(map[uint64]sighting), keys: newKeys()}
	l.cache = &cache{keys: l.keys, records: make(map[uint64]int64)}
	r := rand.New(rand.NewPCG(1, 2))
	common := rand.NewZipf(r, 1.1, 4, 50_000)
	var dir *directory
	for i := range files {
		if i%perFolder == 0 {
			path := fmt.Sprintf("music/artist %d/album %d", i/perFolder/5, i/perFolder)
			dir = &directory{path: path, name: "/srv/shared/" + path}
		}
		name := fmt.Sprintf("w%d w%d - w%d w%d half%d (live %d).mp3", common.Uint64(), common.Uint64(), common.Uint64(), common.Uint64(), i%2, i)
		e := entry{folder: dir, base: name, name: shownName(name), size: uint64(i) << 8, modified: int64(i), record: int64(i), hashed: true}
		binary.LittleEndian.PutUint64(e.sha1[:], uint64(i))
		key := l.keys.of(dir.name + "/" + name)
		l.found[key] = sighting{index: l.add(e)}
		l.cache.records[key] = int64(i)
	}
	return l
}

// BenchmarkMatch asks a library of a million files, and says how many bytes of memory each of them takes,
// and how many the heap took at most while they were entered.
func BenchmarkMatch(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	l := million()
	runtime.GC()
	runtime.ReadMemStats(&after)
	perFile := float64(after.HeapAlloc-before.HeapAlloc) / float64(l.Files())
	for name, query := range map[string]string{
		"unique":       "777777",
		"common":       "live mp3",
		"none-of-half": "half0 half1",
		"lists":        "w700 w900",
		"four-common":  "w0 w1 w2 half1",
		"many":         "w1 w2 w3 w4 w5 half0 half1 live mp3",
		"unknown":      "live nowhere",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				l.Match(query, 100)
			}
			b.ReportMetric(perFile, "B/file")
			b.ReportMetric(float64(after.HeapSys)/(1<<20), "MiB-peak")
		})
	}
	h := urn.SHA1{}
	binary.LittleEndian.PutUint64(h[:], 4711)
	b.Run("hash", func(b *testing.B) {
		for b.Loop() {
			l.BySHA1(h)
		}
		b.ReportMetric(perFile, "B/file")
	})
}
