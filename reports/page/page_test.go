package page_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gnucensus/probe"
	"gnucensus/reports"
	"gnucensus/reports/page"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

const version = "v0.0.0-test"

// hostile is software whose name would run in a page, colour a terminal, turn the order of reading and break a table.
const hostile = "Evil\x1b[31m\u202e|<script>alert(1)</script><img src=http://example.net/x onerror=alert(1)>\"'&\x00/6.6"

func endpoint(host int) probe.Endpoint {
	addr := netip.AddrFrom4([4]byte{127, 78, byte(host >> 8), byte(host)})
	return probe.Endpoint{Network: probe.Gnutella, Addr: netip.AddrPortFrom(addr, 6346)}
}

// record makes a snapshot of the observations.
func record(t *testing.T, db *storage.DB, obs []probe.Observation) int64 {
	t.Helper()
	s, err := db.Begin(t.Context(), storage.Meta{Network: "gnutella", Vantage: "<b>test</b>", Version: version})
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

// small is a ring of ultrapeers with a leaf each, which names hostile software, and a query.
func small() []probe.Observation {
	const ultrapeers = 40
	begun := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var obs []probe.Observation
	for i := range ultrapeers {
		files, kib := int64(i*i), int64(i*i*5001)
		obs = append(obs, probe.Observation{
			Endpoint: endpoint(i), Method: probe.TCPCrawl, Outcome: probe.Answered, Started: begun, Took: time.Millisecond,
			Role: probe.Ultrapeer, Agent: fmt.Sprintf("LimeWire/5.%d", i%3),
			Peers: []probe.Peer{
				{Endpoint: endpoint((i + 1) % ultrapeers), Relation: probe.PeerLink},
				{Endpoint: endpoint(1000 + i), Relation: probe.LeafLink},
			},
		}, probe.Observation{
			Endpoint: endpoint(1000 + i), Method: probe.UDPPing, Outcome: probe.Answered, Started: begun, Took: time.Millisecond,
			Role: probe.LeafRole, Agent: hostile, Files: &files, KiB: &kib,
		})
	}
	return append(obs, probe.Observation{
		Endpoint: endpoint(0), Method: probe.Query, Outcome: probe.Answered, Started: begun, Took: time.Second, Query: "linux iso",
		Hits: []probe.Hit{{Responder: endpoint(1001), Delay: 50 * time.Millisecond, Hops: 2, Results: 3, Vendor: "LIME"}},
	})
}

// census is the page of the small network.
func census(t *testing.T) []byte {
	t.Helper()
	db := storagetest.New(t)
	return write(t, db, record(t, db, small()))
}

func write(t *testing.T, db *storage.DB, snapshot int64) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := page.Write(t.Context(), db, snapshot, version, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPage(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, small())
	first := write(t, db, id)
	if !bytes.Equal(first, write(t, db, id)) {
		t.Error("the same snapshot gives another page")
	}
	text := string(first)
	for _, info := range reports.List() {
		if info.Name != "summary" && !strings.Contains(text, `<section id="`+info.Name+`">`) {
			t.Errorf("report %s is not on the page", info.Name)
		}
	}
	for _, want := range []string{"Evil", "&lt;script&gt;", "&lt;b&gt;test&lt;/b&gt;", "data:image/svg"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not hold %q", want)
		}
	}
	for _, not := range []string{"<script", "<img src=http", "\x1b", "\u202e", "ZgotmplZ", "NaN", "<no value>"} {
		if strings.Contains(text, not) {
			t.Errorf("the page holds %q", not)
		}
	}
}

// What a page folds away is there all the same, and nobody needs the database for it.
func TestPageHoldsAllRows(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	obs := small()
	for i := range 120 {
		o := probe.Observation{Endpoint: endpoint(2000 + i), Method: probe.Leaf, Outcome: probe.Answered, Role: probe.LeafRole}
		o.Agent = fmt.Sprintf("Rare%d/1.0", i)
		obs = append(obs, o)
	}
	text := string(write(t, db, record(t, db, obs)))
	_, agents, _ := strings.Cut(text, `<section id="agents">`)
	agents, _, _ = strings.Cut(agents, "</section>")
	shown, folded, isFolded := strings.Cut(agents, "<details>")
	if !isFolded || !strings.Contains(folded, "Further rows: 146") || strings.Count(shown, "<tr>") != 101 ||
		strings.Count(folded, "<th ") != strings.Count(shown, "<th ") {
		t.Errorf("rows are not folded after a hundred:\n%s", agents)
	}
	for i := range 120 {
		if row := fmt.Sprintf("<td>Rare%d</td>", i); strings.Count(agents, row) != 2 { // all versions, and 1.0
			t.Errorf("the page has %d rows %s", strings.Count(agents, row), row)
		}
	}
	if strings.Contains(text, "--format") {
		t.Error("the page sends its reader to the command line")
	}
}

// The page shows the summary as cards: what is told of it must not speak of columns.
func TestNotesOfTheCards(t *testing.T) {
	t.Parallel()
	_, cards, _ := strings.Cut(string(census(t)), `<section id="headlines"`)
	cards, _, _ = strings.Cut(cards, "</section>")
	for _, word := range []string{"column", "low and high", "least and most"} {
		if strings.Contains(cards, word) {
			t.Errorf("the cards are told of by %q:\n%s", word, cards)
		}
	}
}

// Whatever there is not, the page says so.
func TestPageOfNearlyNothing(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	for name, obs := range map[string][]probe.Observation{
		"nothing":          nil,
		"one silent host":  {{Endpoint: endpoint(1), Method: probe.UDPPing, Outcome: probe.Silent}},
		"an ultrapeer":     {{Endpoint: endpoint(1), Method: probe.TCPCrawl, Outcome: probe.Answered, Role: probe.Ultrapeer}},
		"out of scope all": {{Endpoint: endpoint(1), Method: probe.TCPCrawl, Outcome: probe.OutOfScope}},
	} {
		t.Run(name, func(t *testing.T) {
			text := string(write(t, db, record(t, db, obs)))
			if strings.Contains(text, "NaN") || !strings.Contains(text, "not known") {
				t.Errorf("the page does not say what is not known")
			}
		})
	}
}

func TestPageOfNoSnapshot(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	err := page.Write(t.Context(), storagetest.New(t), 17, version, &b)
	if !errors.Is(err, storage.ErrNoSnapshot) || b.Len() > 0 {
		t.Errorf("got %v and %d bytes", err, b.Len())
	}
}
