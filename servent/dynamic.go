package servent

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"gnucensus/servent/message"
	"gnucensus/servent/qrp"
)

// Numbers of dynamic querying ("Dynamic querying").
const (
	leafPart     = 3       // a leaf's query should find the third part of what an own query should
	probes       = 3       // neighbours that are probed
	unknownHosts = 40_000  // ultrapeers to be reached while nothing was found
	mostHosts    = 200_000 // ultrapeers to be reached at all
	overlap      = 0.8     // part of the hosts that a copy reaches with each further link, that no other copy has reached
	queryLife    = 200 * time.Second
	leafQueries  = 10 // under way for one leaf

	// Waits, as multiples of Config.HopWait.
	probeWait  = 1.6 // for the results of probes
	statusWait = 16  // for the status of a leaf's query

	// A step that found nothing shortens the waits of those after it, down to a part of what they were.
	vainPart  = 0.95
	leastPart = 0.4

	// The leaf is asked for its status after so many steps and new results, unless it did not answer so often.
	statusSteps   = 3
	statusResults = 20
	statusMisses  = 2
)

// askForLeaf begins to query dynamically for a leaf, and stops its oldest query if it has too many. The query was answered from
// the library already, with so many results.
func (n *Node) askForLeaf(ctx context.Context, p *peer, m message.Message, q *message.Query, key qrp.Key, results int) {
	p.asked = slices.DeleteFunc(p.asked, (*asking).done)
	if len(p.asked) >= leafQueries {
		p.asked[0].stop()
		p.asked = p.asked[1:]
	}
	asked, own := n.substitute(p, m, q)
	a := &asking{
		message: asked, key: key, leaf: p, asked: m.GUID, target: max(1, n.cfg.Results/leafPart), ttl: m.TTL, results: results,
		guided:  q.Flags&message.QueryGuided != 0 || p.knows(message.BEAR, 11),
		changed: make(chan struct{}, 1),
	}
	p.asked = append(p.asked, a)
	n.askings.begin(a) // before the leaf can speak of it
	p.asking.Go(func() {
		defer n.askings.end(a)
		defer a.stop()
		n.ask(ctx, a)
		if own != nil && a.done() {
			own.enough.Store(true)
		}
	})
}

// ask queries dynamically: it sends the query to leaves, probes a few neighbours, and then asks one neighbour after another,
// with the TTL that should find what is missing, until there are enough results, or nobody is left to be asked, or ctx ends.
// Hits that come later still find their way.
func (n *Node) ask(ctx context.Context, a *asking) {
	ctx, cancel := context.WithTimeout(ctx, queryLife)
	defer cancel()
	out := &copies{message: a.message}
	if n.relayToLeaves(a.leaf, out, a.key) > 0 && !a.wait(ctx, n.cfg.HopWait) {
		return
	}
	c := campaign{node: n, asking: a, copies: out, sent: make(map[linkID]uint8), horizon: 1, patience: 1}
	if probed := c.probe(); probed > 0 && !a.wait(ctx, time.Duration(probeWait*float64(n.cfg.HopWait))) {
		return
	}
	for c.step(ctx) {
		c.inquire(ctx)
	}
}

// A campaign is what a dynamic query has done so far.
type campaign struct {
	node     *Node
	asking   *asking
	copies   *copies
	sent     map[linkID]uint8 // the TTL that a copy was sent over a link with
	horizon  float64          // ultrapeers that were reached, by estimate
	patience float64          // part of the wait that a step deserves
	steps    int              // since the leaf was asked for its results
}

// send sends a copy to a neighbour.
func (c *campaign) send(p *peer, ttl uint8) {
	c.copies.send(p, ttl)
	c.sent[p.id] = ttl
	c.horizon += reach(p.can.degree, ttl) * math.Pow(overlap, float64(ttl-1))
}

