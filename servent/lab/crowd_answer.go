package lab

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"net/netip"
	"time"

	"gnucensus/servent"
	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// A clerk writes the answers of all hosts of a crowd, for one goroutine.
type clerk struct {
	*Crowd
	entries []message.CrawlerEntry
	agents  bytes.Buffer
	gzip    *gzip.Writer
	zlib    *zlib.Writer
}

func (c *Crowd) clerk() *clerk {
	k := &clerk{Crowd: c}
	k.gzip, _ = gzip.NewWriterLevel(&k.agents, gzip.NoCompression) // the level is one that there is
	k.zlib, _ = zlib.NewWriterLevel(&k.agents, zlib.NoCompression)
	return k
}

// Bounds on what hosts say.
const (
	listRoom   = 8192 // bytes of the lists in an answer to a crawl handshake, as gtk-gnutella has it
	triedAtAll = 10   // ultrapeers in a refusal
	packedPeer = 6    // neighbours in a PONG, beside hosts of the cache
	maxDays    = 20   // that a host has been up
)

// The beginnings of what a host is asked by TCP.
const (
	helloPrefix = "GNUTELLA CONNECT/0.6"
	crawlerName = "\ncrawler:"
)

// complete tells whether a hello ends with an empty line.
func complete(hello []byte) bool {
	return bytes.HasSuffix(hello, []byte("\r\n\r\n")) || bytes.HasSuffix(hello, []byte("\n\n"))
}

// welcome answers a complete hello; nothing is the answer to what is none.
func (k *clerk) welcome(b []byte, i int, hello []byte) []byte {
	if !bytes.HasPrefix(hello, []byte(helloPrefix)) {
		k.served.strays.Add(1)
		return b
	}
	k.served.handshakes.Add(1)
	if containsFold(hello, crawlerName) {
		return k.crawlAnswer(b, i)
	}
	return k.refusal(b, i)
}

// containsFold tells whether text contains a word in lower case, in any case of letters.
func containsFold(text []byte, word string) bool {
	for i := 0; i+len(word) <= len(text); i++ {
		if text[i] == word[0] && bytes.EqualFold(text[i:i+len(word)], []byte(word)) {
			return true
		}
	}
	return false
}

// crawlAnswer lists the links ("TCP crawler handshake").
func (k *clerk) crawlAnswer(b []byte, i int) []byte {
	program := k.program(i)
	ultrapeers, leaves := k.neighbours(i)
	hi := program.dialect.Crawl == servent.CrawlHi
	if hi {
		b = append(b, "GNUTELLA/0.6 593 Hi\r\nUser-Agent: "...)
	} else {
		b = append(b, "GNUTELLA/0.6 200 OK\r\nUser-Agent: "...)
	}
	b = append(b, program.agent...)
	switch {
	case hi && k.ultrapeer(i):
		b = append(b, "\r\nX-Ultrapeer: true"...)
	case hi:
		b = append(b, "\r\nX-Ultrapeer: false"...)
	}
	b = append(b, "\r\nPeers: "...)
	end := len(b) + listRoom
	if k.behaviour(i) == Lying {
		b = k.inventions(b, i, program.dialect.Comma)
	} else {
		b = k.list(b, end, ultrapeers, program.dialect.Comma)
	}
	if hi || k.ultrapeer(i) {
		b = append(b, "\r\nLeaves: "...)
		if k.behaviour(i) != Lying {
			b = k.list(b, end, leaves, program.dialect.Comma)
		}
	}
	if !hi {
		b = append(b, "\r\nX-Live-Since: "...)
		b = time.Now().Add(-k.uptime(i)).UTC().AppendFormat(b, time.RFC1123Z)
	}
	return append(b, "\r\n\r\n"...)
}

// list writes addresses until the answer reaches its end.
func (k *clerk) list(b []byte, end int, hosts []uint32, comma string) []byte {
	const longest = len("127.255.255.255:65535")
	for n, j := range hosts {
		if len(b)+len(comma)+longest > end {
			break
		}
		if n > 0 {
			b = append(b, comma...)
		}
		b = k.address(int(j)).AppendTo(b)
	}
	return b
}

