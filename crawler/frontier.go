package crawler

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"time"

	"gnucensus/probe"
	"gnucensus/probe/roll"
)

// A frontier knows every host that was heard of, and hands out those that wait: who was vouched for by more hosts comes
// first, of equals who is said to be an ultrapeer, since those name most others, and then who was heard of first or, under a
// seed, whom the lot picks. A host costs it some 30 bytes, and 4 for each queue that it is in; it holds no pointers to
// hosts, so a million of them cost the garbage collector nothing.
type frontier struct {
	network probe.Network // that of the first host; a walk is of one network
	known   *roll.Roll
	hosts   []standing // by number in known, less 1
	queues  [levels]queue
	waiting int
	lot     *rand.Rand // nil: the order of hearing
	later   []promise  // in the order of their times

	word  int            // hosts that are handed out on one host's word alone; 0: no bound
	spent map[uint32]int // of them, by who named them
	held  []uint32       // hosts beyond it, unless others named them since
}

// A standing is what the frontier knows of a host: who vouched for it last, and its mark.
type standing struct {
	voucher uint32
	mark    mark
}

// A mark counts who vouched for a host, up to maxVouchers, and says whether the host waits, whether it was visited, and
// whether somebody is linked to it as to an ultrapeer.
type mark uint8

const (
	vouchers mark = 0x0f
	waits    mark = 0x10
	visited  mark = 0x20
	held     mark = 0x40
	peer     mark = 0x80
)

// Hosts are ranked by the binary order of the number of their vouchers: 1, 2 or 3, 4 to 7, 8 and more. A rank has two
// levels, the upper one for ultrapeers.
const (
	maxVouchers = 8
	levels      = 2 * 4
)

func (m mark) level() int {
	rank := bits.Len8(uint8(max(m&vouchers, 1))) - 1
	if m&peer != 0 {
		return 2*rank + 1
	}
	return 2 * rank
}

// A promise is a host that is to be visited again.
type promise struct {
	host uint32
	due  time.Time
}

// newFrontier makes an empty frontier. Under a seed other than 0 it draws lots; unless word is 0, it hands so many hosts out
// that one and the same host alone has named.
func newFrontier(seed uint64, word int) *frontier {
	f := &frontier{known: roll.New(), word: word, spent: make(map[uint32]int)}
	if seed != 0 {
		f.lot = rand.New(rand.NewPCG(seed, seed))
	}
	return f
}

// know marks a host as heard of and visited without queueing it.
func (f *frontier) know(e probe.Endpoint) {
	if n := f.add(e); n != 0 {
		f.at(n).mark |= visited
	}
}

// recall takes who vouched for a host in an earlier run: how many did, and one of them. A visited host for which nobody else
// did was handed out on that one's word.
func (f *frontier) recall(n uint32, by probe.Endpoint, times int) {
	if times == 0 {
		return
	}
	voucher := f.add(by)
	s := f.at(n)
	before := s.mark.level()
	s.mark = s.mark&^vouchers | mark(min(times, maxVouchers))
	s.voucher = voucher
	switch {
	case s.mark&visited != 0 && times == 1 && f.word > 0:
		f.spent[voucher]++
	case s.mark&waits != 0 && s.mark.level() > before:
		f.queues[s.mark.level()].push(n)
	}
}

// number returns that of a host, 0 when it was not heard of.
func (f *frontier) number(e probe.Endpoint) uint32 { return f.known.Find(e.Addr) }

// hear queues a host that was not heard of before, and counts who vouches for it. Voucher 0 is nobody in particular; a host
// that names another repeatedly in one visit counts once. Whoever is linked to the host as to an ultrapeer says so by asPeer.
func (f *frontier) hear(e probe.Endpoint, voucher uint32, asPeer bool) {
	heard := f.heard()
	n := f.add(e)
	if n == 0 {
		return
	}
	s := f.at(n)
	before := s.mark.level()
	if asPeer {
		s.mark |= peer
	}
	fresh := f.heard() > heard
	more := fresh || s.voucher != voucher && s.mark&vouchers < maxVouchers
	if more {
		s.mark++
		s.voucher = voucher
	}
	if fresh || more && s.mark&held != 0 {
		s.mark = s.mark&^held | waits
		f.waiting++
		f.queues[s.mark.level()].push(n)
		return
	}
	if s.mark&waits != 0 && s.mark.level() > before {
		f.queues[s.mark.level()].push(n) // and stays in the lower queue, which will pass over it
	}
}

