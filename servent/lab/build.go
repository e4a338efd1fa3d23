package lab

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"gnucensus/servent"
	"gnucensus/servent/library"
	"gnucensus/servent/message"
	"gnucensus/servent/transfer"
)

// Subjects that are drawn independently: a plan with more dead hosts has other links, but the same agents.
const (
	drawBehaviours = iota
	drawLinks
	drawFiles
	drawAgents
	drawCaches
	drawUptime
	drawLies
	drawKeys
)

func (p Plan) draw(subject uint64) *rand.Rand { return rand.New(rand.NewPCG(p.Seed, subject)) }

const (
	rememberers  = 2  // ultrapeers that name a dead host
	maxDeadKnown = 20 // dead hosts that one ultrapeer names: a PONG has room for 30 hosts
	liveKnown    = 8  // living ultrapeers that one names, beside its neighbours
	spareSlots   = 8  // for newcomers, of each role, where a host is not full
	seeds        = 3
	tableWait    = 200 * time.Millisecond
)

// population deals the behaviours: of the ultrapeers first, then of the leaves.
func population(p Plan, r *rand.Rand) []Behaviour {
	ultrapeers, leaves := split(p.Ultrapeers, p.ultrapeerShares()), split(p.Leaves, p.leafShares())
	for _, part := range [][]Behaviour{ultrapeers, leaves} {
		r.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
	return append(ultrapeers, leaves...)
}

// build makes the configurations of all hosts; those of dead hosts have an address only.
func build(p Plan) ([]servent.Config, []Host) {
	behaviours := population(p, p.draw(drawBehaviours))
	links := connect(p, behaviours, p.draw(drawLinks))
	known := caches(p, behaviours, p.draw(drawCaches))
	shelves := shelve(p, behaviours, p.draw(drawFiles))
	agents := p.draw(drawAgents)
	configs, truth := make([]servent.Config, len(behaviours)), make([]Host, len(behaviours))
	for i, b := range behaviours {
		program := install(b, agents)
		id := guid(agents)
		truth[i] = Host{Addr: p.address(i), Behaviour: b}
		configs[i] = servent.Config{Addr: p.address(i)}
		if b == Dead {
			continue
		}
		c, h := &configs[i], &truth[i]
		c.Role, c.GUID, c.Agent, c.Vendor, c.Dialect = servent.Ultrapeer, id, program.agent, program.vendor, program.dialect
		c.Firewalled = b == Firewalled
		c.HopWait, c.HitWait, c.Results, c.TableWait = p.HopWait, p.HopWait, p.Results, tableWait
		c.Library = library.New(shelves[i])
		c.Uploads = &transfer.Config{}
		for _, j := range known[i] {
			c.Known = append(c.Known, p.address(j))
		}
		for _, j := range links[i] {
			h.Links = append(h.Links, p.address(j))
			if dials(i, j, p.Ultrapeers) {
				c.Connect = append(c.Connect, p.address(j))
			}
			if j < p.Ultrapeers {
				c.Slots.Ultrapeers++
			} else {
				c.Slots.Leaves++
			}
		}
		h.Files, h.KiB = c.Library.Files(), c.Library.KiB()
		switch {
		case i >= p.Ultrapeers:
			c.Role = servent.Leaf
			h.KiB = message.LeafKiB(h.KiB)
		case b != Full:
			c.Slots.Ultrapeers += spareSlots
			c.Slots.Leaves += spareSlots
		}
		h.Role, h.Agent = c.Role, c.Agent
	}
	return configs, truth
}

// dials tells which end of a link dials: the leaf, or of two ultrapeers the one with the higher number.
func dials(from, to, ultrapeers int) bool { return from > to && to < ultrapeers }

// shelve gives the living hosts their files.
func shelve(p Plan, behaviours []Behaviour, r *rand.Rand) [][]library.File {
	var living []int
	for i, b := range behaviours {
		if b != Dead {
			living = append(living, i)
		}
	}
	shelves := make([][]library.File, len(behaviours))
	for i, shelf := range deal(len(living), p.Files, r) {
		shelves[living[i]] = shelf
	}
	return shelves
}

// caches returns whom each ultrapeer knows beside its neighbours: some that live, and dead hosts, each of which several
// remember that tell.
func caches(p Plan, behaviours []Behaviour, r *rand.Rand) [][]int {
	known := make([][]int, len(behaviours))
	var living, tellers []int
	for i, b := range behaviours[:p.Ultrapeers] {
		if b != Dead {
			living = append(living, i)
		}
		if b.tells() {
			tellers = append(tellers, i)
		}
	}
	r.Shuffle(len(tellers), func(i, j int) { tellers[i], tellers[j] = tellers[j], tellers[i] })
	next := 0
	for i, b := range behaviours {
		for range min(rememberers, len(tellers)) {
			if b == Dead {
				teller := tellers[next%len(tellers)]
				known[teller] = append(known[teller], i)
				next++
			}
		}
	}
	for _, i := range living {
		for range liveKnown {
			if j := living[r.IntN(len(living))]; j != i && !slices.Contains(known[i], j) {
				known[i] = append(known[i], j)
			}
		}
		r.Shuffle(len(known[i]), func(a, b int) { known[i][a], known[i][b] = known[i][b], known[i][a] })
	}
	return known
}

// guid draws the GUID of a servent, with the marks of version 0.6.
func guid(r *rand.Rand) (id message.GUID) {
	binary.LittleEndian.PutUint64(id[:], r.Uint64())
	binary.LittleEndian.PutUint64(id[8:], r.Uint64())
	id[8], id[15] = 0xff, 0
	return id
}

// seedsOf returns ultrapeers to begin a walk at, the quick ones first.
func seedsOf(truth []Host) []netip.AddrPort {
	var found []netip.AddrPort
	for _, b := range []Behaviour{Normal, Slow} {
		for _, h := range truth {
			if h.Role == servent.Ultrapeer && h.Behaviour == b && len(found) < seeds {
				found = append(found, h.Addr)
			}
		}
	}
	return found
}