// candidates returns the neighbours that may still be asked: first those that have not been asked at all, and of these first
// those that may have what the query asks for. One that was asked for itself alone may be asked again, if that is no mere copy to
// it.
func (c *campaign) candidates() (found []*peer) {
	for _, p := range c.node.seats.linked() {
		sent := c.sent[p.id]
		if p.role == Ultrapeer && (sent == 0 || sent == 1 && p.can.probes) && p.takes(c.asking.message.Hops) && !p.link.Congested() {
			found = append(found, p)
		}
	}
	rand.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	order := make(map[*peer]int, len(found))
	for _, p := range found {
		order[p] = 2 * int(c.sent[p.id])
		if !p.mayMatch(c.asking.key) {
			order[p]++
		}
	}
	slices.SortStableFunc(found, func(p, q *peer) int { return order[p] - order[q] })
	return found
}

// probe sends a query that goes no farther to some of the neighbours whose table matches it, and returns to how many. Only
// those who relay the copy with a larger TTL that may follow can be probed.
func (c *campaign) probe() (probed int) {
	for _, p := range c.candidates() {
		if c.asking.ttl > 0 && p.can.probes && p.table.Load() != nil && p.mayMatch(c.asking.key) && probed < probes {
			c.send(p, 1)
			probed++
		}
	}
	return probed
}

// step asks one more neighbour and waits for the results, or tells that there is nothing left to be done.
func (c *campaign) step(ctx context.Context) bool {
	a := c.asking
	if a.done() || ctx.Err() != nil || c.horizon >= mostHosts {
		return false
	}
	kept, want := a.kept(), float64(unknownHosts)
	if kept > 0 {
		want = float64(a.target-kept) * c.horizon / float64(kept)
	}
	candidates := c.candidates()
	for _, p := range candidates {
		ttl := c.ttl(p, want/float64(len(candidates)))
		if ttl == 0 {
			continue
		}
		c.send(p, ttl)
		c.steps++
		goesOn := a.wait(ctx, time.Duration(float64(ttl)*c.patience*float64(c.node.cfg.HopWait)))
		if a.kept() == kept {
			c.patience = max(leastPart, vainPart*c.patience)
		}
		return goesOn
	}
	return false
}

// ttl returns the TTL with which a copy reaches so many ultrapeers through a neighbour, or 0 when none would reach any that
// have not been asked and may have something.
func (c *campaign) ttl(p *peer, want float64) uint8 {
	most := min(c.asking.ttl, p.can.maxTTL)
	ttl := fittingTTL(want, p.can.degree, most)
	if ttl == 1 && (c.sent[p.id] == 1 || !p.mayMatch(c.asking.key)) {
		ttl = 2
	}
	if ttl > most {
		return 0
	}
	return ttl
}

// inquire asks a leaf that guides its query how many results it has, when it is time to, and waits for the answer.
func (c *campaign) inquire(ctx context.Context) {
	a := c.asking
	if c.steps < statusSteps || !a.inquire() {
		return
	}
	c.steps = 0
	a.leaf.tell(a.asked, &message.QueryStatusRequest{})
	ctx, cancel := context.WithTimeout(ctx, statusWait*c.node.cfg.HopWait)
	defer cancel()
	for a.awaited() && !a.done() && ctx.Err() == nil {
		select {
		case <-a.changed:
		case <-ctx.Done():
		}
	}
}

// reach returns how many ultrapeers a copy with a TTL reaches through a neighbour with so many links, if no two lead to the
// same.
func reach(degree int, ttl uint8) float64 {
	hosts, next := 0.0, 1.0
	for range ttl {
		hosts += next
		next *= float64(degree - 1)
	}
	return hosts
}

// fittingTTL returns the smallest TTL with which a copy reaches so many ultrapeers, and most if there is none.
func fittingTTL(want float64, degree int, most uint8) uint8 {
	for ttl := uint8(1); ttl < most; ttl++ {
		if reach(degree, ttl) >= want {
			return ttl
		}
	}
	return most
}
