package conformance_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"gnucensus/servent/conformance"
	"gnucensus/servent/ggep"
	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// A fault is one bad habit, and the test that finds it.
type fault struct {
	test  string
	note  string // part of what the test says
	spoil func(*fake)
}

// deaf keeps a connection and reads it to its end, which never comes.
func deaf(c net.Conn) { io.Copy(io.Discard, c) }

// stalls reads a link and answers nothing any more.
func stalls(g *guest, _ error) bool {
	deaf(g.Session.Conn)
	return false
}

// A stubborn connection does not close.
type stubborn struct{ net.Conn }

func (stubborn) Close() error { return nil }

// spoilt handles some messages badly, and all others well.
func spoilt(f *fake, bad func(*guest, message.Message) bool) {
	f.handle = func(g *guest, m message.Message) {
		if !bad(g, m) {
			f.goodHandle(g, m)
		}
	}
}

// touchy closes the link on some messages.
func touchy(f *fake, hates func(message.Message) bool) {
	spoilt(f, func(g *guest, m message.Message) bool {
		if hates(m) {
			g.Link.Close()
		}
		return hates(m)
	})
}

// spoiltDatagram answers datagrams badly.
func spoiltDatagram(f *fake, answer func(m message.Message, from netip.AddrPort) message.Message) {
	f.datagram = func(m message.Message, from netip.AddrPort) []message.Message {
		return []message.Message{answer(m, from)}
	}
}

func isQuery(m message.Message) bool { return m.Body.Type() == message.TypeQuery }

var handshakeFaults = []fault{
	{"handshake/answer", "no User-Agent", func(f *fake) { f.answer = f.without("User-Agent") }},
	{"handshake/answer", "X-Ultrapeer", func(f *fake) { f.answer = f.saying("X-Ultrapeer", "maybe") }},
	{"handshake/case", "Accept-Encoding was not read", func(f *fake) {
		f.answer = func(h head) handshake.Reply {
			if !strings.Contains(h.raw, "Accept-Encoding") {
				return f.without("Content-Encoding")(h)
			}
			return f.goodAnswer(h)
		}
	}},
	{"handshake/folded", `400 Bad Request`, func(f *fake) {
		f.answer = f.picky(func(h head) bool { return strings.Contains(h.raw, "\n\t") })
	}},
	{"handshake/lf", "400", func(f *fake) {
		f.answer = f.picky(func(h head) bool { return !strings.Contains(h.raw, "\r\n") })
	}},
	{"handshake/order", "400", func(f *fake) {
		f.answer = f.picky(func(h head) bool { return h.Fields[0].Name != "User-Agent" })
	}},
	{"handshake/remote-ip", "we come from", func(f *fake) { f.answer = f.saying("Remote-IP", "198.51.100.1") }},
	{"handshake/remote-ip", "no address", func(f *fake) { f.answer = f.saying("Remote-IP", "you") }},
	{"handshake/refused", "keeps the connection open", func(f *fake) { f.refused = deaf }},
	{"handshake/refused", "goes on", func(f *fake) { f.refused = func(c net.Conn) { c.Write([]byte("never mind")) } }},
	{"handshake/version", "keeps the connection open", func(f *fake) { f.refused = deaf }},
	{"handshake/version", "200 OK", func(f *fake) {
		f.refused = func(c net.Conn) { c.Write([]byte("GNUTELLA/0.6 200 OK\r\n\r\n")) }
	}},
	{"handshake/shielded", "lets leaves in", func(f *fake) { f.answer = f.saying("X-Ultrapeer", "False") }},
	{"handshake/try", "without X-Try", func(f *fake) {
		f.answer = func(head) handshake.Reply {
			return handshake.Reply{Code: 503, Reason: "Too many leaf connections", Fields: fields("X-Ultrapeer", "True")}
		}
	}},
	{"handshake/plain", "Content-Encoding", func(f *fake) { f.answer = f.saying("Content-Encoding", "deflate") }},
	{"handshake/deflated", "no PONG", func(f *fake) { f.open = func(s *handshake.Session) { s.Deflate = false } }},
	{"handshake/inflates", "closed", func(f *fake) { f.open = func(s *handshake.Session) { s.Inflate = false } }},
	{"handshake/upgrade", "TLS", func(f *fake) { f.answer = f.saying("Connection", "Upgrade") }},
	{"handshake/tls", "TLS", func(f *fake) { f.answer = f.saying("X-Features", "tls/1.0") }},
	{"crawl/peers", "no Peers", func(f *fake) { f.answer = f.without("Peers") }},
	{"crawl/leaves", "no Leaves", func(f *fake) { f.answer = f.without("Leaves") }},
	{"crawl/addresses", "Leaves", func(f *fake) { f.answer = f.saying("Leaves", "127.0.0.1") }},
	{"crawl/agent", "no User-Agent", func(f *fake) {
		f.answer = func(h head) handshake.Reply {
			if h.crawler() {
				return f.without("User-Agent")(h)
			}
			return f.goodAnswer(h)
		}
	}},
	{"crawl/closes", "keeps the connection", func(f *fake) { f.refused = deaf }},
}

