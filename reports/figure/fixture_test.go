package figure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"gnucensus/probe"
	"gnucensus/storage"
)

var meta = storage.Meta{Network: "gnutella", Vantage: "test", Version: "v0.0.0-test"}

// hostile is software whose name would colour a terminal, turn the order of reading and break out of a page.
const hostile = "Evil\x1b[31m\u202e</text><script>alert(1)</script>\u4e2d\x00\xff\u200b&\"/6.6"

func endpoint(host int) probe.Endpoint {
	addr := netip.AddrFrom4([4]byte{127, byte(100 + host>>16), byte(host >> 8), byte(host)})
	return probe.Endpoint{Network: probe.Gnutella, Addr: netip.AddrPortFrom(addr, 6346)}
}

// begun is when every crawl of these tests began.
var begun = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func talk(host int, method probe.Method, outcome probe.Outcome) probe.Observation {
	took := 30 * time.Millisecond
	return probe.Observation{Endpoint: endpoint(host), Method: method, Outcome: outcome, Started: begun, Took: took}
}

// census is a network of two levels that looks like one: ultrapeers hold 10 to 32 links to each other and up to 32 leaves,
// leaves hold 1 to 3 to ultrapeers; a third share nothing, the rest amounts that differ by orders of magnitude.
func census(seed uint64, ultrapeers, leaves, queries int) []probe.Observation {
	random := rand.New(rand.NewPCG(seed, 0))
	agents := []string{"LimeWire/5.5.16", "gtk-gnutella/1.2.3", "Shareaza/2.7.10.2", "BearShare 5.2.1", "FrostWire/4.21.8", hostile}
	told := make([]probe.Observation, ultrapeers)
	for i := range told {
		told[i] = talk(i+1, probe.TCPCrawl, probe.Answered)
		told[i].Role, told[i].Agent = probe.Ultrapeer, agents[min(random.IntN(7)*random.IntN(3), 5)]
		for range 5 + random.IntN(12) {
			peer := endpoint(1 + random.IntN(ultrapeers))
			told[i].Peers = append(told[i].Peers, probe.Peer{Endpoint: peer, Relation: probe.PeerLink})
		}
		if random.IntN(8) == 0 {
			told[i].Outcome, told[i].Peers, told[i].Detail = probe.Refused, nil, "503 Full"
		}
	}
	obs := make([]probe.Observation, 0, ultrapeers+leaves*2)
	for i := range leaves {
		leaf := endpoint(ultrapeers + i + 1)
		for range 1 + random.IntN(3) {
			parent := int(float64(ultrapeers) * math.Pow(random.Float64(), 1.5))
			if told[parent].Outcome == probe.Answered {
				told[parent].Peers = append(told[parent].Peers, probe.Peer{Endpoint: leaf, Relation: probe.LeafLink})
			}
		}
		o := talk(ultrapeers+i+1, probe.Leaf, []probe.Outcome{
			probe.Answered, probe.Answered, probe.Answered, probe.ConnectTimeout, probe.ConnectionRefused, probe.Closed,
		}[random.IntN(6)])
		if o.Outcome == probe.Answered {
			o.Role, o.Agent = probe.LeafRole, agents[min(random.IntN(7)*random.IntN(3), 5)]
			files := int64(math.Exp(random.NormFloat64()*2+3)) * int64(min(random.IntN(3), 1))
			kib := files * int64(2000+random.IntN(6000))
			o.Files, o.KiB = &files, &kib
		}
		if random.IntN(10) > 0 {
			obs = append(obs, o)
		}
	}
	obs = append(obs, told...)
	for i := range queries {
		o := talk(1+random.IntN(ultrapeers), probe.Query, probe.Answered)
		o.Query = fmt.Sprintf("words %d", i)
		for range random.IntN(4) * random.IntN(30) {
			hops, host := 1+random.IntN(4), 1+int(float64(ultrapeers+leaves)*math.Pow(random.Float64(), 3))
			o.Hits = append(o.Hits, probe.Hit{
				Responder: endpoint(host), Servent: [16]byte{byte(host), byte(host >> 8)}, Hops: uint8(hops), Results: 1 + random.IntN(9),
				Delay: time.Duration(float64(hops)*math.Exp(random.NormFloat64()*0.7+5)) * time.Millisecond,
			})
		}
		obs = append(obs, o)
	}
	return obs
}

// record stores a snapshot and returns its number.
func record(t testing.TB, db *storage.DB, obs ...probe.Observation) int64 {
	t.Helper()
	s, err := db.Begin(t.Context(), meta)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Record(t.Context(), obs); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	return s.ID()
}
