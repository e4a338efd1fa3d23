package graph

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// grain hosts are handed to a worker at a time.
const grain = 2048

// workers is how many workers share the hosts of a graph.
func workers() int { return runtime.GOMAXPROCS(0) }

// share hands ranges of hosts, from the first up to but not including the last, to workers until all were handed out, and
// waits for them. A worker has a number, by which it may keep things of its own.
func share(hosts int, work func(worker int, from, to int32)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for worker := range min(workers(), hosts/grain+1) {
		all.Go(func() {
			for {
				from := int(next.Add(grain)) - grain
				if from >= hosts {
					return
				}
				work(worker, int32(from), int32(min(from+grain, hosts)))
			}
		})
	}
	all.Wait()
}

// bitset is a set of hosts.
type bitset []uint64

func newBitset(hosts int) bitset { return make(bitset, (hosts+63)/64) }

func (s bitset) add(v int32)      { s[v>>6] |= 1 << (v & 63) }
func (s bitset) remove(v int32)   { s[v>>6] &^= 1 << (v & 63) }
func (s bitset) has(v int32) bool { return s[v>>6]>>(v&63)&1 != 0 }