func (k *clerk) inventions(b []byte, i int, comma string) []byte {
	for n := range liesOfEach {
		if n > 0 {
			b = append(b, comma...)
		}
		b = k.invention(i, n).AppendTo(b)
	}
	return b
}

// invention returns one of the addresses that a liar lists: every other one is in a range that no host of the Internet has,
// as an address outside of the census's reach, the rest are in 127.0.0.0/8, where nobody is.
func (c *Crowd) invention(i, n int) netip.AddrPort {
	drawn := c.draw(i*liesOfEach+n, drawLies)
	var four [4]byte
	if n%2 == 0 {
		binary.BigEndian.PutUint32(four[:], 198<<24|18<<16|uint32(drawn)&0x1ffff)
		return netip.AddrPortFrom(netip.AddrFrom4(four), uint16(drawn>>48)|1024)
	}
	first := number(c.plan.Base) + uint32(c.plan.Hosts)
	binary.BigEndian.PutUint32(four[:], first+uint32(drawn%uint64(127<<24|0xffffff-first)))
	return netip.AddrPortFrom(netip.AddrFrom4(four), c.plan.Port+deadPort)
}

// uptime returns for how long a host has been up.
func (c *Crowd) uptime(i int) time.Duration {
	return time.Duration(1+c.draw(i, drawUptime)%(maxDays*24*60)) * time.Minute
}

// refusal refuses a newcomer, with ultrapeers to try instead.
func (k *clerk) refusal(b []byte, i int) []byte {
	program := k.program(i)
	ultrapeers, _ := k.neighbours(i)
	b = append(b, "GNUTELLA/0.6 503 Service unavailable\r\nUser-Agent: "...)
	b = append(b, program.agent...)
	b = append(b, "\r\nX-Try-Ultrapeers: "...)
	b = k.list(b, len(b)+listRoom, ultrapeers[:min(triedAtAll, len(ultrapeers))], program.dialect.Comma)
	return append(b, "\r\n\r\n"...)
}

// answer answers a datagram; nothing is the answer to what is no request.
func (k *clerk) answer(b []byte, i int, request []byte) []byte {
	m, err := message.ParseDatagram(request)
	if err != nil {
		k.served.strays.Add(1)
		return b
	}
	switch body := m.Body.(type) {
	case *message.Ping:
		k.served.pings.Add(1)
		return k.pong(b, i, m.GUID, body)
	case *message.Vendor:
		if ping, err := message.ParseCrawlerPing(body); err == nil {
			k.served.crawlPings.Add(1)
			return k.crawlerPong(b, i, m.GUID, ping)
		}
	}
	k.served.strays.Add(1)
	return b
}

// write appends a message that is fit to be written.
func write(b []byte, id message.GUID, body message.Body) []byte {
	b, err := message.Append(b, message.Message{GUID: id, TTL: 1, Body: body})
	if err != nil {
		panic(err) // all that hosts say is bounded
	}
	return b
}

// pong answers a PING ("UDP host caches").
func (k *clerk) pong(b []byte, i int, id message.GUID, ping *message.Ping) []byte {
	asked := ping.GGEP()
	program := k.program(i)
	var room [8]ggep.Block
	blocks := room[:0]
	if program.dialect.VC {
		blocks = append(blocks, ggep.VC(program.vendor))
	}
	if k.ultrapeer(i) {
		blocks = append(blocks, ggep.UP(ggep.Slots{}))
		if program.dialect.Guess {
			blocks = append(blocks, ggep.GUE(guessVersion))
			if asked.Has("QK") {
				blocks = append(blocks, ggep.QK(k.queryKey(i)))
			}
		}
	}
	blocks = append(blocks, ggep.DU(k.uptime(i)%(24*time.Hour)))
	if _, wanted := asked.SCP(); wanted {
		blocks = append(blocks, ggep.Block{ID: "IPP", Data: k.packed(i)})
	}
	tail, err := ggep.Append(nil, blocks...)
	if err != nil {
		panic(err) // all that hosts say is bounded
	}
	pong := &message.Pong{Addr: k.address(i), Tail: tail}
	pong.Files, pong.KiB = k.library(i)
	return write(b, id, pong)
}

// guessVersion is 0.2, major<<4 | minor.
const guessVersion = 0x02

