package exchange_test

import (
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gnucensus/probe"
	"gnucensus/reports/exchange"
	"gnucensus/storage"
)

const version = "v0.0.0-test"

// contact is whom the crawl of the fixture named as its operator.
const contact = "jane@research.example"

var meta = storage.Meta{
	Network: "gnutella",
	Vantage: "gateway of 203.0.113.77",
	Version: version,
	Configuration: []byte(`{"contact": "` + contact + `", "exclude": "/home/jane/exclude.txt", "rate": 2.5,
		"seeds": ["198.51.100.1:6346", ["[2001:db8:5::9]:7000"]], "queries": ["free jazz"]}`),
}

// key is fixed, so that no address of the fixture stands for another one by chance.
var key = exchange.Key{1, 2, 3, 4, 5}

func endpoint(text string) probe.Endpoint {
	return probe.Endpoint{Network: probe.Gnutella, Addr: netip.MustParseAddrPort(text)}
}

func peers(relation probe.Relation, hosts ...string) []probe.Peer {
	var list []probe.Peer
	for _, h := range hosts {
		list = append(list, probe.Peer{Endpoint: endpoint(h), Relation: relation})
	}
	return list
}

func talk(host string, method probe.Method, outcome probe.Outcome) probe.Observation {
	return probe.Observation{Endpoint: endpoint(host), Method: method, Outcome: outcome, Took: 12345 * time.Microsecond}
}

func ptr[T any](v T) *T { return &v }

// secrets are the texts by which somebody could know a host or a person of the fixture; addresses of the census come on top.
var secrets = []string{
	"203.0.113.77", "192.0.2.200", "192-0-2-201", "010.011.012.013", "2001:db8:5::9", "2001:DB8:77::1", "fe80::aaaa", contact,
	"http://jane.example/", "ff112233", "aabbccddeeff", ":45001", "/home/jane",
}

// census is a small network of hosts that tell more than they should.
func census() []probe.Observation {
	one := talk("198.51.100.1:6346", probe.TCPCrawl, probe.Answered)
	one.Role, one.Agent, one.Uptime = probe.Ultrapeer, "Shareaza 2.7.10.2", ptr(90*time.Minute)
	one.Peers = append(peers(probe.PeerLink, "198.51.100.2:45001", "[2001:db8:5::9]:7000"),
		peers(probe.LeafLink, "198.51.100.11:6346", "198.51.100.12:6347", "198.51.100.13:6348")...)
	two := talk("198.51.100.2:45001", probe.UDPCrawl, probe.Answered)
	two.Role = probe.Ultrapeer
	two.Agent = "Tricky\r\n\"quoted\", <b>&amp;\x1b[31m\u202e;=1+1 (at [2001:DB8:77::1]:45001, 192-0-2-201.example)"
	two.Peers = append(peers(probe.PeerLink, "198.51.100.1:6346"), peers(probe.LeafLink, "198.51.100.13:6348")...)
	three := talk("[2001:db8:5::9]:7000", probe.TCPCrawl, probe.Refused)
	three.Agent, three.Detail = "Spy/10.0.0.66", "503 Busy, try 198.51.100.1:6346 or x010.011.012.013"
	three.Peers = peers(probe.XTry, "198.51.100.2:45001", "192.0.2.30:6346")
	three.Fields = map[string]string{
		"udp-source": "192.0.2.200:45001", "code": "503", "x-note": "fe80::aaaa, \"" + contact + "\"",
	}
	four := talk("192.0.2.30:6346", probe.TCPCrawl, probe.ConnectTimeout)
	four.Detail = "dial tcp 203.0.113.77:45001->192.0.2.30:6346: i/o timeout"
	obs := []probe.Observation{one, two, three, four, talk("192.0.2.30:6346", probe.UDPPing, probe.Silent)}
	for i, host := range []string{"198.51.100.11:6346", "198.51.100.12:6347", "198.51.100.13:6348"} {
		o := talk(host, probe.UDPPing, probe.Answered)
		o.Role, o.Files, o.KiB = probe.LeafRole, ptr(int64(i*i)), ptr(int64(1000*i))
		o.Agent = []string{"LimeWire/5.5.16", "", "Crawler (+http://jane.example/; mailto:" + contact + ")"}[i]
		o.Peers = peers(probe.Ponged, "198.51.100.1:6346")
		obs = append(obs, o)
	}
	asked := talk("198.51.100.1:6346", probe.Query, probe.Answered)
	asked.Query = "free jazz"
	guid := [16]byte{0xff, 0x11, 0x22, 0x33, 4, 5, 6, 7, 8, 9, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	for i, responder := range []string{"198.51.100.12:6347", "10.0.0.66:45001", "198.51.100.13:6348"} {
		asked.Hits = append(asked.Hits, probe.Hit{
			Responder: endpoint(responder), Servent: guid, Delay: time.Duration(i+1) * 98765 * time.Microsecond,
			Hops: uint8(i + 1), Results: 1 + i, Vendor: []string{"LIME", "", "GTKG"}[i],
			Firewalled: []*bool{nil, ptr(true), ptr(false)}[i],
		})
	}
	refused := talk("198.51.100.2:45001", probe.Query, probe.Refused)
	passed := talk("192.0.2.99:6346", probe.PassedOver, probe.OutOfScope)
	return append(obs, asked, refused, passed)
}

// record stores the fixture and returns its number.
func record(t testing.TB, db *storage.DB, obs []probe.Observation) int64 {
	t.Helper()
	s, err := db.Begin(t.Context(), meta)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range obs {
		obs[i].Started = time.Date(2026, 1, 2, 3, 4, 5, i*1000, time.UTC)
	}
	if err := s.Hear(t.Context(), []probe.Endpoint{endpoint("192.0.2.99:6346")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(t.Context(), obs); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	return s.ID()
}

// export exports, which must succeed, and returns the path.
func export(t testing.TB, db *storage.DB, r exchange.Request) string {
	t.Helper()
	r.Version = version
	if err := exchange.Export(t.Context(), db, r); err != nil {
		t.Fatal(err)
	}
	return r.Path
}

// contents reads all files below a path, by their path from there.
func contents(t testing.TB, path string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		files[strings.TrimPrefix(name, path+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// unpacked is a file as a person would read it.
func unpacked(t testing.TB, text string) string {
	t.Helper()
	r, err := exchange.Unpack(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