var messageFaults = []fault{
	{"ping/alive", "no PONG within", func(f *fake) { f.handle = func(*guest, message.Message) {} }},
	{"ping/alive", "names", func(f *fake) {
		f.handle = func(g *guest, m message.Message) {
			g.say(m.GUID, 1, 0, &message.Pong{Addr: netip.MustParseAddrPort("192.0.2.1:1")})
		}
	}},
	{"ping/alive", "hops", func(f *fake) {
		f.handle = func(g *guest, m message.Message) { g.say(m.GUID, 1, 1, &message.Pong{Addr: f.addr}) }
	}},
	{"ping/alive", "no PONG within", func(f *fake) {
		f.handle = func(g *guest, m message.Message) { g.say(message.NewGUID(), 1, 0, &message.Pong{Addr: f.addr}) }
	}},
	{"ping/crawl", "no PONG of a neighbour", func(f *fake) {
		spoilt(f, func(_ *guest, m message.Message) bool { return m.TTL == 2 })
	}},
	{"ping/crawl", "0 hops", func(f *fake) {
		spoilt(f, func(g *guest, m message.Message) bool {
			if m.TTL == 2 {
				g.say(m.GUID, 1, 0, &message.Pong{Addr: netip.MustParseAddrPort("192.0.2.1:1")})
			}
			return m.TTL == 2
		})
	}},
	{"ping/framing", "PONG to PING 2 of 3", func(f *fake) {
		n := 0
		spoilt(f, func(*guest, message.Message) bool { n++; return n%2 == 0 })
	}},
	{"ping/ggep", "closed", func(f *fake) {
		touchy(f, func(m message.Message) bool { p, ok := m.Body.(*message.Ping); return ok && len(p.Tail) > 0 })
	}},
	{"query/hits", "no hits", func(f *fake) { spoilt(f, func(_ *guest, m message.Message) bool { return isQuery(m) }) }},
	{"query/hits", "no trailer", badHit(func(h *message.QueryHit) { h.Tail = nil })},
	{"query/hits", "without results", badHit(func(h *message.QueryHit) { h.Results = nil })},
	{"query/hits", "names", badHit(func(h *message.QueryHit) { h.Addr = netip.MustParseAddrPort("192.0.2.1:1") })},
	{"query/hits", "GUID of the servent", badHit(func(h *message.QueryHit) { h.Servent = message.GUID{} })},
	{"query/hits", "no vendor", badHit(func(h *message.QueryHit) { h.Tail = message.QHD{Open: make([]byte, 2)}.Append(nil) })},
	{"query/hits", "open data", badHit(func(h *message.QueryHit) { h.Tail = message.QHD{Vendor: message.GTKG}.Append(nil) })},
	{"query/hits", "no name", badHit(func(h *message.QueryHit) { h.Results[0].Name = "" })},
	{"query/nothing", "nobody has", badHit(func(*message.QueryHit) {})},
	{"query/duplicate", "second copy", badHit(func(*message.QueryHit) {})},
	{"query/ggep", "no hits", func(f *fake) {
		spoilt(f, func(_ *guest, m message.Message) bool { q, ok := m.Body.(*message.Query); return ok && len(q.Tail) > 0 })
	}},
	{"query/relay", "is not relayed", func(*fake) {}},
	{"query/relay", "TTL 2 and 0 hops", relaying(0)},
	{"query/relay", "twice", func(f *fake) {
		spoilt(f, func(g *guest, m message.Message) bool {
			for _, other := range f.others(g) {
				if isQuery(m) {
					other.say(m.GUID, 1, 1, m.Body)
					other.say(m.GUID, 1, 1, m.Body)
				}
			}
			return false
		})
	}},
	{"query/relay", "a leaf and relays", func(f *fake) {
		relaying(1)(f)
		f.answer = f.saying("X-Ultrapeer", "False")
	}},
	{"query/ttl", "TTL 0 is relayed", relaying(0)},
	{"query/ttl", "TTL 200", func(f *fake) {
		spoilt(f, func(g *guest, m message.Message) bool {
			for _, other := range f.others(g) {
				if isQuery(m) && m.TTL > 0 {
					other.say(m.GUID, m.TTL-1, m.Hops+1, m.Body)
				}
			}
			return false
		})
	}},
	{"query/veto", "in another name", func(f *fake) {
		spoilt(f, func(g *guest, m message.Message) bool {
			for _, other := range f.others(g) {
				if isQuery(m) {
					other.say(message.NewGUID(), m.TTL-1, m.Hops+1, m.Body)
				}
			}
			return false
		})
	}},
	{"qrp/accepted", "closed", func(f *fake) {
		touchy(f, func(m message.Message) bool { return m.Body.Type() == message.TypeQRP })
	}},
	{"qrp/filter", "that the table does not have", relaying(1)},
	{"qrp/filter", "no query that the table has", func(*fake) {}},
	{"qrp/sequence", "keeps the link", func(*fake) {}},
	{"qrp/own", "no whole routing table", func(f *fake) { f.answer = f.saying("X-Ultrapeer", "False") }},
	{"qrp/own", "does not have", ownTable(16, 0)},
	{"qrp/own", "power of two", ownTable(17, 0)},
	{"vendor/supported", "no Messages Supported", func(*fake) {}},
	{"vendor/supported", "0 messages", func(f *fake) {
		f.greet = func(g *guest) { g.say(message.GUID{}, 1, 0, new(message.MessagesSupported).Vendor()) }
	}},
	{"vendor/supported", "truncated", func(f *fake) {
		f.greet = func(g *guest) { g.say(message.GUID{}, 1, 0, &message.Vendor{Body: []byte{9, 0, 1}}) }
	}},
	{"vendor/unknown", "closed", func(f *fake) {
		touchy(f, func(m message.Message) bool { return m.Body.Type() == message.TypeVendor })
	}},
	{"vendor/type", "closed", func(f *fake) { touchy(f, func(m message.Message) bool { return m.Body.Type() == 0x77 }) }},
	{"robustness/length", "keeps the link", func(f *fake) {
		f.open = func(s *handshake.Session) { s.Conn = stubborn{s.Conn} }
		f.broken = stalls
	}},
	{"robustness/bye", "without a BYE", func(*fake) {}},
	{"robustness/payload", "no PONG afterwards within", func(f *fake) { f.broken = stalls }},
	{"robustness/route", "closed", func(f *fake) {
		touchy(f, func(m message.Message) bool { return m.Body.Type() == message.TypeQueryHit })
	}},
	{"robustness/garbage", "keeps the connection", func(f *fake) { f.refused = deaf }},
	{"robustness/endless-line", "keeps the connection", func(f *fake) { f.refused = deaf }},
	{"robustness/endless-head", "keeps the connection", func(f *fake) { f.refused = deaf }},
	{"robustness/slow-head", "keeps the connection", func(f *fake) { f.refused = deaf }},
	{"robustness/silence", "keeps the connection", func(f *fake) { f.refused = deaf }},
}

