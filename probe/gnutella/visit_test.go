package gnutella

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"gnucensus/crawler/pace"
	"gnucensus/probe"
	"gnucensus/servent/handshake"
	"gnucensus/servent/message"

	"github.com/google/go-cmp/cmp"
)

func host(t *testing.T, addr string) netip.AddrPort {
	t.Helper()
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestConfigIsValidated(t *testing.T) {
	good := Config{Net: &open{}, Agent: "x/1"}
	if _, err := New(good); err != nil {
		t.Errorf("a good configuration: %v", err)
	}
	for name, change := range map[string]func(*Config){
		"no network":     func(c *Config) { c.Net = nil },
		"no agent":       func(c *Config) { c.Agent = "" },
		"negative time":  func(c *Config) { c.PingWait = -1 },
		"unknown method": func(c *Config) { c.Methods = []probe.Method{"browse"} },
		"not for visits": func(c *Config) { c.Methods = []probe.Method{probe.Query} },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Hosts at documentation addresses, which nobody sends to.
var (
	four = netip.MustParseAddrPort("192.0.2.99:6346")
	six  = netip.MustParseAddrPort("[2001:db8::99]:6346")
)

// A whole visit: all methods, of which the leaf handshake only comes where it is needed.
func TestVisitHoldsTheConversationsOfThePolicy(t *testing.T) {
	gtk := captures(t, "gtk-gnutella.txt")
	answers := func(d []byte) [][]byte {
		guid := message.GUID(d[:16])
		if message.Type(d[16]) == message.TypePing {
			return [][]byte{answering(guid, gtk["udp-pong-ultrapeer"])}
		}
		return [][]byte{answering(guid, gtk["udp-crawl-ultrapeer"])}
	}
	mute := linked(string(gtk["welcome"]), nil, func(h message.Header, _ []byte) [][]byte {
		if h.Type == message.TypePing {
			return [][]byte{answering(h.GUID, gtk["pong-own"])}
		}
		return nil
	})
	noUDP := func(c *Config) { c.UDP = 200 * time.Millisecond }
	for name, test := range map[string]struct {
		script script
		change func(*Config)
		want   map[probe.Method]probe.Outcome
	}{
		"answers by both": {script{udp: answers, tcp: []act{crawled(string(gtk["crawl-ultrapeer"]))}}, nil,
			map[probe.Method]probe.Outcome{
				probe.UDPPing: probe.Answered, probe.UDPCrawl: probe.Answered, probe.Guess: probe.Answered,
			}},
		"TCP only": {script{tcp: []act{crawled(string(gtk["crawl-ultrapeer"])), mute}}, noUDP, map[probe.Method]probe.Outcome{
			probe.UDPPing: probe.Silent, probe.TCPCrawl: probe.Answered, probe.Leaf: probe.Answered,
		}},
		"dead": {script{}, noUDP, map[probe.Method]probe.Outcome{
			probe.UDPPing: probe.Silent, probe.TCPCrawl: probe.ConnectionRefused,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothWays(t, func(t *testing.T, visit visiting) {
				e := test.script.play(t)
				seen := visit(newProber(t, test.change), t.Context(), e)
				if diff := cmp.Diff(test.want, outcomes(seen)); diff != "" || len(seen) != len(test.want) {
					t.Errorf("%d observations, outcomes (-want +got):\n%s", len(seen), diff)
				}
				for _, o := range seen {
					if o.Endpoint != e || o.Started.IsZero() {
						t.Errorf("observation of %v, started %v", o.Endpoint, o.Started)
					}
				}
			})
		})
	}
}

// An answer that comes from another address than was asked is told by its GUID, and noted. One with another GUID is
// nobody's, whoever sends it.
func TestAnswerFromAnotherSource(t *testing.T) {
	t.Parallel()
	pong := captures(t, "limewire.txt")["udp-pong-ultrapeer"]
	inBothWays(t, func(t *testing.T, visit visiting) {
		other, err := net.ListenPacket("udp", "127.63.3.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		asked := answerer(t, "127.63.3.2", pong, func(c net.PacketConn, to net.Addr, pong []byte) {
			c.WriteTo(answering(message.NewGUID(), captures(t, "gtk-gnutella.txt")["udp-pong-leaf"]), to)
			other.WriteTo(pong, to)
		})
		o := visit(newProber(t, only(probe.UDPPing)), t.Context(), asked)[0]
		if o.Outcome != probe.Answered || o.Fields[fieldSource] != other.LocalAddr().String() || o.Role != probe.Ultrapeer {
			t.Errorf("outcome %v, source %q, role %q; want answered by %v", o.Outcome, o.Fields[fieldSource], o.Role, other.LocalAddr())
		}
	})
}

func TestWhoIsNamed(t *testing.T) {
	t.Parallel()
	r := newRecord(probe.Endpoint{Network: probe.Gnutella, Addr: host(t, "127.40.8.1:6346")}, probe.TCPCrawl)
	for _, addr := range []string{
		"127.40.8.1:6346", "[::ffff:127.40.8.1]:6346", // itself
		"127.40.8.2:0", "0.0.0.0:6346", "[::]:6346", "224.0.0.1:6346", "[ff02::1]:6346", // nobody
		"127.40.8.3:6346", "[::ffff:127.40.8.3]:6346", "127.40.8.3:6347", "127.40.8.3:6346", "[2001:db8::1]:6346",
	} {
		r.name(probe.PeerLink, host(t, addr))
	}
	r.name(probe.XTry, host(t, "127.40.8.3:6346"))
	want := append(peers(probe.PeerLink, "127.40.8.3:6346", "127.40.8.3:6347", "[2001:db8::1]:6346"),
		peers(probe.XTry, "127.40.8.3:6346")...)
	if !slices.Equal(want, r.Peers) {
		t.Errorf("named %v, want %v", r.Peers, want)
	}
	for i := range maxPeers + 10 {
		r.name(probe.Cached, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 41, byte(i >> 8), byte(i)}), 6346))
	}
	if len(r.Peers) != maxPeers {
		t.Errorf("%d hosts kept, want %d", len(r.Peers), maxPeers)
	}
}

