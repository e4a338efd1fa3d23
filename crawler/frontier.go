package crawler

import (
	"net/netip"
	"slices"

	"gnucensus/probe"
)

// A frontier knows every host that was heard of, and keeps those that were not yet handed out in the order of hearing. It
// holds no pointers, so a million hosts cost the garbage collector nothing: about 70 bytes each.
type frontier struct {
	networks []probe.Network // by key.network
	known    map[key]struct{}
	blocks   [][]key // the queue: only the last block grows, only the first one shrinks
	head     int     // next key of the first block
	length   int
}

// A key is an endpoint in 20 bytes. IPv4 addresses are mapped into IPv6, and so one address has one key.
type key struct {
	addr    [16]byte
	port    uint16
	network uint8
}

const blockLen = 4096

func newFrontier() *frontier { return &frontier{known: make(map[key]struct{})} }

// know marks a host as heard of without queueing it.
func (f *frontier) know(e probe.Endpoint) { f.add(e) }

// hear queues a host that was not heard of before.
func (f *frontier) hear(e probe.Endpoint) {
	k, isNew := f.add(e)
	if !isNew {
		return
	}
	last := len(f.blocks) - 1
	if last < 0 || len(f.blocks[last]) == blockLen {
		f.blocks = append(f.blocks, make([]key, 0, blockLen))
		last++
	}
	f.blocks[last] = append(f.blocks[last], k)
	f.length++
}

// add returns the key of a host and whether it was unknown. What is no address that can be visited is never new.
func (f *frontier) add(e probe.Endpoint) (key, bool) {
	if !e.Addr.IsValid() || e.Addr.Port() == 0 {
		return key{}, false
	}
	k := key{addr: e.Addr.Addr().As16(), port: e.Addr.Port(), network: f.network(e.Network)}
	if _, ok := f.known[k]; ok {
		return k, false
	}
	f.known[k] = struct{}{}
	return k, true
}

func (f *frontier) network(n probe.Network) uint8 {
	i := slices.Index(f.networks, n)
	if i < 0 {
		i = len(f.networks)
		f.networks = append(f.networks, n)
	}
	return uint8(i)
}

// first returns the host that has waited longest, and false when none waits.
func (f *frontier) first() (probe.Endpoint, bool) {
	if f.length == 0 {
		return probe.Endpoint{}, false
	}
	k := f.blocks[0][f.head]
	addr := netip.AddrPortFrom(netip.AddrFrom16(k.addr).Unmap(), k.port)
	return probe.Endpoint{Network: f.networks[k.network], Addr: addr}, true
}

// pop takes the first host off the queue.
func (f *frontier) pop() {
	f.head++
	f.length--
	if f.head < len(f.blocks[0]) {
		return
	}
	f.head = 0
	if len(f.blocks) == 1 {
		f.blocks[0] = f.blocks[0][:0]
		return
	}
	f.blocks[0] = nil
	f.blocks = f.blocks[1:]
}

func (f *frontier) heard() int  { return len(f.known) }
func (f *frontier) queued() int { return f.length }
