package lab

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"gnucensus/servent"
)

// A census counts the ends of planned links that stand.
type census struct {
	mu       sync.Mutex
	ends     int
	wanted   int
	standing chan struct{} // closed once all ends stand
	all      bool
}

// count counts an end. Strangers do not count.
func (c *census) count(e servent.LinkEvent, p Plan) {
	if !p.holds(e.Addr) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.Began {
		c.ends++
	} else {
		c.ends--
	}
	if c.ends == c.wanted && !c.all {
		c.all = true
		close(c.standing)
	}
}

// wait waits until all links stand, and tells whether they do.
func (c *census) wait(ctx context.Context) bool {
	if c.wanted == 0 {
		return true
	}
	select {
	case <-c.standing:
		return true
	case <-ctx.Done():
		return false
	}
}

// lookAgain is how often the lab looks at its tables while they are told.
const lookAgain = 20 * time.Millisecond

// settle waits until every query routing table is where it is needed, and tells whether it is.
func settle(ctx context.Context, nodes []*servent.Node) bool {
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	for !settled(nodes) {
		select {
		case <-look.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// A way is a link in one direction, from the one who told a table to the one who was told.
type way struct{ from, to netip.AddrPort }

// settled tells whether every table that was told has come, and no other one is to be told.
func settled(nodes []*servent.Node) bool {
	sent, received := make(map[way]int), make(map[way]int)
	for _, node := range nodes {
		if node == nil {
			continue // dead
		}
		self := node.Addr()
		for _, l := range node.Links() {
			if l.TableDue {
				return false
			}
			sent[way{self, l.Addr}], received[way{l.Addr, self}] = l.TableSent, l.TableReceived
		}
	}
	for w, slots := range sent {
		if other, ours := received[w]; ours && other != slots {
			return false
		}
	}
	return true
}
