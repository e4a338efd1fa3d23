package servent

import (
	"context"
	"crypto/hmac"
	"encoding/binary"
	"iter"
	"math"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// Numbers of GUESS ("GUESS" in "Gnutella over UDP").
const (
	guessVersion  = 0x02           // 0.2
	guessKeyLife  = 24 * time.Hour // of a generation of keys; those of the one before hold too
	guessersKept  = 4096           // whose leaves' hits find the way back, and up to twice as many
	mostGuesses   = 1000           // ultrapeers that one search asks
	guessTries    = 2              // queries to one of them: the second with the key that it gave out after the first
	socketPause   = 10 * time.Millisecond
	guessHopsBack = 1 // hops of an acknowledgement, as gtk-gnutella writes them
)

// guessed stands, where a link is expected, for somebody who asks by UDP.
const guessed linkID = math.MaxUint32

// A guesser is somebody who asked by UDP.
type guesser struct {
	at       netip.AddrPort
	inflates bool // answers may be deflated
}

// Guessers are those of a node, by the GUID of their query.
type guessers struct {
	mu   sync.Mutex
	byID generations[guesser]
}

func (g *guessers) put(id message.GUID, who guesser) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.byID.most = guessersKept
	g.byID.put(id, who)
}

func (g *guessers) find(id message.GUID) (who guesser, found bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.byID.find(id)
}

// answersGuesses tells whether the node answers queries by UDP.
func (n *Node) answersGuesses() bool {
	return n.cfg.Dialect.Guess && !n.cfg.Firewalled && n.Role() == Ultrapeer
}

// queryKey returns the key of an address in a generation, so many before the one of now. Who shows it has received it there.
func (n *Node) queryKey(at netip.AddrPort, before int64) []byte {
	generation := int64(time.Since(n.started)/guessKeyLife) - before
	return n.secret.token(binary.BigEndian.AppendUint64([]byte("query key"), uint64(generation)), at)
}

// gaveKey tells whether the node gave a key to an address, and not too long ago.
func (n *Node) gaveKey(key []byte, to netip.AddrPort) bool {
	return hmac.Equal(key, n.queryKey(to, 0)) || hmac.Equal(key, n.queryKey(to, 1))
}

// guessHosts returns ultrapeers beside the node that answer queries by UDP, for who can use such addresses.
func (n *Node) guessHosts(uses families) (hosts []ggep.Host) {
	for _, p := range n.seats.neighbours(Ultrapeer) {
		if p.can.guess && uses.has(p.addr) && len(hosts) < cachedHosts {
			hosts = append(hosts, ggep.Host{Addr: p.addr})
		}
	}
	return hosts
}

// answerGuess answers a query that came by UDP from the library and by way of the leaves, if its sender has a key: whoever
// forges the address of somebody else has none.
func (n *Node) answerGuess(m message.Message, q *message.Query, from netip.AddrPort) {
	extensions := q.GGEP()
	key, found := extensions.QK()
	who := guesser{at: from, inflates: extensions.Z()}
	switch {
	case !n.answersGuesses() || !found || !n.mayReach(from) || !sensible(q) || m.GUID == message.GUID{}:
		return
	case !n.gaveKey(key, from):
		n.acknowledgeGuess(m.GUID, who, ggep.QK(n.queryKey(from, 0)))
		return
	case n.cfg.Manners.Guesses > 0 && !n.guesses.take(from.Addr()):
		return
	case n.routes.add(m.GUID, guessed, 0) != fresh:
		return
	}
	n.seen.queries.Add(1)
	n.report(QuerySeen{From: from, Path: Guess, Words: q.Text(), TTL: m.TTL, Hops: m.Hops})
	n.guessers.put(m.GUID, who)
	var blocks []ggep.Block
	if flags, wanted := extensions.SCP(); wanted {
		blocks = ggep.IPP(n.guessHosts(wished(flags))...)
	}
	n.acknowledgeGuess(m.GUID, who, blocks...)
	results := n.cfg.Library.Answer(q, resultsPerQuery, n.addr().Addr())
	for _, hit := range n.datagramHits(m.GUID, from, Guess, results, who.inflates) {
		n.sendDatagram(from, hit)
	}
	if outOfBand(q) && !slices.Contains(q.ReplyTo(m.GUID), from) { // leaves would send hits to somebody else
		var err error
		if q, err = inBand(q); err != nil {
			return
		}
	}
	m.TTL, m.Hops, m.Body = 1, 1, q
	n.relayToLeaves(nil, &copies{message: m}, keyOf(q))
}

// acknowledgeGuess sends the PONG that a query by UDP is answered with: it names another host to be asked, if there is one.
func (n *Node) acknowledgeGuess(id message.GUID, to guesser, blocks ...ggep.Block) {
	pong := &message.Pong{Addr: n.addr()}
	if others := n.guessHosts(families{four: to.at.Addr().Is4(), six: to.at.Addr().Is6()}); len(others) > 0 {
		pong.Addr = others[0].Addr
	}
	if pong.Addr.Addr().Is6() {
		blocks = append(blocks, ggep.IPv6(pong.Addr.Addr()))
	}
	var err error
	if pong.Tail, err = ggep.Append(nil, blocks...); err != nil {
		return
	}
	n.sendGuesser(to, message.Message{GUID: id, TTL: 1, Hops: guessHopsBack, Body: pong})
}

