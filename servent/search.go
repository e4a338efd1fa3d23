package servent

import (
	"context"
	"iter"
	"math"
	"net/netip"
	"sync"
	"time"

	"gnucensus/servent/message"
	"gnucensus/servent/qrp"
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
	InBand Path = "in-band" // back over the links that the query went
)

// hitsWaiting is how many hits of a search may wait to be taken; those that come then are lost.
const hitsWaiting = 1 << 12

// Search asks the network, and yields hits as they come until ctx ends or the loop does, which also ends the search: a leaf
// tells its ultrapeers so. The node marks the query as its role asks for. It must be running.
func (n *Node) Search(ctx context.Context, q message.Query) iter.Seq[Hit] {
	return func(yield func(Hit) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var asking sync.WaitGroup
		defer asking.Wait()
		defer cancel()
		hits := make(chan Hit, hitsWaiting)
		began := time.Now()
		a := n.ownAsking(q, func(m message.Message, h *message.QueryHit) {
			select {
			case hits <- Hit{QueryHit: h, Responder: h.Addr, Path: InBand, Hops: int(m.Hops) + 1, Delay: time.Since(began)}:
			default:
			}
		})
		asking.Go(func() { n.askOwn(ctx, a) })
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
func (n *Node) ownAsking(q message.Query, hit func(message.Message, *message.QueryHit)) *asking {
	q.Flags |= message.QueryMark
	if n.Role() == Leaf && n.cfg.Dialect.Dynamic {
		q.Flags |= message.QueryGuided
	}
	m := message.Message{GUID: message.NewGUID(), TTL: maxTTL, Body: &q}
	return &asking{
		message: m, key: qrp.KeyOf(q.Words), target: n.cfg.Results, ttl: maxTTL,
		hit: hit, changed: make(chan struct{}, 1),
	}
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
		if p.role == Ultrapeer {
			p.tell(a.message.GUID, queryStatus(results))
		}
	}
}

// queryStatus makes a status; message.QueryStop is the one number that is no result.
func queryStatus(results int) *message.QueryStatus {
	return &message.QueryStatus{Results: uint16(min(results, message.QueryStop))}
}
