package servent

import (
	"context"
	"iter"
	"math"
	"net/netip"
	"sync"
	"time"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// A Hit is what one responder answered to a query of the node.
type Hit struct {
	*message.QueryHit
	Responder netip.AddrPort // as it states it, or where its datagram came from
	Path      Path
	Hops      int           // links between the responder and this node, as the hit counts them
	Delay     time.Duration // since the query was sent
}

// A Path is the way on which a hit came.
type Path string

// The paths.
const (
	InBand    Path = "in-band"     // back over the links that the query went
	OutOfBand Path = "out-of-band" // by UDP, to the address in the query's GUID
	Guess     Path = "GUESS"       // by UDP, from an ultrapeer that was asked by UDP
)

// hitsWaiting is how many hits of a search may wait to be taken; those that come then are lost.
const hitsWaiting = 1 << 12

// Search asks the network, and yields hits as they come until ctx ends or the loop does, which also ends the search: a leaf
// tells its ultrapeers so. The node marks the query as its role asks for. It must be running.
//
// With [message.QueryOOB] among its flags the query asks for hits out of band, by that flag and by GGEP SO: gtk-gnutella heeds
// the flag alone, LimeWire either. A node that is firewalled takes the flag out. Without the flag, GGEP NP says that no
// ultrapeer is to ask for hits out of band either.
func (n *Node) Search(ctx context.Context, q message.Query) iter.Seq[Hit] {
	if q.Flags&message.QueryOOB == 0 {
		extend(&q, ggep.NP()) // without room for it, hits say less of their way
	}
	return n.collect(ctx, q, nil, n.askOwn)
}

// collect yields the hits of an own query while ask asks it.
func (n *Node) collect(ctx context.Context, q message.Query, g *guess, ask func(context.Context, *asking)) iter.Seq[Hit] {
	return func(yield func(Hit) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var asking sync.WaitGroup
		defer asking.Wait()
		defer cancel()
		hits := make(chan Hit, hitsWaiting)
		began := time.Now()
		a := n.ownAsking(q, func(h Hit) {
			h.Delay = time.Since(began)
			select {
			case hits <- h:
			default:
			}
		})
		a.guess = g
		asking.Go(func() { ask(ctx, a) })
		for {
			select {
			case hit := <-hits:
				if !yield(hit) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// ownAsking makes the asking of an own query.
func (n *Node) ownAsking(q message.Query, hit func(Hit)) *asking {
	q.Flags |= message.QueryMark
	if n.Role() == Leaf && n.cfg.Dialect.Dynamic {
		q.Flags |= message.QueryGuided
	}
	if n.walled() {
		q.Flags |= message.QueryFirewalled
	}
	if uses := n.families(); uses.six {
		extend(&q, ggep.I6(!uses.four))
	}
	m := message.Message{GUID: message.NewGUID(), TTL: maxTTL, Body: &q}
	if q.Flags&message.QueryOOB != 0 && !n.askOutOfBand(&m, &q) {
		q.Flags &^= message.QueryOOB
	}
	return &asking{
		message: m, key: keyOf(&q), target: n.cfg.Results, ttl: maxTTL,
		hit: hit, claims: claims{most: claimsKept}, changed: make(chan struct{}, 1),
	}
}

// askOutOfBand makes an own query ask for hits at the node's address, and tells whether it can.
func (n *Node) askOutOfBand(m *message.Message, q *message.Query) bool {
	blocks := []ggep.Block{ggep.SO(nil)}
	if six := n.six(); six.IsValid() {
		blocks = append(blocks, ggep.IPv6(six.Addr()))
	}
	if n.walledUDP() || !extend(q, blocks...) {
		return false
	}
	m.GUID = message.NewGUIDFor(n.addr())
	return true
}

// extend adds blocks to a query, and tells whether there was room for them.
func extend(q *message.Query, blocks ...ggep.Block) bool {
	x := q.Extensions()
	x.GGEP = append(x.GGEP, blocks...)
	tail, err := x.Append(nil)
	if err == nil {
		q.Tail = tail
	}
	return err == nil
}

// askOwn asks an own query until ctx ends: an ultrapeer as it asks for its leaves, a leaf by way of its ultrapeers, which it
// tells how many results it has.
func (n *Node) askOwn(ctx context.Context, a *asking) {
	n.routes.add(a.message.GUID, own, math.MaxUint8)
	n.askings.begin(a)
	defer n.askings.end(a)
	if n.Role() == Ultrapeer {
		n.ask(ctx, a)
		<-ctx.Done() // for hits that come late
		return
	}
	out := &copies{message: a.message}
	for _, p := range n.seats.linked() {
		if p.role == Ultrapeer {
			out.send(p, min(a.ttl, p.can.maxTTL))
		}
	}
	defer n.tellStatus(a, message.QueryStop)
	for told := 0; ; {
		select {
		case <-a.changed:
			if kept := a.kept(); kept-told >= statusChange {
				n.tellStatus(a, kept)
				told = kept
			}
		case <-ctx.Done():
			return
		}
	}
}

// statusChange is how many results more make a leaf tell its ultrapeers of them unasked.
const statusChange = 10

// tellStatus tells the ultrapeers of a leaf how many results its query has, or message.QueryStop.
func (n *Node) tellStatus(a *asking, results int) {
	for _, p := range n.seats.linked() {
		if p.role == Ultrapeer && p.guides() {
			p.reply(a.message.GUID, queryStatus(results))
		}
	}
}

// queryStatus makes a status; message.QueryStop is the one number that is no result.
func queryStatus(results int) *message.QueryStatus {
	return &message.QueryStatus{Results: uint16(min(results, message.QueryStop))}
}
