// Package pace is the one way out of a census: every connection and every datagram passes a [Pacer], which refuses what is
// out of scope or excluded before anything is sent, and makes the rest wait for its turn.
//
// The rates are token buckets. Over any window W, no more than rate·W + burst packets leave: for one host [HostBurst], for
// one prefix (/24, or /48 of IPv6) [PrefixBurst]. A packet is here an attempt to connect or a datagram.
//
// A Pacer opens connections and sockets like package net, so that it can stand where a servent expects a network.
package pace

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bursts: what one visit sends to its host goes out without delay.
const (
	HostBurst   = 4
	PrefixBurst = 4
)

// Limits says how fast and where to. Rates are a second; 0 means no limit, which only [Lab] scope allows.
type Limits struct {
	Scope     Scope
	Visits    float64 // visits, to all hosts together
	PerPrefix float64 // packets to one /24 of IPv4, or one /48 of IPv6
	PerHost   float64 // packets to one address, whatever the port

	Connect time.Duration // bound on an attempt to connect, the wait for its turn not counted; 0: 5 s
	Exclude *Exclusions   // nobody is excluded when nil
}

// Default returns the limits for a scope: polite in [Live], none in [Lab].
func Default(s Scope) Limits {
	l := Limits{Scope: s, Connect: 5 * time.Second}
	if s == Live {
		l.Visits, l.PerPrefix, l.PerHost = 20, 2, 1
	}
	return l
}

// Validate reports limits that make no sense, or that are too loose for their scope.
func (l Limits) Validate() error {
	if l.Scope != Live && l.Scope != Lab {
		return fmt.Errorf("configure pace: unknown scope %d", l.Scope)
	}
	if l.Connect < 0 {
		return errors.New("configure pace: the time to connect must not be negative")
	}
	for _, rate := range []float64{l.Visits, l.PerPrefix, l.PerHost} {
		if !(rate >= 0 && rate <= math.MaxFloat32) {
			return fmt.Errorf("configure pace: %v is not a rate", rate)
		}
		if rate == 0 && l.Scope == Live {
			return errors.New("configure pace: a rate of 0, which means no limit, is for lab scope only")
		}
	}
	return nil
}

// A Pacer is safe for concurrent use.
type Pacer struct {
	limits Limits
	dialer net.Dialer
	visits *rate.Limiter // nil: no limit

	mu       sync.Mutex // a packet takes from both tables at once, or waits
	hosts    *table     // nil: no limit
	prefixes *table     // nil: no limit
}

// New makes a Pacer, or reports what [Limits.Validate] does.
func New(l Limits) (*Pacer, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	if l.Connect == 0 {
		l.Connect = Default(l.Scope).Connect
	}
	p := &Pacer{limits: l, dialer: net.Dialer{Timeout: l.Connect, KeepAlive: -1}}
	p.hosts = newTable(l.PerHost, HostBurst)
	p.prefixes = newTable(l.PerPrefix, PrefixBurst)
	if l.Visits > 0 {
		p.visits = rate.NewLimiter(rate.Limit(l.Visits), VisitBurst(l.Visits))
	}
	return p, nil
}

// VisitBurst is the burst of a rate of visits: what a tenth of a second lets through, so that coarse timers do not slow a
// fast crawl down.
func VisitBurst(perSecond float64) int { return 1 + int(perSecond/10) }

// Admit tells how many of n visits may begin now, and if none, how long to wait before asking again.
func (p *Pacer) Admit(n int) (granted int, wait time.Duration) {
	if p.visits == nil {
		return n, 0
	}
	now := time.Now()
	granted = min(n, int(p.visits.TokensAt(now)))
	if granted < 1 {
		return 0, until(p.visits, now)
	}
	p.visits.AllowN(now, granted)
	return granted, 0
}

// DialContext connects to an address and port by TCP. It first waits for its turn as long as ctx lasts, and then tries for
// Limits.Connect at most. Names are not resolved. Its error is a [*ScopeError] when the address is out of scope or excluded.
func (p *Pacer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return nil, net.UnknownNetworkError(network)
	}
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, &ScopeError{Reason: fmt.Sprintf("%q is not an address with a port", addr)}
	}
	if err := p.turn(ctx, nil, to, p.permit); err != nil {
		return nil, err
	}
	return p.dialer.DialContext(ctx, network, addr)
}

// turn waits until a packet may leave for the address, or until ctx ends or gone is closed. Scope and exclusions, by permit, are
// looked at before the wait, so that nobody waits for a refusal, and after it, so that an opt-out is not overtaken by a packet that has
// waited.
func (p *Pacer) turn(ctx context.Context, gone <-chan struct{}, to netip.AddrPort, permit func(netip.AddrPort) error) error {
	for {
		if err := permit(to); err != nil {
			return err
		}
		wait := p.take(to.Addr().Unmap(), time.Now())
		if wait == 0 {
			return nil
		}
		if err := sleep(ctx, gone, wait); err != nil {
			return fmt.Errorf("wait for the rate of packets to %v: %w", to, err)
		}
	}
}

// take takes one packet from the host's and the prefix's share at once and returns 0, or takes nothing and returns how long
// to wait before the next attempt.
func (p *Pacer) take(to netip.Addr, now time.Time) time.Duration {
	if p.hosts == nil && p.prefixes == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	host, prefix := p.hosts.limiter(to, to.BitLen(), now), p.prefixes.limiter(to, prefixLen(to), now)
	if wait := max(until(host, now), until(prefix, now)); wait > 0 {
		return wait
	}
	for _, l := range []*rate.Limiter{host, prefix} {
		if l != nil {
			l.AllowN(now, 1)
		}
	}
	return 0
}

func prefixLen(a netip.Addr) int {
	if a.Is4() {
		return 24
	}
	return 48
}

// sleep waits for d, and gives up when ctx ends or gone is closed.
func sleep(ctx context.Context, gone <-chan struct{}, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-gone:
		return net.ErrClosed
	}
}
