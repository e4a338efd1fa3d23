package reports_test

import (
	"net/netip"
	"testing"
	"time"

	"gnucensus/probe"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// version is that of the code, as far as these tests are concerned.
const version = "v0.0.0-test"

var meta = storage.Meta{Network: "gnutella", Vantage: "test", Version: version}

// hostile is software whose name would colour a terminal, turn the order of reading, break out of a cell and of a page, and
// load an image from elsewhere.
const hostile = "Evil\x1b[31m\u202e|<script>alert(1)</script>![x](http://example.net/x)\x00\xff\r\n\u200b/6.6.6"

func endpoint(host byte) probe.Endpoint {
	addr := netip.AddrFrom4([4]byte{127, 77, 0, host})
	return probe.Endpoint{Network: probe.Gnutella, Addr: netip.AddrPortFrom(addr, 6346)}
}

func peers(relation probe.Relation, hosts ...byte) []probe.Peer {
	var list []probe.Peer
	for _, h := range hosts {
		list = append(list, probe.Peer{Endpoint: endpoint(h), Relation: relation})
	}
	return list
}

// begun is when the crawl of the fixture began; each observation is a second after the one before.
var begun = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func talk(host byte, method probe.Method, outcome probe.Outcome, took time.Duration) probe.Observation {
	return probe.Observation{Endpoint: endpoint(host), Method: method, Outcome: outcome, Started: begun, Took: took}
}

func shares(host byte, files, kib int64) probe.Observation {
	o := talk(host, probe.UDPPing, probe.Answered, 30*time.Millisecond)
	o.Files, o.KiB = &files, &kib
	return o
}

// census is a small network: ultrapeers 1 to 4, of which 3 refuses, and 4 was only heard of; leaves 11 to 17, of which 16 is
// dead and 17 was only heard of; 30 is a rumour that nobody met.
func census() []probe.Observation {
	one := talk(1, probe.TCPCrawl, probe.Answered, 12*time.Millisecond)
	one.Role, one.Agent = probe.Ultrapeer, "gtk-gnutella/1.2.3 (2024-03-20; GTK2; Linux x86_64)"
	one.Peers = append(peers(probe.PeerLink, 2, 3, 4), peers(probe.LeafLink, 11, 12, 13, 17)...)
	two := talk(2, probe.TCPCrawl, probe.Answered, 20*time.Millisecond)
	two.Role, two.Agent = probe.Ultrapeer, "LimeWire/5.5.16"
	two.Peers = append(peers(probe.PeerLink, 1, 4), peers(probe.LeafLink, 13, 14, 15, 16)...)
	three := talk(3, probe.TCPCrawl, probe.Refused, 8*time.Millisecond)
	three.Detail, three.Agent = "503 Too many connections", hostile
	three.Peers = peers(probe.XTry, 1, 30)
	obs := []probe.Observation{one, two, three, shares(1, 40, 8), shares(2, 3, 4096)}

	for i, files := range []int64{0, 0, 250, 7, 0} {
		host := byte(11 + i)
		o := talk(host, probe.Leaf, probe.Answered, time.Duration(i+1)*10*time.Millisecond)
		o.Role = probe.LeafRole
		o.Agent = []string{"LimeWire/5.5.10", "LimeWire/4.18.8", "BearShare 5.2.1", "Shareaza/2.7.10.2", "nameless"}[i]
		o.Fields = shaken[i]
		pong := shares(host, files, files*1000)
		pong.Fields = ponged[i]
		obs = append(obs, o, pong)
	}
	return append(obs,
		talk(16, probe.TCPCrawl, probe.ConnectTimeout, 5*time.Second),
		talk(16, probe.UDPPing, probe.Silent, 2*time.Second),
		ask(1, "linux iso", hit(13, 120*time.Millisecond, 2), hit(14, 900*time.Millisecond, 3), hit(99, 1500*time.Millisecond, 3)),
		ask(2, "linux iso", hit(13, 80*time.Millisecond, 1)),
		ask(2, "free jazz"),
		probe.Observation{Endpoint: endpoint(3), Method: probe.Query, Outcome: probe.Refused, Started: begun, Query: "free jazz"},
	)
}

// shaken and ponged are what leaves 11 to 15 tell of their abilities in a handshake and in a PONG.
var (
	shaken = [5]map[string]string{
		{"accept-encoding": "deflate", "ggep": "0.5", "vendor-message": "0.2", "x-query-routing": "0.1", "x-guess": "0.1"},
		{"accept-encoding": "gzip, deflate", "ggep": "0.5", "x-features": "tls/1.0, browse/1.0, IP/6.0"},
		{"accept-encoding": "identity", "bye-packet": "0.1", "pong-caching": "0.1", "upgrade": "TLS/1.0"},
		{"x-dynamic-querying": "0.1", "x-ultrapeer-query-routing": "0.1"},
	}
	ponged = [5]map[string]string{
		{"pong-ggep": "DHT DU", "dht": "inactive"}, {"pong-ggep": "VC 6 DHT", "dht": "passive leaf"}, {},
		{"pong-ggep": "VC IPP6 TLS", "tls": "true", "guess": "02"},
	}
)

func ask(host byte, words string, hits ...probe.Hit) probe.Observation {
	o := talk(host, probe.Query, probe.Answered, 3*time.Second)
	o.Query, o.Hits = words, hits
	return o
}

func hit(responder byte, delay time.Duration, hops uint8) probe.Hit {
	return probe.Hit{Responder: endpoint(responder), Servent: [16]byte{15: responder}, Delay: delay, Hops: hops, Results: 2}
}

// record stores a snapshot and returns its number.
func record(t testing.TB, db *storage.DB, complete bool, obs ...probe.Observation) int64 {
	t.Helper()
	s, err := db.Begin(t.Context(), meta)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range obs {
		obs[i].Started = begun.Add(time.Duration(i) * time.Second)
	}
	if err := s.Record(t.Context(), obs); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(t.Context(), complete); err != nil {
		t.Fatal(err)
	}
	return s.ID()
}

func database(t testing.TB) *storage.DB {
	t.Helper()
	return storagetest.New(t)
}
