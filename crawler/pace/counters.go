package pace

import "sync/atomic"

// Traffic is what a Pacer let through since it was made.
type Traffic struct {
	Opens     int64 // attempts to connect
	Datagrams int64
	Bytes     int64 // that were sent
}

type counters struct {
	packets [packets]atomic.Int64
	bytes   atomic.Int64
}

func (c *counters) count(k kind, bytes int) {
	c.packets[k].Add(1)
	c.bytes.Add(int64(bytes))
}

// Traffic tells what was let through until now.
func (p *Pacer) Traffic() Traffic {
	c := &p.counters
	return Traffic{
		Opens: c.packets[opening].Load(), Datagrams: c.packets[datagram].Load(), Bytes: c.bytes.Load(),
	}
}

// Slowed returns the packets a second to which the Pacer has slowed itself down because this side is the limit, 0 when it has
// not.
func (p *Pacer) Slowed() float64 {
	p.brake.mu.Lock()
	defer p.brake.mu.Unlock()
	return p.brake.rate
}