// queryKey returns what a host wants to see in a GUESS query.
func (c *Crowd) queryKey(i int) []byte {
	return binary.LittleEndian.AppendUint32(nil, uint32(c.draw(i, drawKeys)))
}

// packed returns the hosts that one tells of in a PONG: some of its neighbours, then those of its cache.
func (c *Crowd) packed(i int) []byte {
	b := make([]byte, 0, (packedPeer+knownOfEach)*6)
	if c.behaviour(i) == Lying {
		for n := range packedPeer {
			b = appendPacked(b, c.invention(i, n))
		}
		return b
	}
	ultrapeers, _ := c.neighbours(i)
	for _, j := range ultrapeers[:min(packedPeer, len(ultrapeers))] {
		b = appendPacked(b, c.address(int(j)))
	}
	for _, s := range c.caches {
		if j := s.from(i, c.plan.Hosts); j != i {
			b = appendPacked(b, c.address(j))
		}
	}
	return b
}

func appendPacked(b []byte, a netip.AddrPort) []byte {
	four := a.Addr().As4()
	return binary.LittleEndian.AppendUint16(append(b, four[:]...), a.Port())
}

// crawlerPong lists the links ("UDP crawler ping").
func (k *clerk) crawlerPong(b []byte, i int, id message.GUID, ping *message.CrawlerPing) []byte {
	dialect := &k.program(i).dialect
	pong := message.CrawlerPong{Features: ping.Features & dialect.Features, Uptime: k.uptime(i)}
	ultrapeers, leaves := k.neighbours(i)
	ultrapeers, leaves = ultrapeers[:min(int(ping.Ultrapeers), len(ultrapeers))], leaves[:min(int(ping.Leaves), len(leaves))]
	k.entries = k.entries[:0]
	if k.behaviour(i) == Lying {
		ultrapeers, leaves = nil, nil
		for n := range min(liesOfEach, int(ping.Ultrapeers)) {
			k.entries = append(k.entries, message.CrawlerEntry{Addr: k.invention(i, n), Locale: english})
		}
	}
	k.enter(i, ultrapeers)
	n := len(k.entries)
	k.enter(i, leaves)
	if len(k.entries) == 0 && dialect.Packing == message.PackGTKG {
		return b // it says nothing where it has nothing to say
	}
	pong.Ultrapeers, pong.Leaves = k.entries[:n], k.entries[n:]
	if pong.Features&message.FeatureAgents != 0 {
		pong.Tail = k.pack(i, dialect.Packing, ultrapeers, leaves)
	}
	return write(b, id, pong.Vendor())
}

var english = [2]byte{'e', 'n'}

// enter makes entries of hosts.
func (k *clerk) enter(i int, hosts []uint32) {
	for _, j := range hosts {
		minutes := uint16(min(k.uptime(i), k.uptime(int(j))) / time.Minute)
		k.entries = append(k.entries, message.CrawlerEntry{Addr: k.address(int(j)), Minutes: minutes, Locale: english})
	}
}

// pack packs the agents of entries, and the host's own, as [message.PackAgents] does. It does not compress them, which
// would take longer than all the rest.
func (k *clerk) pack(i int, packing message.Packing, lists ...[]uint32) []byte {
	k.agents.Reset()
	size := len(k.program(i).escaped)
	for _, list := range lists {
		for _, j := range list {
			size += len(k.program(int(j)).escaped) + 1
		}
	}
	var w io.WriteCloser = k.zlib
	k.zlib.Reset(&k.agents)
	if packing == message.PackLime {
		k.agents.Write([]byte{0, 0}) // the length, to be filled in
		k.gzip.Reset(&k.agents)
		w = k.gzip
		_, _ = w.Write(binary.LittleEndian.AppendUint16(nil, uint16(size))) // a bytes.Buffer takes everything
	}
	for _, list := range lists {
		for _, j := range list {
			_, _ = io.WriteString(w, k.program(int(j)).escaped)
			_, _ = io.WriteString(w, ";")
		}
	}
	_, _ = io.WriteString(w, k.program(i).escaped)
	_ = w.Close()
	out := k.agents.Bytes()
	if packing == message.PackLime {
		binary.LittleEndian.PutUint16(out, uint16(len(out)-2))
	}
	return out
}
