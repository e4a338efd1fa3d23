// Package pace is the one way out of a census: every connection and every datagram passes a [Pacer], which refuses what is
// out of scope or excluded before anything is sent, and makes the rest wait for its turn.
//
// The rates are token buckets, for attempts to connect, for datagrams and for bytes that are sent, each to all hosts together,
// to a /16 (/48 of IPv6), to a /24 (/64) and to one host. Over any window W, no more than rate·W + burst arrives; [TotalBurst],
// [WideBurst], [NearBurst], [HostBurst] and [ByteBurst] are the bursts. When this side turns out to be the limit, the Pacer
// slows down by itself, and says so.
//
// A Pacer opens connections and sockets like package net, so that it can stand where a servent expects a network.
package pace

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits says how fast and where to. Rates are a second; 0 means no limit, which only [Lab] scope allows.
type Limits struct {
	Scope     Scope
	Visits    float64 // visits, to all hosts together
	Opens     Rates   // attempts to connect
	Datagrams Rates
	Bytes     Rates         // that are sent, of datagrams and on connections
	Jitter    time.Duration // a packet is put off by chance for so long at most, before it waits for its turn; 0: it is not

	Connections     int // open at a time; 0: no bound
	ConnectionsNear int // of these, to one /24 or /64; 0: no bound
	Attempts        int // packets to an address that nothing has come from; 0: no bound
	Strangers       int // such addresses in one /24 or /64; 0: no bound

	Connect time.Duration // bound on an attempt to connect, the wait for its turn not counted; 0: 5 s
	Exclude *Exclusions   // nobody is excluded when nil
	Log     *slog.Logger  // nil: no log
}

// Default returns the limits for a scope: polite in [Live], nearly none in [Lab].
func Default(s Scope) Limits {
	l := Limits{Scope: s, Attempts: 3, Connect: 5 * time.Second}
	if s == Live {
		l.Visits = 20
		l.Opens = Rates{Total: 20, Wide: 4, Near: 0.5, Host: 0.2}
		l.Datagrams = Rates{Total: 100, Wide: 10, Near: 2, Host: 1}
		l.Bytes = Rates{Total: 64 << 10, Wide: 16 << 10, Near: 4 << 10, Host: 2 << 10}
		l.Jitter = 200 * time.Millisecond
		l.Connections, l.ConnectionsNear = 200, 4
		l.Strangers = 32
	}
	return l
}

// Validate reports limits that make no sense, or that are too loose for their scope.
func (l Limits) Validate() error {
	if l.Scope != Live && l.Scope != Lab {
		return fmt.Errorf("configure pace: unknown scope %d", l.Scope)
	}
	if l.Connect < 0 || l.Jitter < 0 {
		return errors.New("configure pace: times must not be negative")
	}
	bounds := []int{l.Connections, l.ConnectionsNear, l.Attempts, l.Strangers}
	if slices.Min(bounds) < 0 || l.Scope == Live && slices.Min(bounds) == 0 {
		return fmt.Errorf("configure pace: %v are no bounds; 0, which means none, is for lab scope only", bounds)
	}
	rates := slices.Concat([]float64{l.Visits}, l.Opens.each(), l.Datagrams.each(), l.Bytes.each())
	for _, r := range rates {
		if !(r >= 0 && r <= math.MaxInt32) {
			return fmt.Errorf("configure pace: %v is not a rate", r)
		}
		if r == 0 && l.Scope == Live {
			return errors.New("configure pace: a rate of 0, which means no limit, is for lab scope only")
		}
	}
	return nil
}

// A Pacer is safe for concurrent use.
type Pacer struct {
	limits    Limits
	dialer    net.Dialer
	started   time.Time
	own       map[netip.Addr]bool // addresses of this machine that the scope holds
	strangers *strangers
	seats     *seats
	brake     *brake
	counters  counters

	mu     sync.Mutex      // a packet takes from all meters at once, or waits
	visits *rate.Limiter   // nil: no limit
	packet [packets]meters // by kind
	bytes  meters
}