func TestUptimes(t *testing.T) {
	now := time.Date(2026, 11, 20, 22, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name, value string
		want        time.Duration
		ok          bool
	}{
		{"X-Live-Since", "Fri, 20 Nov 2026 21:57:17 +0000", 163 * time.Second, true},
		{"X-Live-Since", "Fri, 20 Nov 2026 23:57:17 +0200", 163 * time.Second, true},
		{"X-Live-Since", "Fri, 20 Nov 2026 22:01:00 +0000", 0, true},
		{"X-Live-Since", "Sat, 21 Nov 2026 22:01:00 +0000", 0, false},
		{"X-Live-Since", "Thu, 01 Jan 1970 00:00:00 +0000", 0, false},
		{"X-Live-Since", "yesterday", 0, false},
		{"Uptime", "3D 4H 12M", 76*time.Hour + 12*time.Minute, true},
		{"Uptime", "4000000000D 4H 12M", 0, false},
		{"Uptime", "0D 4000000000H 0M", 0, false},
		{"Uptime", "3D", 0, false},
		{"X-Uptime", "3D 4H 12M", 0, false},
	} {
		got, ok := uptime(handshake.Fields{{Name: test.name, Value: test.value}}, now)
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%s: %s is %v, %v; want %v, %v", test.name, test.value, got, ok, test.want, test.ok)
		}
	}
}

