package lab

import (
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"gnucensus/servent"
	"gnucensus/servent/message"
)

// A Crowd is a network of up to 5 million light peers, for crawls that no lab of servents is large enough for. Its links are
// dealt like those of a [Net], and its hosts answer crawlers as servents do: crawl handshakes, UDP crawler pings, and PINGs.
// They do nothing else: there are no links between them that a message could travel, and whoever is no crawler is refused.
//
// One listener and one socket serve all hosts, since all of 127.0.0.0/8 is this machine: the local address of a connection
// or a datagram tells which host was asked. Answers are made when they are asked for. A host takes up some 40 bytes, nearly
// all of them for its links.
type Crowd struct {
	plan       CrowdPlan
	behaviours []uint8 // of each host, as in crowdBehaviours
	links      adjacency
	caches     []step // through which hosts know of others
	served     tally
}

// A Tally is how often a crowd was asked for something.
type Tally struct {
	Handshakes int64 // heads of connections that were complete
	Pings      int64
	CrawlPings int64 // by UDP
	Strays     int64 // connections and datagrams to no host of the crowd, and what is no request
}

type tally struct{ handshakes, pings, crawlPings, strays atomic.Int64 }

// crowdBehaviours are the behaviours that a host of a crowd may have.
var crowdBehaviours = []Behaviour{Normal, Dead, Silent, Trimming, Lying}

// NewCrowd builds the crowd of a plan. It starts nothing.
func NewCrowd(p CrowdPlan) (*Crowd, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("plan crowd: %w", err)
	}
	p = p.withDefaults()
	c := &Crowd{plan: p, behaviours: make([]uint8, p.Hosts)}
	n := p.network()
	behaviours := dealBehaviours(p, n.draw(drawBehaviours))
	for i, b := range behaviours {
		c.behaviours[i] = uint8(slices.Index(crowdBehaviours, b))
		if b == Dead {
			behaviours[i] = Silent // its neighbours list it still, so it has links, of which it tells nobody
		}
	}
	random := n.draw(drawLinks)
	g := connect(n, behaviours, random)
	if p.Trimming > 0 {
		lengthen(g, p, behaviours, random)
	}
	c.links = pack(g)
	c.caches = dealCaches(p.Hosts, n.draw(drawCaches))
	return c, nil
}