// A kind of packet.
type kind int

const (
	opening kind = iota // an attempt to connect
	datagram
	packets
)

// New makes a Pacer, or reports what [Limits.Validate] does.
func New(l Limits) (*Pacer, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	if l.Connect == 0 {
		l.Connect = Default(l.Scope).Connect
	}
	if l.Log == nil {
		l.Log = slog.New(slog.DiscardHandler)
	}
	own, err := l.Scope.own()
	if err != nil {
		return nil, err
	}
	return &Pacer{
		limits: l, dialer: net.Dialer{Timeout: l.Connect, KeepAlive: -1}, started: time.Now(), own: own,
		strangers: newStrangers(l.Attempts, l.Strangers),
		seats:     newSeats(l.Connections, l.ConnectionsNear),
		brake:     &brake{log: l.Log},
		visits:    newLimiter(l.Visits, totalBucket(l.Visits)),
		packet:    [packets]meters{opening: l.Opens.meters(), datagram: l.Datagrams.meters()},
		bytes:     l.Bytes.byteMeters(),
	}, nil
}

// Admit tells how many of n visits may begin now, and if none, how long to wait before asking again. It looks at the exclusions,
// so that nobody who is excluded by now is visited.
func (p *Pacer) Admit(n int) (granted int, wait time.Duration) {
	p.limits.Exclude.Refresh()
	if p.visits == nil {
		return n, 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Since(p.started)
	granted = min(n, int(p.visits.TokensAt(clock(now))))
	if granted < 1 {
		return 0, waitFor(p.visits, 1, now)
	}
	p.visits.AllowN(clock(now), granted)
	return granted, 0
}

// Recall says that an earlier run has sent so many packets to an address that nothing came from: they count against
// Limits.Attempts and Limits.Strangers.
func (p *Pacer) Recall(a netip.Addr, sent int) { p.strangers.recall(a.Unmap(), sent) }

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
	return p.dial(ctx, to, p.Permit)
}

// dial connects, once more and again when it is this side that fails.
func (p *Pacer) dial(ctx context.Context, to netip.AddrPort, permit permission) (net.Conn, error) {
	for attempt := 0; ; attempt++ {
		c, err := p.dialOnce(ctx, to, permit)
		if err == nil || !tryAgain(err, attempt) {
			return c, err
		}
		if err := sleep(ctx, nil, time.Second<<attempt); err != nil {
			return nil, err
		}
	}
}