// badHit answers every query, by a hit with a flaw.
func badHit(flaw func(*message.QueryHit)) func(*fake) {
	return func(f *fake) {
		spoilt(f, func(g *guest, m message.Message) bool {
			if isQuery(m) {
				hit := f.hit()
				flaw(hit)
				g.say(m.GUID, 2, 0, hit)
			}
			return isQuery(m)
		})
	}
}

// relaying passes queries on to all others, as they came but for so many hops.
func relaying(hops uint8) func(*fake) {
	return func(f *fake) {
		spoilt(f, func(g *guest, m message.Message) bool {
			for _, other := range f.others(g) {
				if isQuery(m) {
					other.say(m.GUID, m.TTL-hops, m.Hops+hops, m.Body)
				}
			}
			return false
		})
	}
}

// ownTable makes a leaf that sends a table of so many slots.
func ownTable(slots uint32, fill byte) func(*fake) {
	return func(f *fake) {
		f.answer = f.saying("X-Ultrapeer", "False")
		f.greet = func(g *guest) {
			g.say(message.NewGUID(), 1, 0, &message.Reset{Slots: slots, Infinity: 7})
			g.say(message.NewGUID(), 1, 0, &message.Patch{Number: 1, Count: 1, EntryBits: 4, Data: make([]byte, slots/2)})
		}
	}
}

