package storage_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"gnucensus/probe"
	"gnucensus/storage/storagetest"
)

// BenchmarkRecord stores batches of 200 observations with 60 neighbours each, out of a network of a million hosts. It reports
// observations per second, and the memory and disk that one host that was heard of takes.
func BenchmarkRecord(b *testing.B) {
	const batch, neighbours, hosts = 200, 60, 1_000_000
	db := storagetest.New(b)
	s, err := db.Begin(b.Context(), meta)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	random := rand.New(rand.NewPCG(1, 2))
	before := heap()
	observations := 0
	for b.Loop() {
		obs := make([]probe.Observation, batch)
		for i := range obs {
			obs[i] = answered(host(random.IntN(hosts)))
			for range neighbours {
				obs[i].Peers = append(obs[i].Peers, probe.Peer{Endpoint: host(random.IntN(hosts)), Relation: probe.LeafLink})
			}
		}
		if err := s.Record(b.Context(), obs); err != nil {
			b.Fatal(err)
		}
		observations += batch
	}
	b.ReportMetric(float64(observations)/b.Elapsed().Seconds(), "observations/s")
	memory := heap() - before
	size, err := db.Select(b.Context(), "SELECT pg_database_size(current_database()), (SELECT count(*) FROM endpoint)")
	if err != nil {
		b.Fatal(err)
	}
	disk, heard := size.Values[0][0].(int64), size.Values[0][1].(int64)
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

// host is the n-th host of a made-up network.
func host(n int) probe.Endpoint {
	var ip [4]byte
	binary.BigEndian.PutUint32(ip[:], 0x0b000000+uint32(n))
	return probe.Endpoint{Network: probe.Gnutella, Addr: netip.AddrPortFrom(netip.AddrFrom4(ip), 6346)}
}

// answered is a conversation in which the host told about itself.
func answered(e probe.Endpoint) probe.Observation {
	files, kib, up := int64(10), int64(4096), time.Hour
	return probe.Observation{
		Endpoint: e, Method: probe.TCPCrawl, Started: time.Unix(1_800_000_000, 0), Took: 20 * time.Millisecond,
		Outcome: probe.Answered, Agent: "gtk-gnutella/1.2.3", Role: probe.Ultrapeer, Files: &files, KiB: &kib, Uptime: &up,
	}
}