func TestWhoAsksIsToldToServents(t *testing.T) {
	t.Parallel()
	heads := make(chan string, 2)
	hear := func(_ *testing.T, c net.Conn) { heads <- readHead(c) }
	e := script{tcp: []act{hear}}.play(t)
	p := newProber(t, func(c *Config) {
		c.Contact = "https://example.org/census"
		c.Methods = []probe.Method{probe.TCPCrawl}
	})
	p.Probe(t.Context(), e)
	p.Ask(t.Context(), e, []string{"music"})
	for _, wants := range [][]string{
		{"X-Ultrapeer: False", "Crawler: 0.1", "Remote-IP: 127.40.8.1"},
		{"X-Ultrapeer: False", "Accept-Encoding: deflate", "X-Query-Routing: 0.1", "Vendor-Message: 0.2"},
	} {
		head := <-heads
		for _, want := range append(wants, "User-Agent: census-test/0.1 (+https://example.org/census)") {
			if !strings.Contains(head, want+"\r\n") {
				t.Errorf("hello lacks %q:\n%s", want, head)
			}
		}
		if strings.Contains(head, "Listen-IP") {
			t.Errorf("hello names an address at which nobody listens:\n%s", head)
		}
	}
}

func TestVisitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	patient := func(c *Config) {
		c.Handshake, c.UDP, c.PingWait, c.QueryWait = time.Hour, time.Hour, time.Hour, time.Hour
		c.Methods = []probe.Method{probe.TCPCrawl}
	}
	for name, talk := range map[string]func(*Prober, context.Context, probe.Endpoint) []probe.Observation{
		"visit": (*Prober).Probe,
		"query": func(p *Prober, ctx context.Context, e probe.Endpoint) []probe.Observation {
			return p.Ask(ctx, e, []string{"music", "linux"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			crawl := func(_ *testing.T, c net.Conn) {
				cancel() // while the visit waits for an answer
				untilClosed(c)
			}
			query := linked(welcome, nil, func(message.Header, []byte) [][]byte {
				cancel() // while hits are waited for
				return nil
			})
			e := script{tcp: []act{map[string]act{"visit": crawl, "query": query}[name]}}.play(t)
			seen := talk(newProber(t, patient), ctx, e)
			if len(seen) == 0 || slices.ContainsFunc(seen, func(o probe.Observation) bool { return o.Outcome != probe.Cancelled }) {
				t.Errorf("outcomes %v, want all cancelled", outcomes(seen))
			}
		})
	}
}

func TestVisitIsCancelledWhenTheSocketCloses(t *testing.T) {
	t.Parallel()
	p, err := New(Config{Net: &open{}, Agent: "x/1", Methods: []probe.Method{probe.UDPPing}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- p.Run(ctx) }()
	asked := make(chan struct{})
	e := script{udp: func([]byte) [][]byte { close(asked); return nil }}.play(t)
	go func() { <-asked; cancel() }()
	for _, when := range []string{"during the visit", "before the visit"} {
		if o := p.Probe(t.Context(), e)[0]; o.Outcome != probe.Cancelled {
			t.Errorf("socket closed %s: %v %s", when, o.Outcome, o.Detail)
		}
	}
	if err := <-ran; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestAskOfAHostThatRefuses(t *testing.T) {
	t.Parallel()
	e := script{tcp: []act{crawled(string(captures(t, "gtk-gnutella.txt")["refusal"]))}}.play(t)
	seen := newProber(t, nil).Ask(t.Context(), e, []string{"music", "linux"})
	if len(seen) != 1 || seen[0].Method != probe.Leaf || seen[0].Outcome != probe.Refused || len(seen[0].Peers) != 10 {
		t.Errorf("observations %v, want the one refusal with ten hosts to try", seen)
	}
}

// A link that breaks keeps the hits until then; what was not asked is not an observation.
func TestAskOverALinkThatBreaks(t *testing.T) {
	t.Parallel()
	hit := captures(t, "limewire.txt")["hit-own"]
	breaks := func(_ *testing.T, c net.Conn) {
		readHead(c)
		c.Write([]byte(welcome))
		readHead(c)
		if h, _, err := readMessage(c); err == nil {
			c.Write(answering(h.GUID, hit))
		}
	}
	e := script{tcp: []act{breaks}}.play(t)
	seen := newProber(t, func(c *Config) { c.QueryWait = time.Hour }).Ask(t.Context(), e, []string{"music", "linux"})
	if len(seen) != 1 || seen[0].Outcome != probe.Closed || len(seen[0].Hits) != 1 || seen[0].Query != "music" {
		t.Errorf("observations %+v, want the first query, closed, with one hit", seen)
	}
}

// A leaf that does not answer PINGs is thought dead. The hit comes only after it has answered one.
func TestPingsAreAnsweredWhileHitsAreWaitedFor(t *testing.T) {
	t.Parallel()
	hit := captures(t, "limewire.txt")["hit-own"]
	var asked message.GUID
	ping := message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}}
	host := linked(welcome, nil, func(h message.Header, payload []byte) [][]byte {
		switch h.Type {
		case message.TypeQuery:
			asked = h.GUID
			return [][]byte{encode(t, ping)}
		case message.TypePong:
			if pong, err := message.Parse(h.Type, payload); err != nil || h.GUID != ping.GUID || pong.(*message.Pong).Files != 0 {
				t.Errorf("PONG %v %v: %v", h.GUID, pong, err)
			}
			return [][]byte{answering(asked, hit)}
		}
		return nil
	})
	e := script{tcp: []act{host}}.play(t)
	seen := newProber(t, nil).Ask(t.Context(), e, []string{"music"})
	if len(seen) != 1 || seen[0].Outcome != probe.Answered || len(seen[0].Hits) != 1 {
		t.Errorf("observations %+v, want one answered query with one hit", seen)
	}
}