var datagramFaults = []fault{
	{"udp/ping", "no PONG within", func(f *fake) {
		f.datagram = func(message.Message, netip.AddrPort) []message.Message { return nil }
	}},
	{"udp/ping", "answers nothing", func(f *fake) {
		spoiltDatagram(f, func(message.Message, netip.AddrPort) message.Message { return f.pong(message.NewGUID()) })
	}},
	{"udp/scp", "no IPP", func(*fake) {}},
	{"udp/ip", "no IP", func(f *fake) {
		spoiltDatagram(f, func(m message.Message, _ netip.AddrPort) message.Message { return f.pong(m.GUID) })
	}},
	{"udp/ip", "we come from", func(f *fake) {
		spoiltDatagram(f, func(m message.Message, from netip.AddrPort) message.Message {
			return f.pong(m.GUID, ggep.IP(netip.AddrPortFrom(from.Addr(), from.Port()^1)))
		})
	}},
	{"udp/crawl", "no crawler pong", func(*fake) {}},
	{"udp/crawl", "3 ultrapeers", crawlerPong(message.CrawlerPong{Ultrapeers: make([]message.CrawlerEntry, 3)})},
	{"udp/crawl", "features 0x20", crawlerPong(message.CrawlerPong{Features: message.FeatureReplies})},
	{"udp/crawl", "2 bytes after", crawlerPong(message.CrawlerPong{Tail: []byte("??")})},
	{"udp/crawl", "agents", crawlerPong(message.CrawlerPong{Features: message.FeatureAgents, Tail: []byte("??")})},
	{"udp/crawl", "lack its own", crawlerPong(message.CrawlerPong{
		Features: message.FeatureAgents, Tail: message.PackAgents(message.PackLime, nil, "")})},
	{"udp/garbage", "answers garbage", func(f *fake) {
		f.stray = func(b []byte) []byte {
			if len(b) < message.HeaderLen {
				return nil
			}
			answer, err := message.Append(nil, f.pong(message.GUID(b[:16])))
			if err != nil {
				panic(err)
			}
			return answer
		}
	}},
	{"udp/deflate", "deflated payload", func(f *fake) {
		spoiltDatagram(f, func(m message.Message, _ netip.AddrPort) message.Message {
			return message.Message{GUID: m.GUID, TTL: 1 | message.TTLDeflated,
				Body: &message.Unknown{Kind: message.TypePong, Payload: []byte("????")}}
		})
	}},
	{"udp/query-key", "no QK", func(f *fake) {
		spoiltDatagram(f, func(m message.Message, _ netip.AddrPort) message.Message { return f.pong(m.GUID) })
	}},
	{"udp/query-key", "3 bytes", func(f *fake) {
		spoiltDatagram(f, func(m message.Message, _ netip.AddrPort) message.Message {
			return f.pong(m.GUID, ggep.QK([]byte("key")))
		})
	}},
	{"udp/guess", "no PONG or QUERY HIT", func(*fake) {}},
	{"query/oob", "no reply number", func(f *fake) {
		spoilt(f, func(_ *guest, m message.Message) bool { return isQuery(m) })
	}},
	{"query/oob", "no QUERY HIT", outOfBand(func(*fake, message.Message) []message.Message { return nil })},
	{"query/oob-once", "told of 1 results, and sent 2", outOfBand(func(f *fake, m message.Message) []message.Message {
		return []message.Message{{GUID: m.GUID, TTL: 1, Body: f.hit()}}
	})},
	{"query/oob", "not ours", outOfBand(func(f *fake, m message.Message) []message.Message {
		return []message.Message{{GUID: m.GUID, TTL: 1, Body: f.hit()}}
	})},
}

