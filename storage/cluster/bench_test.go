package cluster

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkColdStart is initdb, start and a first connection, then a stop that is not counted.
func BenchmarkColdStart(b *testing.B) {
	base := baseDir(b)
	for b.Loop() {
		dir := filepath.Join(base, "data")
		c := open(b, Config{Dir: dir})
		b.StopTimer()
		closeCluster(b, c)
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkWarmStart starts the server of a cluster that is there, as every command does that is alone.
func BenchmarkWarmStart(b *testing.B) {
	cfg := Config{Dir: filepath.Join(baseDir(b), "data")}
	closeCluster(b, open(b, cfg))
	for b.Loop() {
		c := open(b, cfg)
		b.StopTimer()
		closeCluster(b, c)
		b.StartTimer()
	}
}

// BenchmarkWarmStop is the way out.
func BenchmarkWarmStop(b *testing.B) {
	cfg := Config{Dir: filepath.Join(baseDir(b), "data")}
	closeCluster(b, open(b, cfg))
	for b.Loop() {
		b.StopTimer()
		c := open(b, cfg)
		b.StartTimer()
		closeCluster(b, c)
	}
}

// BenchmarkJoin opens a server that runs.
func BenchmarkJoin(b *testing.B) {
	cfg := Config{Dir: filepath.Join(baseDir(b), "data")}
	first := open(b, cfg)
	defer closeCluster(b, first)
	for b.Loop() {
		closeCluster(b, open(b, cfg))
	}
}