func (p *Pacer) dialOnce(ctx context.Context, to netip.AddrPort, permit permission) (net.Conn, error) {
	if err := p.refuse(to, permit); err != nil {
		return nil, err // nobody waits for a refusal
	}
	a := to.Addr().Unmap()
	leave, err := p.seats.take(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := p.turn(ctx, nil, to, opening, 0, permit); err != nil {
		leave()
		return nil, err
	}
	begun := time.Since(p.started)
	c, err := p.dialer.DialContext(ctx, "tcp", to.String())
	if ctx.Err() == nil {
		err = p.dialled(a, begun, err)
	}
	if err != nil {
		leave()
		return nil, err
	}
	p.strangers.heard(a)
	open, cancel := context.WithCancel(context.WithoutCancel(ctx))
	return &conn{TCPConn: c.(*net.TCPConn), pacer: p, to: a, open: open, shut: func() { cancel(); leave() }}, nil
}

// dialled takes the result of an attempt to connect to an address that was not cut off, and returns it, as our own failure
// where it is.
func (p *Pacer) dialled(a netip.Addr, begun time.Duration, err error) error {
	p.takeBack(a, err)
	return p.brake.dialled(begun, time.Since(p.started), err)
}

// sent takes the result of sending a datagram to an address, and returns it, as our own failure where it is.
func (p *Pacer) sent(a netip.Addr, err error) error {
	p.takeBack(a, err)
	return p.brake.sent(time.Since(p.started), err)
}

// takeBack counts a packet as not sent that this side failed to send: nobody is to be passed over for what never reached him.
func (p *Pacer) takeBack(a netip.Addr, err error) {
	if err != nil && ours(err) {
		p.strangers.unsent(a)
	}
}

// A permission returns a [*ScopeError] when nothing may be sent to an address.
type permission func(netip.AddrPort) error

// refuse returns a [*ScopeError] when nothing may be sent to the address as things stand.
func (p *Pacer) refuse(to netip.AddrPort, permit permission) error {
	if err := permit(to); err != nil {
		return err
	}
	if reason := p.strangers.forbids(to.Addr().Unmap(), false); reason != "" {
		return &ScopeError{Addr: to, Reason: reason}
	}
	return nil
}

// turn waits until a packet with so many bytes may leave for the address, or until ctx ends or gone is closed. Scope and
// exclusions, by permit, are looked at before the wait, so that nobody waits for a refusal, and after it, so that an opt-out is
// not overtaken by a packet that has waited.
func (p *Pacer) turn(ctx context.Context, gone <-chan struct{}, to netip.AddrPort, k kind, bytes int, permit permission) error {
	if err := p.refuse(to, permit); err != nil {
		return err
	}
	if p.limits.Jitter > 0 {
		if err := sleep(ctx, gone, rand.N(p.limits.Jitter)); err != nil {
			return fmt.Errorf("wait for the rate of packets to %v: %w", to, err)
		}
	}
	for {
		wait, err := p.ask(to, k, bytes, permit)
		if err != nil || wait == 0 {
			return err
		}
		if err := sleep(ctx, gone, wait); err != nil {
			return fmt.Errorf("wait for the rate of packets to %v: %w", to, err)
		}
	}
}

// ask takes the share of a packet with so many bytes that leaves now, or takes nothing and returns how long to wait before
// asking again. Its error is a [*ScopeError].
func (p *Pacer) ask(to netip.AddrPort, k kind, bytes int, permit permission) (wait time.Duration, err error) {
	if err := permit(to); err != nil {
		return 0, err
	}
	a := to.Addr().Unmap()
	now := time.Since(p.started)
	if wait := p.brake.wait(now); wait > 0 {
		return wait, nil
	}
	if wait := p.share(a, k, bytes, now); wait > 0 {
		return wait, nil
	}
	if reason := p.strangers.forbids(a, true); reason != "" {
		return 0, &ScopeError{Addr: to, Reason: reason}
	}
	p.brake.pass(now)
	p.counters.count(k, bytes)
	return 0, nil
}

// share takes a packet and its bytes from all meters at once, or returns how long to wait.
func (p *Pacer) share(a netip.Addr, k kind, bytes int, now time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := p.packet[k].wait(a, 1, now)
	if bytes > 0 {
		wait = max(wait, p.bytes.wait(a, bytes, now))
	}
	if wait > 0 {
		return wait
	}
	p.packet[k].take(a, 1, now)
	if bytes > 0 {
		p.bytes.take(a, bytes, now)
	}
	return 0
}

// drain waits until bytes may leave on a connection.
func (p *Pacer) drain(ctx context.Context, a netip.Addr, bytes int) error {
	for {
		p.mu.Lock()
		now := time.Since(p.started)
		wait := p.bytes.wait(a, bytes, now)
		if wait == 0 {
			p.bytes.take(a, bytes, now)
		}
		p.mu.Unlock()
		if wait == 0 {
			p.counters.bytes.Add(int64(bytes))
			return ctx.Err()
		}
		if err := sleep(ctx, nil, wait); err != nil {
			return err
		}
	}
}

// spare takes the share of bytes that may leave on a connection now, and tells whether they may.
func (p *Pacer) spare(a netip.Addr, bytes int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Since(p.started)
	if p.bytes.wait(a, bytes, now) > 0 {
		return false
	}
	p.bytes.take(a, bytes, now)
	p.counters.bytes.Add(int64(bytes))
	return true
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