// returnToGuesser sends the hit of a leaf to who asked by UDP.
func (n *Node) returnToGuesser(m message.Message, hit *message.QueryHit) {
	if to, found := n.guessers.find(m.GUID); found {
		n.sendGuesser(to, message.Message{GUID: m.GUID, TTL: 1, Hops: m.Hops + 1, Body: hit})
	}
}

// sendGuesser sends an answer to who asked by UDP, deflated where that is understood.
func (n *Node) sendGuesser(to guesser, m message.Message) {
	if to.inflates {
		m = message.Deflate(m)
	}
	n.sendDatagram(to.at, m)
}

// A guess is a search by UDP: ultrapeers are asked one after another, each for itself and its leaves.
type guess struct {
	more chan struct{} // holds a token when hosts were added

	mu    sync.Mutex
	known map[netip.AddrPort]int // queries that were sent to a host
	queue []netip.AddrPort
}

// add takes in hosts to be asked.
func (g *guess) add(hosts ...netip.AddrPort) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, host := range hosts {
		if _, found := g.known[host]; !found && len(g.known) < mostGuesses {
			g.known[host] = 0
			g.queue = append(g.queue, host)
		}
	}
	select {
	case g.more <- struct{}{}:
	default:
	}
}

// next returns a host to be asked, if there is one.
func (g *guess) next() (host netip.AddrPort, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) == 0 {
		return host, false
	}
	host, g.queue = g.queue[0], g.queue[1:]
	return host, true
}

// try counts a query to a host, if it may have another one.
func (g *guess) try(host netip.AddrPort) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.known[host] >= guessTries {
		return false
	}
	g.known[host]++
	return true
}

// asked tells whether a host was sent a query.
func (g *guess) asked(host netip.AddrPort) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.known[host] > 0
}

// Guess asks ultrapeers by UDP, those given and those that they name, one after another with Config.GuessWait between them, and
// yields hits as [Node.Search] does. No links are needed. A firewalled node finds nothing.
func (n *Node) Guess(ctx context.Context, q message.Query, hosts []netip.AddrPort) iter.Seq[Hit] {
	q.Flags &^= message.QueryOOB
	g := &guess{more: make(chan struct{}, 1), known: make(map[netip.AddrPort]int)}
	n.addGuesses(g, hosts...)
	return n.collect(ctx, q, g, n.askGuesses)
}

func (n *Node) addGuesses(g *guess, hosts ...netip.AddrPort) {
	for _, host := range hosts {
		if n.mayReach(host) {
			g.add(host)
		}
	}
}

// askGuesses asks one host after another until ctx ends.
func (n *Node) askGuesses(ctx context.Context, a *asking) {
	n.askings.begin(a)
	defer n.askings.end(a)
	var asking sync.WaitGroup
	defer asking.Wait()
	for !n.pinger.ready() { // the node may only just have begun to run
		if !pause(ctx, socketPause) {
			return
		}
	}
	for {
		host, ok := a.guess.next()
		if !ok {
			select {
			case <-a.guess.more:
				continue
			case <-ctx.Done():
				return
			}
		}
		asking.Go(func() { n.guessAt(ctx, a, host) })
		if !pause(ctx, n.cfg.GuessWait) {
			return
		}
	}
}

// guessAt gets a key from a host and sends it the query.
func (n *Node) guessAt(ctx context.Context, a *asking, host netip.AddrPort) {
	tail, err := ggep.Append(nil, ggep.QK(nil), ggep.SCP(n.families().wishes()))
	if err != nil {
		return
	}
	pong, err := n.askPong(ctx, host, &message.Ping{Tail: tail})
	if err != nil {
		n.log.Debug("no query key", "host", host, "err", err)
		return
	}
	n.takeGuess(a, host, pong)
}

// takeGuess takes the PONG of a host, which tells a key, other hosts, or both. Whom its address field names is another host.
func (n *Node) takeGuess(a *asking, host netip.AddrPort, pong *message.Pong) {
	extensions := pong.GGEP()
	n.addGuesses(a.guess, pong.Addrs()...)
	for _, other := range extensions.IPP() {
		n.addGuesses(a.guess, other.Addr)
	}
	key, found := extensions.QK()
	if !found || !a.guess.try(host) {
		return
	}
	q := *a.message.Body.(*message.Query)
	x := q.Extensions()
	x.GGEP = append(x.GGEP, ggep.QK(key), ggep.SCP(n.families().wishes()), ggep.Z())
	tail, err := x.Append(nil)
	if err != nil {
		return
	}
	q.Tail = tail
	n.sendDatagram(host, message.Message{GUID: a.message.GUID, TTL: 1, Body: &q})
}

// takeDatagramPong takes a PONG that came by UDP: the answer to a PING, or the acknowledgement of a query, whose sender is where
// it came from.
func (n *Node) takeDatagramPong(id message.GUID, pong *message.Pong, from netip.AddrPort) {
	n.reportPong(pong, from, 0)
	if a := n.askings.find(id); a != nil && a.guess != nil && a.guess.asked(from) {
		n.takeGuess(a, from, pong)
		return
	}
	n.pinger.take(id, pong)
}
