package storage_test

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"gnucensus/probe"
	"gnucensus/storage/storagetest"
)

// BenchmarkRecord stores batches of 200 observations with 60 neighbours each, out of a network of a million hosts. It reports
// observations per second, and the memory and disk that one host that was heard of takes.
func BenchmarkRecord(b *testing.B) {
	const batch, neighbours, hosts = 200, 60, 1_000_000
	db := storagetest.New(b)
	s := begin(b, db)
	random := rand.New(rand.NewPCG(1, 2))
	before := heap()
	observations := 0
	for b.Loop() {
		obs := make([]probe.Observation, batch)
		for i := range obs {
			obs[i] = talk(host(random.IntN(hosts)), probe.TCPCrawl, probe.Answered)
			obs[i].Agent, obs[i].Role, obs[i].Files = "gtk-gnutella/1.2.3", probe.Ultrapeer, ptr(int64(10))
			for range neighbours {
				obs[i] = naming(obs[i], probe.LeafLink, host(random.IntN(hosts)))
			}
		}
		record(b, s, obs...)
		observations += batch
	}
	b.ReportMetric(float64(observations)/b.Elapsed().Seconds(), "observations/s")
	memory := heap() - before
	size := selectRows(b, db, "SELECT pg_database_size(current_database()), (SELECT count(*) FROM endpoint)")
	disk, heard := size[0][0].(int64), size[0][1].(int64)
	b.ReportMetric(float64(memory)/float64(heard), "heap-B/host")
	b.ReportMetric(float64(disk)/float64(heard), "disk-B/host")
	runtime.KeepAlive(s)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