// crawlerPong answers the crawler ping badly.
func crawlerPong(pong message.CrawlerPong) func(*fake) {
	return func(f *fake) {
		f.datagram = func(m message.Message, _ netip.AddrPort) []message.Message {
			return []message.Message{{GUID: m.GUID, TTL: 1, Body: pong.Vendor()}}
		}
	}
}

// outOfBand promises hits by UDP to who asks for them so, and answers the claim in some way.
func outOfBand(claimed func(*fake, message.Message) []message.Message) func(*fake) {
	return func(f *fake) {
		spoilt(f, func(_ *guest, m message.Message) bool {
			if !isQuery(m) {
				return false
			}
			b, err := message.Append(nil, message.Message{GUID: m.GUID, TTL: 1,
				Body: (&message.OOBReplyNumber{Version: 3, Hits: 1}).Vendor()})
			if err != nil {
				panic(err)
			}
			to := &net.UDPAddr{IP: m.GUID[:4], Port: int(binary.LittleEndian.Uint16(m.GUID[13:]))}
			c, err := net.DialUDP("udp4", nil, to)
			if err != nil {
				panic(err)
			}
			defer c.Close()
			c.Write(b)
			return true
		})
		f.datagram = func(m message.Message, _ netip.AddrPort) []message.Message { return claimed(f, m) }
	}
}

// TestPieces: a servent that takes what it reads first for the whole hello. Pipes keep the pieces apart, as a network does
// on a good day.
func TestPieces(t *testing.T) {
	t.Parallel()
	f := newFake(netip.MustParseAddrPort("127.70.3.8:6346"))
	f.answer = f.picky(func(h head) bool { return h.pieces > 1 })
	net := &pipes{fake: f}
	defer net.running.Wait()
	cfg := conformance.Config{Addr: f.addr, Net: net, Word: word}
	r := test(t, cfg, some(t, "handshake/pieces"))["handshake/pieces"]
	if r.Verdict != conformance.Fail || !strings.Contains(r.Note, "400") {
		t.Errorf("%s %q, want a failure", r.Verdict, r.Note)
	}
}

// TestEveryTestCanFail runs each test against a servent that does not deserve to pass it.
func TestEveryTestCanFail(t *testing.T) {
	t.Parallel()
	tests := make(map[string]conformance.Test)
	for _, test := range conformance.Tests() {
		tests[test.Name] = test
	}
	found := map[string]bool{"handshake/pieces": true} // by TestPieces
	var running sync.WaitGroup
	for i, fault := range append(append(handshakeFaults, messageFaults...), datagramFaults...) {
		f := newFake(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 70, 2, byte(10 + i)}), 6346))
		fault.spoil(f)
		f.run(t)
		found[fault.test] = true
		running.Go(func() {
			cfg := conformance.Config{Addr: f.addr, Net: place(netip.MustParseAddr("127.70.2.1")), Word: word,
				Patience: 2 * time.Second, Slow: true}
			if tests[fault.test].Slow {
				cfg.Patience /= 5
			}
			r := test(t, cfg, []conformance.Test{tests[fault.test]})[fault.test]
			if r.Verdict != conformance.Fail || !strings.Contains(r.Note, fault.note) {
				t.Errorf("%s: %s %q, want a failure that says %q", r.Name, r.Verdict, r.Note, fault.note)
			}
		})
	}
	running.Wait()
	for name := range tests {
		if !found[name] {
			t.Errorf("nobody fails %s", name)
		}
	}
}