func TestTTLOfQueries(t *testing.T) {
	for value, want := range map[string]uint8{
		"": 4, "4": 4, "3": 3, "1": 1, "0": 4, "7": 4, "255": 4, "256": 4, "-1": 4, "many": 4,
	} {
		s := &session{theirs: handshake.Fields{{Name: "X-Max-TTL", Value: value}}}
		if got := s.queryTTL(); got != want {
			t.Errorf("X-Max-TTL %q gives TTL %d, want %d", value, got, want)
		}
	}
}

func paced(t *testing.T, l pace.Limits) func(*Config) {
	t.Helper()
	p, err := pace.New(l)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config) { c.Net = p }
}

func TestHostOutOfScopeIsNotVisited(t *testing.T) {
	t.Parallel()
	e := script{
		tcp: []act{func(t *testing.T, _ net.Conn) { t.Error("a connection came") }},
		udp: func([]byte) [][]byte { t.Error("a datagram came"); return nil },
	}.play(t)
	seen := newProber(t, paced(t, pace.Default(pace.Live))).Probe(t.Context(), e)
	want := map[probe.Method]probe.Outcome{
		probe.UDPPing: probe.OutOfScope, probe.TCPCrawl: probe.OutOfScope,
	}
	if diff := cmp.Diff(want, outcomes(seen)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestVisitThatWaitsForItsTurnEndsWithItsContext(t *testing.T) {
	t.Parallel()
	gtk := captures(t, "gtk-gnutella.txt")
	e := script{
		udp: func(d []byte) [][]byte { return [][]byte{answering(message.GUID(d[:16]), gtk["udp-pong-leaf"])} },
	}.play(t)
	out := paced(t, pace.Limits{Scope: pace.Lab, Datagrams: pace.Rates{Host: 0.0001}})
	p := newProber(t, func(c *Config) {
		c.Methods = []probe.Method{probe.UDPPing, probe.TCPCrawl}
		out(c)
	})
	for range pace.HostBurst - 1 {
		if seen := p.Probe(t.Context(), e); outcomes(seen)[probe.UDPPing] != probe.Answered {
			t.Fatalf("a visit within the burst: %v", outcomes(seen))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if seen := p.Probe(ctx, e); len(seen) != 1 || seen[0].Outcome != probe.Cancelled {
		t.Errorf("outcomes %v, want the one that waited cancelled, and none after it", outcomes(seen))
	}
}