// dealBehaviours deals the behaviours: of the ultrapeers first, then of the leaves.
func dealBehaviours(p CrowdPlan, r *rand.Rand) []Behaviour {
	ultrapeers, leaves := split(p.Ultrapeers, p.ultrapeerShares()), split(p.Hosts-p.Ultrapeers, p.leafShares())
	for _, part := range [][]Behaviour{ultrapeers, leaves} {
		r.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
	return append(ultrapeers, leaves...)
}

// lengthen gives the trimming hosts more leaves than they can tell. Those have one parent more than planned.
func lengthen(g graph, p CrowdPlan, behaviours []Behaviour, r *rand.Rand) {
	for i, b := range behaviours[:p.Ultrapeers] {
		for b == Trimming && len(g[i]) < trimmedLeaves {
			leaf := p.Ultrapeers + r.IntN(p.Hosts-p.Ultrapeers)
			if behaviours[leaf] == Normal && !g.linked(i, leaf) {
				g.link(i, leaf)
			}
		}
	}
	g.sort()
}

// An adjacency is a graph that does not grow any more, in 4 bytes an end.
type adjacency struct {
	first []uint32 // of each host in ends, and the end of the last
	ends  []uint32
}

// pack takes a graph apart.
func pack(g graph) adjacency {
	total := 0
	for _, others := range g {
		total += len(others)
	}
	a := adjacency{first: make([]uint32, 1, len(g)+1), ends: make([]uint32, 0, total)}
	for i, others := range g {
		for _, j := range others {
			a.ends = append(a.ends, uint32(j))
		}
		a.first = append(a.first, uint32(len(a.ends)))
		g[i] = nil
	}
	return a
}

func (a adjacency) of(i int) []uint32 { return a.ends[a.first[i]:a.first[i+1]] }

// neighbours returns the ultrapeers and the leaves that a host is linked to.
func (c *Crowd) neighbours(i int) (ultrapeers, leaves []uint32) {
	all := c.links.of(i)
	n, _ := slices.BinarySearch(all, uint32(c.plan.Ultrapeers))
	return all[:n], all[n:]
}

func (c *Crowd) behaviour(i int) Behaviour { return crowdBehaviours[c.behaviours[i]] }

func (c *Crowd) ultrapeer(i int) bool { return i < c.plan.Ultrapeers }

// address returns where a host is, or is said to be.
func (c *Crowd) address(i int) netip.AddrPort {
	var four [4]byte
	binary.BigEndian.PutUint32(four[:], number(c.plan.Base)+uint32(i))
	port := c.plan.Port
	switch c.behaviour(i) {
	case Dead:
		port += deadPort
	case Silent:
		port += silentPort
	}
	return netip.AddrPortFrom(netip.AddrFrom4(four), port)
}

// host returns the number of the host that has an address and answers there.
func (c *Crowd) host(a netip.Addr) (i int, ok bool) {
	if !a.Is4() {
		return 0, false
	}
	i = int(number(a)) - int(number(c.plan.Base))
	if i < 0 || i >= c.plan.Hosts {
		return 0, false
	}
	b := c.behaviour(i)
	return i, b != Dead && b != Silent
}

// A step leads from each host to one other, and to each from one other: i ↦ (factor·i + offset) mod hosts.
type step struct{ factor, offset uint64 }

// knownOfEach is how many hosts each knows that it is not linked to, and by how many each is known.
const knownOfEach = 4

// dealCaches draws the steps from a host to those that its cache holds.
func dealCaches(hosts int, r *rand.Rand) []step {
	steps := make([]step, knownOfEach)
	for k := range steps {
		factor := 1 + r.Uint64N(uint64(hosts))
		for gcd(factor, uint64(hosts)) != 1 {
			factor++
		}
		steps[k] = step{factor, r.Uint64N(uint64(hosts))}
	}
	return steps
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func (s step) from(i, hosts int) int { return int((s.factor*uint64(i) + s.offset) % uint64(hosts)) }

// draw returns bits that are drawn for a host, the same each time.
func (c *Crowd) draw(i int, subject uint64) uint64 {
	return mix(mix(c.plan.Seed^subject<<56) + uint64(i))
}

// mix is the finalizer of SplitMix64: each bit of the result depends on each of x.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// A crowdProgram is a software with its agent as it is written in a UDP crawler pong, where a semicolon separates agents.
type crowdProgram struct {
	software
	escaped string
}

// crowdPrograms holds each crawlable program as often as it has parts.
var crowdPrograms = func() (all []*crowdProgram) {
	for _, s := range crawlable {
		p := &crowdProgram{s, strings.ReplaceAll(s.agent, ";", `\;`)}
		all = append(all, slices.Repeat([]*crowdProgram{p}, s.parts)...)
	}
	return all
}()

// program returns the software that a host runs.
func (c *Crowd) program(i int) *crowdProgram {
	return crowdPrograms[c.draw(i, drawAgents)%uint64(len(crowdPrograms))]
}

// library returns what a host shares: two of three nothing, the others up to 180 files of 4 MiB.
func (c *Crowd) library(i int) (files, kib uint32) {
	drawn := c.draw(i, drawFiles)
	if drawn%3 == 0 {
		files = 1 + uint32(drawn>>32%180)
	}
	kib = files << 12
	if c.ultrapeer(i) {
		return files, message.UltrapeerKiB(kib)
	}
	return files, message.LeafKiB(kib)
}

// Seeds returns the addresses of a few ultrapeers that answer, from which a walk reaches all others.
func (c *Crowd) Seeds() []netip.AddrPort {
	var found []netip.AddrPort
	for i := 0; i < c.plan.Ultrapeers && len(found) < seeds; i++ {
		if c.behaviour(i) == Normal {
			found = append(found, c.address(i))
		}
	}
	return found
}

// Hosts tells what a perfect census finds: every host, by number. A dead one has the links and the agent that others tell
// of.
func (c *Crowd) Hosts() iter.Seq[Host] {
	return func(yield func(Host) bool) {
		for i := range c.plan.Hosts {
			h := Host{Addr: c.address(i), Behaviour: c.behaviour(i), Role: servent.Leaf, Agent: c.program(i).agent}
			if c.ultrapeer(i) {
				h.Role = servent.Ultrapeer
			}
			h.Files, h.KiB = c.library(i)
			for _, j := range c.links.of(i) {
				h.Links = append(h.Links, c.address(int(j)))
			}
			if !yield(h) {
				return
			}
		}
	}
}

// WriteTruth writes the truth as CSV, as [Net.WriteTruth] does.
func (c *Crowd) WriteTruth(w io.Writer) error { return writeTruth(w, c.Hosts()) }

// Tally returns how often the crowd was asked so far.
func (c *Crowd) Tally() Tally {
	t := &c.served
	return Tally{t.handshakes.Load(), t.pings.Load(), t.crawlPings.Load(), t.strays.Load()}
}
