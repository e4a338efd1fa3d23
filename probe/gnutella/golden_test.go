package gnutella

import (
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gnucensus/probe"
	"gnucensus/servent/message"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const gtkAgent = "gtk-gnutella/1.2.3-14-ga331a-dirty (2024-03-03; Topless; Linux x86_64)"

func peers(relation probe.Relation, addrs ...string) []probe.Peer {
	var list []probe.Peer
	for _, a := range addrs {
		e := probe.Endpoint{Network: probe.Gnutella, Addr: netip.MustParseAddrPort(a)}
		list = append(list, probe.Peer{Endpoint: e, Relation: relation})
	}
	return list
}

// sinceHour moves the start of a captured servent to an hour ago.
func sinceHour(head []byte) string {
	now := time.Now().Add(-time.Hour).UTC().Format(time.RFC1123Z)
	const was = "X-Live-Since: "
	before, after, found := strings.Cut(string(head), was)
	if !found {
		return string(head)
	}
	_, after, _ = strings.Cut(after, "\r\n")
	return before + was + now + "\r\n" + after
}

// check compares an observation, its times aside, with what it should be. Uptimes are compared to the minute.
func check(t *testing.T, want, got probe.Observation) {
	t.Helper()
	if got.Started.IsZero() || got.Took <= 0 {
		t.Errorf("observation started at %v and took %v", got.Started, got.Took)
	}
	want.Network = probe.Gnutella
	minutes := cmp.Comparer(func(a, b time.Duration) bool { return (a - b).Abs() < time.Minute })
	opts := cmp.Options{
		cmpopts.IgnoreFields(probe.Observation{}, "Started", "Took", "Addr"), minutes,
		cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
	}
	if diff := cmp.Diff(want, got, opts); diff != "" {
		t.Errorf("observation (-want +got):\n%s", diff)
	}
}

func ptr[T any](v T) *T { return &v }

func TestCrawlHandshakeOfCapturedServents(t *testing.T) {
	gtk, lime := captures(t, "gtk-gnutella.txt"), captures(t, "limewire.txt")
	for name, test := range map[string]struct {
		head string
		want probe.Observation
	}{
		"gtk-gnutella ultrapeer": {sinceHour(gtk["crawl-ultrapeer"]), probe.Observation{
			Outcome: probe.Answered, Agent: gtkAgent, Role: probe.Ultrapeer, Uptime: ptr(time.Hour),
			Peers: append(peers(probe.PeerLink, "127.0.0.14:6346"),
				peers(probe.LeafLink, "127.0.0.13:6346", "127.0.0.12:6346")...),
			Fields: map[string]string{"code": "200"},
		}},
		"gtk-gnutella leaf": {sinceHour(gtk["crawl-leaf"]), probe.Observation{
			Outcome: probe.Answered, Agent: gtkAgent, Role: probe.LeafRole, Uptime: ptr(time.Hour),
			Peers:  peers(probe.PeerLink, "127.0.0.11:6346"),
			Fields: map[string]string{"code": "200"},
		}},
		"LimeWire ultrapeer": {string(lime["crawl-ultrapeer"]), probe.Observation{
			Outcome: probe.Answered, Agent: "LimeWire/5.5.16", Role: probe.Ultrapeer,
			Peers:  append(peers(probe.PeerLink, "127.0.3.2:6347"), peers(probe.LeafLink, "127.0.3.3:6348")...),
			Fields: map[string]string{"code": "593"},
		}},
		"LimeWire leaf": {string(lime["crawl-leaf"]), probe.Observation{
			Outcome: probe.Answered, Agent: "LimeWire/5.5.16", Role: probe.LeafRole,
			Peers:  peers(probe.PeerLink, "127.0.3.1:6346", "127.0.3.2:6347"),
			Fields: map[string]string{"code": "593"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.want.Method = probe.TCPCrawl
			inBothWays(t, func(t *testing.T, visit visiting) {
				e := script{tcp: []func(*testing.T, net.Conn){crawled(test.head)}}.play(t)
				seen := visit(newProber(t, only(probe.TCPCrawl)), t.Context(), e)
				if len(seen) != 1 {
					t.Fatalf("%d observations, want 1", len(seen))
				}
				check(t, test.want, seen[0])
			})
		})
	}
}

// What the captured servents say of themselves: in the answer to our handshake, and in their own PONG.
var (
	gtkHandshake = map[string]string{
		"accept-encoding": "deflate", "bye-packet": "0.1", "ggep": "0.5", "pong-caching": "0.1", "vendor-message": "0.2",
		"x-degree": "46", "x-dynamic-querying": "0.1", "x-ext-probes": "0.1",
		"x-features": "tls/1.0, browse/1.0, sflag/0.1, HSEP/0.2",
		"x-guess":    "0.2", "x-max-ttl": "4", "x-query-routing": "0.2", "x-requeries": "False", "x-ultrapeer-needed": "True",
		"x-ultrapeer-query-routing": "0.1",
	}
	gtkPong = map[string]string{
		"guess": "02", "leaf-slots": "255", "peer-slots": "49", "pong-addr": "127.0.0.11:6346",
		"pong-ggep": "VC GUE UP DU TLS", "tls": "true", "vc": "GTKG/83",
	}
	limeHandshake = map[string]string{
		"accept-encoding": "deflate", "ggep": "0.5", "pong-caching": "0.1", "vendor-message": "0.2", "x-degree": "32",
		"x-dynamic-querying": "0.1", "x-ext-probes": "0.1", "x-guess": "0.1", "x-locale-pref": "en", "x-max-ttl": "3",
		"x-query-routing": "0.1", "x-requeries": "false", "x-ultrapeer-query-routing": "0.1",
	}
	limePong = map[string]string{
		"dht": "inactive", "leaf-slots": "37", "locale": "en", "peer-slots": "27", "pong-addr": "127.0.3.1:6346",
		"pong-ggep": "DHT DU LOC UP",
	}
)

// together joins fields; the last word on one counts.
func together(parts ...map[string]string) map[string]string {
	all := make(map[string]string)
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

func TestLeafSessionWithCapturedServents(t *testing.T) {
	gtk, lime := captures(t, "gtk-gnutella.txt"), captures(t, "limewire.txt")
	for name, test := range map[string]struct {
		servent map[string][]byte
		want    probe.Observation
	}{
		"gtk-gnutella": {gtk, probe.Observation{
			Agent: gtkAgent, Uptime: ptr(time.Hour), Files: ptr[int64](2), KiB: ptr[int64](256),
			Peers: peers(probe.Ponged, "127.0.0.14:6346"), Fields: together(gtkHandshake, gtkPong),
		}},
		"LimeWire": {lime, probe.Observation{
			Agent: "LimeWire/5.5.16", Uptime: ptr(129 * time.Second), Files: ptr[int64](1), KiB: ptr[int64](8),
			Peers:  append(peers(probe.XTry, "127.0.3.2:6347"), peers(probe.Ponged, "127.0.3.2:6347")...),
			Fields: together(limeHandshake, limePong, map[string]string{"uptime-kind": "daily average"}),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var said []message.Type
			host := linked(sinceHour(test.servent["welcome"]), [][]byte{test.servent["messages-supported"]},
				func(h message.Header, _ []byte) [][]byte {
					said = append(said, h.Type)
					switch {
					case h.Type == message.TypePing && h.TTL == 1:
						return [][]byte{answering(h.GUID, test.servent["pong-own"])}
					case h.Type == message.TypePing && h.TTL == 2:
						return [][]byte{answering(h.GUID, test.servent["pong-neighbour"])}
					}
					return nil
				})
			closed := make(chan struct{})
			e := script{tcp: []func(*testing.T, net.Conn){func(t *testing.T, c net.Conn) {
				defer close(closed)
				host(t, c)
			}}}.play(t)
			test.want.Method, test.want.Outcome, test.want.Role = probe.Leaf, probe.Answered, probe.Ultrapeer
			check(t, test.want, newProber(t, only(probe.Leaf)).Probe(t.Context(), e)[0])
			<-closed
			want := []message.Type{message.TypeVendor, message.TypePing, message.TypePing, message.TypeBye}
			if name == "LimeWire" {
				want = want[:3] // it does not speak BYE
			}
			if diff := cmp.Diff(want, said); diff != "" {
				t.Errorf("messages sent (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefusalOfACapturedServent(t *testing.T) {
	t.Parallel()
	refusal := captures(t, "gtk-gnutella.txt")["refusal"]
	e := script{tcp: []func(*testing.T, net.Conn){crawled(string(refusal))}}.play(t)
	var tries []string
	for n := 49; n >= 40; n-- {
		tries = append(tries, fmt.Sprintf("127.0.5.%d:200%d", n, n))
	}
	check(t, probe.Observation{
		Method: probe.Leaf, Outcome: probe.Refused, Detail: "503 Too many leaf connections (25 max)",
		Agent: gtkAgent, Role: probe.Ultrapeer, Peers: peers(probe.XTry, tries...), Fields: map[string]string{"code": "503"},
	}, newProber(t, only(probe.Leaf)).Probe(t.Context(), e)[0])
}

func TestDatagramsOfCapturedServents(t *testing.T) {
	gtk, lime := captures(t, "gtk-gnutella.txt"), captures(t, "limewire.txt")
	for name, test := range map[string]struct {
		answer []byte
		want   probe.Observation
	}{
		"gtk-gnutella ultrapeer, ping": {gtk["udp-pong-ultrapeer"], probe.Observation{
			Method: probe.UDPPing, Role: probe.Ultrapeer, Files: ptr[int64](2), KiB: ptr[int64](256), Uptime: ptr(28 * time.Second),
			Fields: together(gtkPong, map[string]string{
				"pong-ggep": "VC GUE UP DU TLS IP QK",
			}),
		}},
		"gtk-gnutella leaf, ping": {gtk["udp-pong-leaf"], probe.Observation{
			Method: probe.UDPPing, Role: probe.LeafRole, Files: ptr[int64](2), KiB: ptr[int64](2929), Uptime: ptr(32 * time.Second),
			Peers: peers(probe.Cached, "127.0.0.11:6346"),
			Fields: map[string]string{
				"pong-addr": "127.0.0.12:6346", "pong-ggep": "VC DU TLS IPP IPP_TLS", "tls": "true",
				"vc": "GTKG/83",
			},
		}},
		"LimeWire ultrapeer, ping": {lime["udp-pong-ultrapeer"], probe.Observation{
			Method: probe.UDPPing, Role: probe.Ultrapeer, Files: ptr[int64](1), KiB: ptr[int64](8), Uptime: ptr(109 * time.Second),
			Peers:  peers(probe.Cached, "127.0.3.2:6347"),
			Fields: together(limePong, map[string]string{"pong-ggep": "DHT DU IPP LOC UP"}),
		}},
		"gtk-gnutella ultrapeer, crawl": {gtk["udp-crawl-ultrapeer"], probe.Observation{
			Method: probe.UDPCrawl, Role: probe.Ultrapeer, Agent: gtkAgent,
			Peers: append(peers(probe.PeerLink, "127.0.0.14:6346"),
				peers(probe.LeafLink, "127.0.0.13:6346", "127.0.0.12:6346")...),
		}},
		"gtk-gnutella leaf, crawl": {gtk["udp-crawl-leaf"], probe.Observation{
			Method: probe.UDPCrawl, Agent: gtkAgent, Peers: peers(probe.PeerLink, "127.0.0.11:6346"),
		}},
		"LimeWire ultrapeer, crawl": {lime["udp-crawl-ultrapeer"], probe.Observation{
			Method: probe.UDPCrawl, Role: probe.Ultrapeer, Agent: "LimeWire/5.5.16", Uptime: ptr(92 * time.Second),
			Peers: append(peers(probe.PeerLink, "127.0.3.2:6347"), peers(probe.LeafLink, "127.0.3.3:6348")...),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := script{udp: func(datagram []byte) [][]byte {
				return [][]byte{answering(message.GUID(datagram[:16]), test.answer)}
			}}.play(t)
			test.want.Outcome = probe.Answered
			inBothWays(t, func(t *testing.T, visit visiting) {
				check(t, test.want, visit(newProber(t, only(test.want.Method)), t.Context(), e)[0])
			})
		})
	}
}

func TestQueriesThroughCapturedServents(t *testing.T) {
	gtk, lime := captures(t, "gtk-gnutella.txt"), captures(t, "limewire.txt")
	for name, test := range map[string]struct {
		servent   map[string][]byte
		handshake map[string]string
		agent     string
		ttl       string
		own, leaf probe.Hit
	}{
		"gtk-gnutella": {gtk, gtkHandshake, gtkAgent, "4",
			hit("127.0.0.11:6346", "660f3102994f78d41cc1e5b297f09c7b", 1, 2, "GTKG", false),
			hit("127.0.0.12:6346", "cf19310232cf2d6ee18112236ed0536f", 2, 2, "GTKG", false)},
		"LimeWire": {lime, limeHandshake, "LimeWire/5.5.16", "3",
			hit("127.0.3.1:6346", "14bce793030b02c32706604ad74f0100", 1, 1, "LIME", true),
			hit("127.0.3.3:6348", "490104aa9c1f4040bec6efcc44d20d00", 2, 1, "LIME", true)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := linked(sinceHour(test.servent["welcome"]), [][]byte{test.servent["messages-supported"]},
				func(h message.Header, payload []byte) [][]byte {
					switch {
					case h.Type == message.TypeQuery && string(payload) == "\x80\x00quokka\x00":
						return [][]byte{
							test.servent["hit-leaf"], // of another query
							answering(h.GUID, test.servent["hit-own"]),
							answering(h.GUID, test.servent["hit-leaf"]),
						}
					case h.Type == message.TypeQuery && string(payload) == "\x80\x00no such thing\x00":
						return nil
					case h.Type == message.TypeQuery:
						t.Errorf("query %q", payload)
					}
					return nil
				})
			e := script{tcp: []func(*testing.T, net.Conn){host}}.play(t)
			seen := newProber(t, nil).Ask(t.Context(), e, []string{"quokka", "no such thing"})
			if len(seen) != 2 {
				t.Fatalf("%d observations, want 2", len(seen))
			}
			want := probe.Observation{
				Method: probe.Query, Outcome: probe.Answered, Agent: test.agent, Query: "quokka",
				Hits:   []probe.Hit{test.own, test.leaf},
				Fields: together(test.handshake, map[string]string{"query-ttl": test.ttl}),
			}
			check(t, want, seen[0])
			want.Query, want.Hits = "no such thing", nil
			check(t, want, seen[1])
			for _, h := range seen[0].Hits {
				if h.Delay <= 0 || h.Delay > seen[0].Took {
					t.Errorf("hit after %v in an observation of %v", h.Delay, seen[0].Took)
				}
			}
		})
	}
}

func hit(responder, servent string, hops uint8, results int, vendor string, firewalled bool) probe.Hit {
	guid, err := hex.DecodeString(servent)
	if err != nil {
		panic(err)
	}
	return probe.Hit{
		Responder: probe.Endpoint{Network: probe.Gnutella, Addr: netip.MustParseAddrPort(responder)},
		Servent:   [16]byte(guid), Hops: hops, Results: results, Vendor: vendor, Firewalled: &firewalled,
	}
}