// add returns the number of a host, and 0 for what is no address of this network that can be visited.
func (f *frontier) add(e probe.Endpoint) uint32 {
	if f.network == "" {
		f.network = e.Network
	}
	if !e.Addr.IsValid() || e.Addr.Port() == 0 || e.Network != f.network {
		return 0
	}
	n, added := f.known.Add(e.Addr)
	if added {
		f.hosts = append(f.hosts, standing{})
	}
	return n
}

func (f *frontier) at(n uint32) *standing { return &f.hosts[n-1] }

// next takes the host whose turn it is, and false when none waits.
func (f *frontier) next() (probe.Endpoint, bool) {
	for level := levels - 1; level >= 0; level-- {
		for n, ok := f.queues[level].pop(f.lot); ok; n, ok = f.queues[level].pop(f.lot) {
			s := f.at(n)
			if s.mark&waits == 0 || s.mark.level() != level {
				continue // it has risen to a higher queue
			}
			s.mark &^= waits
			f.waiting--
			if f.holds(s) {
				s.mark |= held
				f.held = append(f.held, n)
				continue
			}
			return f.endpoint(n), true
		}
	}
	return probe.Endpoint{}, false
}

// holds tells whether a host is held back because whoever alone has named it named too many others; if not, it is counted.
func (f *frontier) holds(s *standing) bool {
	if f.word == 0 || s.mark&vouchers != 1 || s.voucher == 0 {
		return false
	}
	if f.spent[s.voucher] >= f.word {
		return true
	}
	f.spent[s.voucher]++
	return false
}

// dismiss takes a host that is held back still, and false when there is none.
func (f *frontier) dismiss() (probe.Endpoint, bool) {
	for len(f.held) > 0 {
		n := f.held[len(f.held)-1]
		f.held = f.held[:len(f.held)-1]
		if s := f.at(n); s.mark&held != 0 {
			s.mark &^= held
			return f.endpoint(n), true
		}
	}
	return probe.Endpoint{}, false
}

func (f *frontier) endpoint(n uint32) probe.Endpoint {
	return probe.Endpoint{Network: f.network, Addr: f.known.At(n)}
}

// visit marks a host as visited, and tells whether it was the first time.
func (f *frontier) visit(n uint32) bool {
	s := f.at(n)
	first := s.mark&visited == 0
	s.mark |= visited
	return first
}

// again promises a host another visit. Promises are given in the order of their times.
func (f *frontier) again(n uint32, due time.Time) { f.later = append(f.later, promise{n, due}) }

// promised returns how many hosts are to be visited again, and when the first one is due.
func (f *frontier) promised() (n int, due time.Time) {
	if len(f.later) == 0 {
		return 0, time.Time{}
	}
	return len(f.later), f.later[0].due
}

// keep takes the host that was promised another visit first.
func (f *frontier) keep() probe.Endpoint {
	n := f.later[0].host
	f.later = f.later[1:]
	return f.endpoint(n)
}

func (f *frontier) heard() int  { return f.known.Len() }
func (f *frontier) queued() int { return f.waiting }

// A queue holds numbers of hosts.
type queue struct {
	numbers []uint32
	head    int // the first one; those before it are gone
}

func (q *queue) push(n uint32) { q.numbers = append(q.numbers, n) }

// pop takes the first number, or one that is drawn.
func (q *queue) pop(lot *rand.Rand) (n uint32, ok bool) {
	length := len(q.numbers) - q.head
	if length == 0 {
		return 0, false
	}
	if lot != nil {
		drawn := q.head + lot.IntN(length)
		q.numbers[q.head], q.numbers[drawn] = q.numbers[drawn], q.numbers[q.head]
	}
	n = q.numbers[q.head]
	q.head++
	if 2*q.head >= cap(q.numbers) { // half of the room is unused
		q.numbers = slices.Delete(q.numbers, 0, q.head)
		q.head = 0
	}
	return n, true
}
