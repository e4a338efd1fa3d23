package servent

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// mostErrands is how many errands are done at once, and how many more may wait.
const mostErrands = 64

// Errands are connections that the node opens because a message asked for it, each in a goroutine of its own.
type errands chan func(context.Context)

func newErrands() errands { return make(errands, mostErrands) }

// run does errands until ctx ends.
func (e errands) run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	free := make(chan struct{}, mostErrands)
	for {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return
		}
		select {
		case do := <-e:
			running.Go(func() {
				defer func() { <-free }()
				do(ctx)
			})
		case <-ctx.Done():
			return
		}
	}
}

// add hands over an errand; where there are too many, it is not done.
func (e errands) add(do func(context.Context)) {
	select {
	case e <- do:
	default:
	}
}

// quotaHosts is how many addresses a quota knows at most.
const quotaHosts = 4096

// A quota limits how often the node does something for an address, or to it because somebody asked for it: so nobody can aim
// it at a third host.
type quota struct {
	most int // within …
	per  time.Duration

	mu    sync.Mutex
	hosts map[netip.Addr]*use
}

// A use is how much of its quota an address has had.
type use struct {
	since  time.Time // when counting began
	count  int
	barred time.Time // until
}

func newQuota(most int, per time.Duration) *quota {
	return &quota{most: most, per: per, hosts: make(map[netip.Addr]*use)}
}

// take counts a connection to an address, if it may be made.
func (q *quota) take(host netip.Addr) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	u, now := q.use(host), time.Now()
	if u == nil || now.Before(u.barred) {
		return false
	}
	if now.Sub(u.since) >= q.per {
		u.since, u.count = now, 0
	}
	u.count++
	return u.count <= q.most
}

// bar makes the quota of an address empty for a while.
func (q *quota) bar(host netip.Addr, d time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if u := q.use(host); u != nil {
		u.barred = time.Now().Add(d)
	}
}

// use returns that of an address, nil when there are too many others. The caller holds mu.
func (q *quota) use(host netip.Addr) *use {
	host = network(host)
	u := q.hosts[host]
	if u == nil {
		if len(q.hosts) >= quotaHosts {
			q.forget(time.Now())
		}
		if len(q.hosts) >= quotaHosts {
			return nil
		}
		u = &use{}
		q.hosts[host] = u
	}
	return u
}

// forget makes room: it forgets the addresses whose quota is whole again.
func (q *quota) forget(now time.Time) {
	for host, u := range q.hosts {
		if now.Sub(u.since) >= q.per && !now.Before(u.barred) {
			delete(q.hosts, host)
		}
	}
}
