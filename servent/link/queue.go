package link

import (
	"bytes"
	"sync"

	"gnucensus/servent/message"
)

// A Packet is a message as it goes over the wire: encoded once, it can be sent over many links. It never changes.
type Packet struct{ wire []byte }

// Pack encodes a message. The error is one of the message itself.
func Pack(m message.Message) (Packet, error) {
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	var err error
	*b, err = message.Append((*b)[:0], m)
	return Packet{bytes.Clone(*b)}, err
}

// buffers hold messages while they are encoded or written.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func (p Packet) kind() message.Type { return message.Type(p.wire[16]) }
func (p Packet) hops() uint8        { return p.wire[18] }

// A class is what a message is worth when not everything can be sent.
type class uint8

// The classes, those that are dropped first before those that are dropped later.
const (
	others  class = iota // PONGs that tell of others
	queries              // many, and most of them find nothing
	hits                 // they have come a long way, and nobody sends them again
	pushes               // somebody waits for them
	control              // what the two ends of the link say to each other; never dropped
	urgent               // hops flow: it is of use only as long as the queue is full, so it overtakes all others
	classes
)

// hopsFlow is how the payload of such a vendor message begins: vendor and selector.
var hopsFlow = (&message.HopsFlow{}).Vendor().Append(nil)[:6]

func (p Packet) class() class {
	switch p.kind() {
	case message.TypePong:
		if p.hops() > 0 {
			return others
		}
	case message.TypeQuery:
		return queries
	case message.TypeQueryHit:
		return hits
	case message.TypePush:
		return pushes
	case message.TypeVendor:
		if bytes.HasPrefix(p.wire[message.HeaderLen:], hopsFlow) {
			return urgent
		}
	}
	return control
}

// A queue holds packets that wait to be sent. They leave in the order in which they came, the urgent ones first.
type queue struct {
	bytes   int
	last    uint64 // number of the packet that came last
	waiting [classes]fifo
}

// push adds a packet to a queue of so many bytes. To make room it drops what is worth least: the oldest packet of the lowest
// class, or the new one, when all others are worth more. It tells whether there was room at all, which there is always but
// where nothing may be dropped.
func (q *queue) push(p Packet, limit int, dropped func(Packet)) bool {
	c := p.class()
	for q.bytes > 0 && q.bytes+len(p.wire) > limit {
		lowest := q.lowest()
		switch {
		case lowest <= c && lowest < control:
			dropped(q.take(lowest))
		case c < control:
			dropped(p)
			return true
		default:
			return false
		}
	}
	number := uint64(0)
	if c != urgent {
		q.last++
		number = q.last
	}
	q.waiting[c].push(numbered{p, number})
	q.bytes += len(p.wire)
	return true
}

// lowest returns the lowest class of which a packet waits. The queue is not empty.
func (q *queue) lowest() class {
	c := class(0)
	for q.waiting[c].empty() {
		c++
	}
	return c
}

// pop takes the oldest packet of all.
func (q *queue) pop() (Packet, bool) {
	oldest := classes
	for c := range classes {
		if !q.waiting[c].empty() && (oldest == classes || q.waiting[c].first().number < q.waiting[oldest].first().number) {
			oldest = c
		}
	}
	if oldest == classes {
		return Packet{}, false
	}
	return q.take(oldest), true
}

func (q *queue) take(c class) Packet {
	p := q.waiting[c].pop()
	q.bytes -= len(p.wire)
	return p.Packet
}

// A numbered packet knows when it came.
type numbered struct {
	Packet
	number uint64 // 0: before all others
}

// A fifo holds packets in the order in which they came.
type fifo struct {
	packets []numbered
	head    int // packets that have left
}

func (f *fifo) empty() bool      { return f.head == len(f.packets) }
func (f *fifo) first() *numbered { return &f.packets[f.head] }

// maxIdle is how much room an empty fifo keeps, in packets.
const maxIdle = 8

func (f *fifo) push(p numbered) {
	if len(f.packets) == cap(f.packets) && f.head > len(f.packets)/2 {
		n := copy(f.packets, f.packets[f.head:])
		clear(f.packets[n:])
		f.packets, f.head = f.packets[:n], 0
	}
	f.packets = append(f.packets, p)
}

func (f *fifo) pop() numbered {
	p := f.packets[f.head]
	f.packets[f.head] = numbered{} // others may hold the bytes too, but not because of us
	f.head++
	if f.empty() {
		f.packets, f.head = f.packets[:0], 0
		if cap(f.packets) > maxIdle {
			f.packets = nil
		}
	}
	return p
}
