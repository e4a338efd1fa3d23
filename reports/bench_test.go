package reports_test

import (
	"io"
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"gnucensus/probe"
	"gnucensus/reports"
	"gnucensus/reports/page"
	"gnucensus/storage"
)

// The network of the benchmark: as many links are told as a large crawl hears of, each by one end.
const (
	meshHosts   = 1_000_000
	meshLinks   = 15 // that each host tells
	meshQueries = 1_000
)

// BenchmarkMillion reports on a mesh of 1 million hosts and 15 million links. It reports the seconds that each report takes
// the first time after the hosts are kept, those that keeping them takes, which the first report on a snapshot does, and those
// that the page takes, the first time and when all is kept.
func BenchmarkMillion(b *testing.B) {
	db := database(b)
	snapshot := recordMesh(b, db)
	timed := func(name string, f func() error) {
		begin := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(begin).Seconds(), "s-"+name)
	}
	for b.Loop() {
		timed("keep", func() error { return reports.Keep(b.Context(), db, snapshot, version) })
		for _, name := range []string{
			"sharing", "freeriders", "families", "responders", "latency", "agents", "abilities", "outcomes", "reachability",
		} {
			timed(name, func() error {
				_, err := reports.Run(b.Context(), db, name, snapshot, version)
				return err
			})
		}
		for _, name := range []string{"first-page", "page"} {
			timed(name, func() error { return page.Write(b.Context(), db, snapshot, version, io.Discard) })
		}
	}
}

func meshEndpoint(host int32) probe.Endpoint {
	addr := netip.AddrFrom4([4]byte{20, byte(host >> 16), byte(host >> 8), byte(host)})
	return probe.Endpoint{Network: probe.Gnutella, Addr: netip.AddrPortFrom(addr, 6346)}
}

// recordMesh stores the mesh: each host tells links to others at random, four of five what they share, one of eight that it is
// an ultrapeer; few servents give most of the answers.
func recordMesh(b *testing.B, db *storage.DB) int64 {
	b.Helper()
	s, err := db.Begin(b.Context(), meta)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	random := rand.New(rand.NewPCG(1, 2))
	var batch []probe.Observation
	store := func() {
		if err := s.Record(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		batch = batch[:0]
	}
	for host := range int32(meshHosts) {
		batch = append(batch, meshHost(random, host)...)
		if len(batch) > 2000 {
			store()
		}
	}
	for query := range meshQueries {
		batch = append(batch, meshQuery(random, query))
	}
	store()
	if err := s.Finish(b.Context(), true); err != nil {
		b.Fatal(err)
	}
	return s.ID()
}

// meshHost is how a host answers a crawl handshake and a PING.
func meshHost(random *rand.Rand, host int32) []probe.Observation {
	crawl := probe.Observation{Endpoint: meshEndpoint(host), Method: probe.TCPCrawl, Outcome: probe.Answered, Started: begun}
	crawl.Agent = "LimeWire/5." + strconv.Itoa(random.IntN(6)) + "." + strconv.Itoa(random.IntN(40))
	crawl.Role = probe.LeafRole
	if random.IntN(8) == 0 {
		crawl.Role = probe.Ultrapeer
	}
	for range meshLinks {
		to := meshEndpoint(random.Int32N(meshHosts))
		crawl.Peers = append(crawl.Peers, probe.Peer{Endpoint: to, Relation: probe.PeerLink})
	}
	ping := probe.Observation{Endpoint: meshEndpoint(host), Method: probe.UDPPing, Outcome: probe.Silent, Started: begun}
	if random.IntN(5) > 0 {
		files := int64(min(random.IntN(4), 1)) * int64(1/(random.Float64()+1e-6))
		kib := 4000 * files
		ping.Outcome, ping.Role, ping.Files, ping.KiB = probe.Answered, crawl.Role, &files, &kib
	}
	return []probe.Observation{crawl, ping}
}

func meshQuery(random *rand.Rand, query int) probe.Observation {
	o := probe.Observation{
		Endpoint: meshEndpoint(random.Int32N(meshHosts)), Method: probe.Query, Outcome: probe.Answered, Started: begun,
		Query: "words " + strconv.Itoa(query%20),
	}
	for range 200 {
		host := int32(math.Pow(meshHosts-1, random.Float64()))
		o.Hits = append(o.Hits, probe.Hit{
			Responder: meshEndpoint(host), Servent: [16]byte{byte(host >> 16), byte(host >> 8), byte(host)},
			Delay: time.Duration(random.IntN(5000)) * time.Millisecond, Hops: uint8(1 + random.IntN(4)), Results: 2,
		})
	}
	return o
}
