package message

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func crawlerPong(t *testing.T, name string) *CrawlerPong {
	t.Helper()
	p, err := ParseCrawlerPong(body[*Vendor](t, name))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReadCrawlerPing(t *testing.T) {
	t.Parallel()
	p, err := ParseCrawlerPing(body[*Vendor](t, "UDP crawler ping, features 19"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "ping", *p, CrawlerPing{Ultrapeers: 255, Leaves: 255, Features: FeatureMinutes | FeatureAgents | FeatureUptime})
	equal(t, "message", p.Vendor(), body[*Vendor](t, "UDP crawler ping, features 19"))
}

// TestReadCrawlerPong reads what gtk-gnutella and LimeWire sent.
func TestReadCrawlerPong(t *testing.T) {
	t.Parallel()
	p := crawlerPong(t, "UDP crawler ping, features 09: VENDOR from gtk-gnutella")
	equal(t, "pong of gtk-gnutella", *p, CrawlerPong{
		Features:   FeatureMinutes | FeatureAgents,
		Ultrapeers: []CrawlerEntry{{Addr: addr("127.0.0.14:6346")}},
		Leaves:     []CrawlerEntry{{Addr: addr("127.0.0.13:6346")}, {Addr: addr("127.0.0.12:6346"), Minutes: 1}},
		Tail:       p.Tail,
	})
	const agent = "gtk-gnutella/1.2.3-14-ga331a-dirty (2024-03-03; Topless; Linux x86_64)"
	entries, own, err := p.Agents()
	if err != nil || own != agent || !slices.Equal(entries, []string{agent, agent, agent}) {
		t.Errorf("agents %q, own %q, %v", entries, own, err)
	}
}

// TestReadLimeWire reads the pong of LimeWire to each request for agents.
func TestReadLimeWire(t *testing.T) {
	t.Parallel()
	const agent = "LimeWire/5.5.16"
	seen := 0
	for _, v := range allVectors(t) {
		if v.Name != "UDP crawler pings: VENDOR from LimeWire" {
			continue
		}
		m, err := ParseDatagram(v.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParseCrawlerPong(m.Body.(*Vendor))
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Ultrapeers) == 0 || p.Ultrapeers[0].Addr != addr("127.0.3.2:6347") || len(p.Ultrapeers)+len(p.Leaves) != 2 {
			t.Errorf("features %#x: %+v", p.Features, p)
		}
		entries, own, err := p.Agents()
		if agent, _ := p.Agent(); agent != own {
			t.Errorf("agent %q, the last of all is %q", agent, own)
		}
		if p.Features&FeatureAgents == 0 {
			if own != "" || err != nil || !slices.Equal(entries, []string{"", ""}) {
				t.Errorf("agents without their feature: %q, %q, %v", entries, own, err)
			}
			continue
		}
		seen++
		if err != nil || own != agent || !slices.Equal(entries, []string{agent, agent}) {
			t.Errorf("features %#x: agents %q, own %q, %v", p.Features, entries, own, err)
		}
	}
	if seen == 0 {
		t.Error("no agents seen")
	}
}

func TestCrawlerPongFeatures(t *testing.T) {
	t.Parallel()
	p := crawlerPong(t, "UDP crawler pong with all features but agents")
	equal(t, "pong", *p, CrawlerPong{
		Features: FeatureMinutes | FeatureLocale | FeatureUptime | FeatureReplies | FeatureDHT,
		Uptime:   time.Minute,
		DHT:      CrawlerDHTActive,
		Ultrapeers: []CrawlerEntry{{
			Addr: addr("198.51.100.9:6346"), Minutes: 75, Locale: [2]byte{'e', 'n'}, Replies: 5,
		}},
		Leaves: []CrawlerEntry{{Addr: addr("192.0.2.55:20000"), Minutes: 3, Locale: [2]byte{'d', 'e'}}},
	})
}

// TestAbsentAgents reads a pong that has their feature but not them.
func TestAbsentAgents(t *testing.T) {
	t.Parallel()
	p := crawlerPong(t, "UDP crawler pong with minutes and uptime, agents left out though their feature is set")
	p.Features |= FeatureAgents
	entries, own, err := p.Agents()
	if err != nil || own != "" || !slices.Equal(entries, []string{"", ""}) {
		t.Errorf("agents %q, own %q, %v", entries, own, err)
	}
}

func TestCrawlerOther(t *testing.T) {
	t.Parallel()
	hops := body[*Vendor](t, "hops flow 3")
	if _, err := ParseCrawlerPing(hops); !errors.Is(err, ErrOther) {
		t.Errorf("ping: %v", err)
	}
	if _, err := ParseCrawlerPong(hops); !errors.Is(err, ErrOther) {
		t.Errorf("pong: %v", err)
	}
	_, err := ParseCrawlerPing(&Vendor{Vendor: LIME, Selector: 5, Body: []byte{1}})
	var e *Error
	if !errors.As(err, &e) || e.Offset != vendorHead+1 || !errors.Is(err, ErrTruncated) {
		t.Errorf("cut ping: %v", err)
	}
}

// TestCrawlerFalseCounts checks that a pong makes no room for entries that it has no bytes for.
func TestCrawlerFalseCounts(t *testing.T) {
	v := &Vendor{Vendor: LIME, Selector: 6, Body: []byte{255, 255, 0, 1, 2, 3}}
	var err error
	if n := allocated(func() { _, err = ParseCrawlerPong(v) }); n > 4<<10 || !errors.Is(err, ErrTruncated) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestCrawlerPongCut(t *testing.T) {
	t.Parallel()
	many := slices.Repeat([]CrawlerEntry{{Addr: addr("192.0.2.1:6346")}}, 300)
	p, err := ParseCrawlerPong((&CrawlerPong{Ultrapeers: many, Leaves: many[:2]}).Vendor())
	if err != nil || len(p.Ultrapeers) != 255 || len(p.Leaves) != 2 || len(p.Tail) != 0 {
		t.Errorf("%d ultrapeers, %d leaves, %d bytes left, %v", len(p.Ultrapeers), len(p.Leaves), len(p.Tail), err)
	}
}

// agentsOf reads a tail as the agents of n entries.
func agentsOf(n int, tail []byte) ([]string, string, error) {
	p := &CrawlerPong{Features: FeatureAgents, Leaves: make([]CrawlerEntry, n), Tail: tail}
	return p.Agents()
}

// TestAgents packs agents in both ways and reads them.
func TestAgents(t *testing.T) {
	t.Parallel()
	for _, packing := range []Packing{PackLime, PackGTKG} {
		for _, want := range [][]string{
			{"LimeWire/4.18.8", "gtk-gnutella/1.2.2", "Shareaza", "self/1"},
			{"with; semicolon (a; b)", "", "", "x"},
			{"own only"},
			{`middle\backslash`, "own"},
		} {
			n := len(want) - 1
			entries, own, err := agentsOf(n, PackAgents(packing, want[:n], want[n]))
			if err != nil || own != want[n] || !slices.Equal(entries, want[:n]) {
				t.Errorf("packing %d: %q, %q, %v, want %q", packing, entries, own, err, want)
			}
		}
	}
	// Only gtk-gnutella escapes the backslash, so only there it can end a name.
	entries, own, err := agentsOf(1, PackAgents(PackGTKG, []string{`ends in\`}, `\;\`))
	if err != nil || own != `\;\` || entries[0] != `ends in\` {
		t.Errorf("backslashes: %q, %q, %v", entries, own, err)
	}
}

// TestAgentsTrimmed reads lists that are shorter and longer than the entries.
func TestAgentsTrimmed(t *testing.T) {
	t.Parallel()
	tail := PackAgents(PackGTKG, []string{"a", "b"}, "own")
	for n, want := range map[int][]string{0: {}, 1: {"a"}, 2: {"a", "b"}, 4: {"a", "b", "", ""}} {
		entries, own, err := agentsOf(n, tail)
		if err != nil || own != "own" || !slices.Equal(entries, want) {
			t.Errorf("%d entries: %q, %q, %v", n, entries, own, err)
		}
	}
}

func TestAgentsMalformed(t *testing.T) {
	t.Parallel()
	lime, gtkg := PackAgents(PackLime, nil, "own"), PackAgents(PackGTKG, nil, "own")
	short := []byte{0xff, 0xff, 0x1f, 0x8b}
	// A gzip stream of nothing.
	empty := []byte{20, 0, 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	largest := PackAgents(PackGTKG, nil, strings.Repeat("a", maxAgents))
	for name, c := range map[string]struct {
		tail []byte
		want error
	}{
		"no stream":         {[]byte("LimeWire"), ErrMalformed},
		"one byte":          {[]byte{7}, ErrMalformed},
		"length too long":   {short, ErrTruncated},
		"gzip cut off":      {append([]byte{12, 0}, lime[2:14]...), ErrMalformed},
		"zlib cut off":      {gtkg[:len(gtkg)-6], ErrMalformed},
		"no gzip header":    {[]byte{4, 0, 0x1f, 0x8b, 0, 0}, ErrMalformed},
		"largest text":      {largest, nil},
		"text with no size": {empty, ErrTruncated},
	} {
		if _, _, err := agentsOf(1, c.tail); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := PackAgents(PackLime, nil, strings.Repeat("a", maxAgents+1)); got != nil {
		t.Errorf("too long to be packed: %d bytes", len(got))
	}
}

// FuzzAgents packs any agents in both ways and reads them, and reads anything as agents.
func FuzzAgents(f *testing.F) {
	for _, packing := range []Packing{PackLime, PackGTKG} {
		f.Add("LimeWire/5.5.16", `gtk-gnutella/1.2.3 (a; b) \`, PackAgents(packing, []string{"a", "b;"}, `c\`))
	}
	f.Fuzz(func(t *testing.T, agent, own string, tail []byte) {
		if entries, _, _ := agentsOf(3, tail); len(entries) != 3 {
			t.Fatalf("%d agents for 3 entries", len(entries))
		}
		packed := PackAgents(PackGTKG, []string{agent}, own)
		if packed == nil {
			return
		}
		entries, gotOwn, err := agentsOf(1, packed)
		if err != nil || entries[0] != agent || gotOwn != own {
			t.Fatalf("%q, %q, %v", entries, gotOwn, err)
		}
		if strings.Contains(agent+own, `\`) {
			return // LimeWire's packing cannot tell it from an escape
		}
		entries, gotOwn, err = agentsOf(1, PackAgents(PackLime, []string{agent}, own))
		if err != nil || entries[0] != agent || gotOwn != own {
			t.Fatalf("%q, %q, %v", entries, gotOwn, err)
		}
	})
}

// TestCrawlerPongRandom writes pongs with random features and reads them.
func TestCrawlerPongRandom(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	entries := func(features CrawlerFeatures) []CrawlerEntry {
		list := make([]CrawlerEntry, random.IntN(5))
		for i := range list {
			list[i].Addr = addr(fmt.Sprintf("192.0.2.%d:%d", random.IntN(256), random.IntN(65536)))
			if features&FeatureMinutes != 0 {
				list[i].Minutes = uint16(random.Uint32())
			}
			if features&FeatureLocale != 0 {
				list[i].Locale = [2]byte{'e', 'n'}
			}
			if features&FeatureReplies != 0 {
				list[i].Replies = random.Uint32()
			}
		}
		return list
	}
	for range 200 {
		want := CrawlerPong{Features: CrawlerFeatures(random.UintN(128))}
		want.Ultrapeers, want.Leaves = entries(want.Features), entries(want.Features)
		if want.Features&FeatureUptime != 0 {
			want.Uptime = time.Duration(random.Uint32()) * time.Second
		}
		if want.Features&FeatureDHT != 0 {
			want.DHT = CrawlerDHTPassive
		}
		got, err := ParseCrawlerPong(want.Vendor())
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "pong", *got, want)
	}
}
