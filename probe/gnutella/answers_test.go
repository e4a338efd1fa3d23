package gnutella

import (
	"io"
	"net"
	"slices"
	"testing"

	"gnucensus/probe"
	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// What servents answer to a crawl handshake, in all shapes, and what each is worth. All but one leave the connection open.
func TestAnswersToTheCrawlHandshake(t *testing.T) {
	t.Parallel()
	both := append(peers(probe.PeerLink, "127.63.4.1:6346", "127.63.4.2:6347"), peers(probe.LeafLink, "127.63.4.3:6348")...)
	for name, test := range map[string]struct {
		answer  string
		outcome probe.Outcome
		role    probe.Role
		named   []probe.Peer
	}{
		"gtk-gnutella": {"GNUTELLA/0.6 200 OK\r\nPeers: 127.63.4.1:6346, 127.63.4.2:6347\r\nLeaves: 127.63.4.3:6348\r\n\r\n",
			probe.Answered, probe.Ultrapeer, both},
		"LimeWire": {"GNUTELLA/0.6 593 Hi\r\nX-Ultrapeer: true\r\nPeers: 127.63.4.1:6346,127.63.4.2:6347\r\nLeaves: 127.63.4.3:6348\r\n\r\n",
			probe.Answered, probe.Ultrapeer, both},
		"folded": {"GNUTELLA/0.6 200 OK\r\nPeers: 127.63.4.1:6346,\r\n 127.63.4.2:6347\r\nLeaves:\r\n\t127.63.4.3:6348\r\n\r\n",
			probe.Answered, probe.Ultrapeer, both},
		"lists beside 503": {"GNUTELLA/0.6 503 Full\r\nPeers: 127.63.4.1:6346, 127.63.4.2:6347\r\nLeaves: 127.63.4.3:6348\r\n\r\n",
			probe.Answered, probe.Ultrapeer, both},
		"empty lists":   {"GNUTELLA/0.6 593 Hi\r\nX-Ultrapeer: false\r\nPeers: \r\nLeaves: \r\n\r\n", probe.Answered, probe.LeafRole, nil},
		"a leaf's list": {"GNUTELLA/0.6 200 OK\r\nPeers: \r\n\r\n", probe.Answered, probe.LeafRole, nil},
		"full": {"GNUTELLA/0.6 503 Full\r\nX-Try-Ultrapeers: 127.63.4.1:6346,\r\n 127.63.4.2:6347\r\nX-Try: 127.63.4.3:6348\r\n\r\n",
			probe.Refused, probe.UnknownRole, peers(probe.XTry, "127.63.4.1:6346", "127.63.4.2:6347", "127.63.4.3:6348")},
		"no lists": {noLists, probe.Unsupported, probe.UnknownRole, nil},
		"no address": {"GNUTELLA/0.6 200 OK\r\nPeers: localhost:6346, 127.63.4.1, 127.63.4.1:0, :::, 300.1.1.1:6346\r\n\r\n",
			probe.Answered, probe.LeafRole, nil},
		"over IPv6 too": {"GNUTELLA/0.6 200 OK\r\nPeers: [2001:db8::1]:6346\r\nLeaves:\r\n\r\n",
			probe.Answered, probe.Ultrapeer, peers(probe.PeerLink, "[2001:db8::1]:6346")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothWays(t, func(t *testing.T, visit visiting) {
				e := script{ip: "127.63.4.100", tcp: []act{func(_ *testing.T, c net.Conn) {
					readHead(c)
					io.WriteString(c, test.answer)
					untilClosed(c)
				}}}.play(t)
				o := visit(newProber(t, only(probe.TCPCrawl)), t.Context(), e)[0]
				if o.Outcome != test.outcome || o.Role != test.role || !slices.Equal(o.Peers, test.named) {
					t.Errorf("%v %q, role %q, named %v; want %v, %q, %v", o.Outcome, o.Detail, o.Role, o.Peers, test.outcome, test.role, test.named)
				}
			})
		})
	}
}

// All that a PONG names from the caches of a host is kept, each in its relation.
func TestPackedCaches(t *testing.T) {
	t.Parallel()
	hosts := []ggep.Host{{Addr: host(t, "127.63.4.1:6346")}, {Addr: host(t, "[2001:db8::1]:6347")}, {Addr: host(t, "127.63.4.2:6348")}}
	blocks := slices.Concat(ggep.IPP(hosts...), ggep.DHTIPP(host(t, "127.63.4.3:6349"), host(t, "[2001:db8::2]:6350")),
		[]ggep.Block{ggep.PHC("cache.example.org:9999", "other.example.org:8888")})
	tail, err := ggep.Append(nil, blocks...)
	if err != nil {
		t.Fatal(err)
	}
	inBothWays(t, func(t *testing.T, visit visiting) {
		e := script{ip: "127.63.4.101", udp: func(d []byte) [][]byte {
			m, err := message.ParseDatagram(d)
			if err != nil {
				t.Error(err)
				return nil
			}
			asked := ggep.ParseAll(m.Body.(*message.Ping).Tail)
			if _, contacts := asked.DHTIPP(); !asked.Has("SCP") || !contacts {
				t.Errorf("the PING asks for %v", asked)
			}
			pong := &message.Pong{Addr: host(t, "127.63.4.101:6346"), Files: 3, KiB: 30, Tail: tail}
			return [][]byte{encode(t, message.Message{GUID: m.GUID, TTL: 1, Body: pong})}
		}}.play(t)
		o := visit(newProber(t, only(probe.UDPPing)), t.Context(), e)[0]
		want := append(peers(probe.Cached, "127.63.4.1:6346", "127.63.4.2:6348", "[2001:db8::1]:6347"),
			peers(probe.DHTContact, "127.63.4.3:6349", "[2001:db8::2]:6350")...)
		if o.Outcome != probe.Answered || !slices.Equal(o.Peers, want) {
			t.Errorf("%v %q, named %v, want %v", o.Outcome, o.Detail, o.Peers, want)
		}
		if caches := o.Fields[fieldCaches]; caches != "cache.example.org:9999 other.example.org:8888" {
			t.Errorf("caches %q", caches)
		}
	})
}
