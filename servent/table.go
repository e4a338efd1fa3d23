package servent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"gnucensus/servent/library"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
	"gnucensus/servent/qrp"
	"gnucensus/servent/urn"
)

// A routing is the query routing table that a node tells others: a leaf tells its ultrapeers what it has, an ultrapeer tells
// other ultrapeers what it and its leaves have, so that a query need not make its last hop in vain.
type routing struct {
	changed chan struct{} // holds a token when the table must be made again

	mu       sync.Mutex
	due      bool // the table must be made again
	revision uint64
	own      *qrp.Table    // of the library in that revision
	table    *qrp.Table    // of the library, and of all leaves
	whole    []link.Packet // what tells it to somebody who knows nothing of it; nil until it is needed
}

func newRouting(l *library.Library) *routing {
	r := &routing{changed: make(chan struct{}, 1), revision: l.Revision(), own: tableOf(l)}
	r.table = r.own
	return r
}

func tableOf(l *library.Library) *qrp.Table {
	return qrp.Build(func(yield func(string) bool) {
		for f := range l.All() {
			if !yield(f.Name) || f.URN.SHA1 != nil && !yield(urn.URN{SHA1: f.URN.SHA1}.String()) {
				return
			}
		}
	})
}

// change makes a change that asks for another table.
func (r *routing) change(make func()) {
	r.mu.Lock()
	make()
	r.due = true
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// keepTable tells the neighbours of the changes of the table, those of a while together, until ctx ends.
func (n *Node) keepTable(ctx context.Context) {
	scan := time.NewTicker(tableScan)
	defer scan.Stop()
	for {
		select {
		case <-n.routing.changed:
			if !pause(ctx, n.cfg.TableWait) {
				return
			}
			n.updateTable()
		case <-scan.C:
			if n.cfg.Library.Revision() != n.routing.revision {
				n.routing.change(func() {})
			}
		case <-ctx.Done():
			return
		}
	}
}

// updateTable makes the table again and tells what is new of it.
func (n *Node) updateTable() {
	r := n.routing
	r.mu.Lock()
	defer r.mu.Unlock()
	r.due = false
	if now := n.cfg.Library.Revision(); now != r.revision {
		r.own, r.revision = tableOf(n.cfg.Library), now
	}
	tables := []*qrp.Table{r.own}
	for _, p := range n.seats.linked() {
		if t := p.table.Load(); t != nil && p.role == Leaf {
			tables = append(tables, t)
		}
	}
	old, next := r.table, qrp.Union(tables...)
	if old.Equal(next) {
		return
	}
	r.table, r.whole = next, nil
	var news []link.Packet
	if next.Slots() == old.Slots() {
		news = n.patches(old, next)
	} else {
		news = n.reset()
	}
	for _, p := range n.seats.linked() {
		if p.told {
			p.sendAll(news)
		}
	}
}

// tells tells whether the node owes the peer its table.
func (n *Node) tells(p *peer) bool {
	if p.as == Leaf {
		return p.role == Ultrapeer && p.can.routing
	}
	return p.role == Ultrapeer && p.can.lastHop && n.cfg.Dialect.Dynamic
}

// tellTable tells a new neighbour the table, if the node owes it.
func (n *Node) tellTable(p *peer) {
	if !n.tells(p) {
		return
	}
	n.routing.mu.Lock()
	defer n.routing.mu.Unlock()
	p.told = true
	p.sendAll(n.reset())
}

// reset returns what tells the table from the beginning. The caller holds the routing.
func (n *Node) reset() []link.Packet {
	r := n.routing
	if r.whole == nil {
		start := n.pack(&message.Reset{Slots: uint32(r.table.Slots()), Infinity: qrp.Infinity})
		r.whole = append([]link.Packet{start}, n.patches(nil, r.table)...)
	}
	return r.whole
}

// patches returns what turns one table into another.
func (n *Node) patches(old, next *qrp.Table) (packets []link.Packet) {
	for _, p := range qrp.Patches(old, next, true) {
		packets = append(packets, n.pack((*message.Patch)(&p)))
	}
	return packets
}

// pack encodes a message that does not travel.
func (n *Node) pack(b message.Body) link.Packet {
	p, err := link.Pack(message.Message{GUID: message.NewGUID(), TTL: 1, Body: b})
	if err != nil {
		n.log.Error("message of our own cannot be encoded", "err", err)
	}
	return p
}

func (p *peer) sendAll(packets []link.Packet) {
	for _, packet := range packets {
		p.link.SendPacket(packet)
	}
}

// errTable: what a peer sends for its query routing table makes none.
var errTable = errors.New("query routing table")

// handleTable takes a part of the table that a leaf, or another ultrapeer, tells.
func (n *Node) handleTable(p *peer, body message.Body) error {
	if p.role == visitor || n.Role() == Leaf {
		return nil
	}
	var whole bool
	var err error
	switch body := body.(type) {
	case *message.Reset:
		err = p.receiver.Reset(body.Slots)
	case *message.Patch:
		whole, err = p.receiver.Patch(qrp.Patch(*body))
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errTable, err)
	case whole && p.role == Leaf:
		n.routing.change(func() { p.table.Store(p.receiver.Table()) })
	case whole:
		p.table.Store(p.receiver.Table())
	}
	return nil
}
