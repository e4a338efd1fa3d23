package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"gnucensus/servent/message"
)

// Intervals and numbers that keep whoever asks UDP host caches welcome.
const (
	udpPeriod = 10 * time.Minute // between two PINGs to one cache: GhostWhiteCrab answers three in that time
	udpDead   = time.Hour        // after no answer
	udpAtOnce = 3
	maxCaches = 100 // of each kind, those learned counted
	maxName   = 255 // bytes of the name of one that is learned
	maxErrors = 16  // that a failure names
)

// A FinderConfig says whom a [Finder] may ask, and by what.
type FinderConfig struct {
	UDPCaches []string // host:port
	WebCaches []string // addresses of http or https
	Learn     bool     // caches that caches name are asked, too

	// Resolve finds the addresses of a UDP host cache, host:port. Ask sends one of them a PING and waits for its PONG.
	Resolve func(ctx context.Context, cache string) ([]netip.AddrPort, error)
	Ask     func(ctx context.Context, to netip.AddrPort, ping *message.Ping) (*message.Pong, error)
	Wishes  uint8      // what UDP host caches are asked for: the SCP constants of package ggep
	Web     *WebCaches // asks the others

	Calendar *Calendar    // of the UDP host caches; nil: one without a file
	Log      *slog.Logger // nil: discards
}

// A Finder asks caches for hosts: UDP host caches, which a question costs next to nothing, and GWebCaches only when those do not
// name enough. It asks them in random order, a few at once or one after another, and nobody before its time. It is for one
// goroutine at a time.
type Finder struct {
	cfg  FinderConfig
	ping *message.Ping
}

// NewFinder returns a finder that has asked nobody yet.
func NewFinder(cfg FinderConfig) (*Finder, error) {
	if len(cfg.UDPCaches) > 0 && (cfg.Ask == nil || cfg.Resolve == nil) || len(cfg.WebCaches) > 0 && cfg.Web == nil {
		return nil, errors.New("find hosts: there are caches, and no way to ask them")
	}
	if cfg.Calendar == nil {
		cfg.Calendar = &Calendar{next: make(map[string]time.Time)}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.UDPCaches, cfg.WebCaches = slices.Clone(cfg.UDPCaches), slices.Clone(cfg.WebCaches)
	ping, err := Ask(cfg.Wishes)
	if err != nil {
		return nil, err
	}
	return &Finder{cfg: cfg, ping: ping}, nil
}

// Find asks caches until they have named enough hosts, or all have been asked that may be. When nobody named a host it returns
// an error, which says why of each cache, up to sixteen; [ErrTooSoon] is in it where that is a reason.
func (f *Finder) Find(ctx context.Context, enough int) ([]netip.AddrPort, error) {
	found := &finding{named: make(map[netip.AddrPort]bool)}
	f.askUDP(ctx, found, enough)
	f.askWeb(ctx, found, enough)
	if len(found.hosts) > 0 {
		return found.hosts, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("find hosts: %w", err)
	}
	if len(found.errs) == 0 {
		return nil, errors.New("find hosts: there are no caches to ask")
	}
	return nil, fmt.Errorf("find hosts: no cache named any: %w", errors.Join(found.errs...))
}

// A finding gathers what caches name.
type finding struct {
	mu    sync.Mutex
	hosts []netip.AddrPort
	named map[netip.AddrPort]bool
	errs  []error
}

func (f *finding) add(hosts ...netip.AddrPort) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range hosts {
		if h = netip.AddrPortFrom(h.Addr().Unmap(), h.Port()); !f.named[h] {
			f.named[h] = true
			f.hosts = append(f.hosts, h)
		}
	}
}

func (f *finding) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.errs) < maxErrors {
		f.errs = append(f.errs, err)
	}
}

func (f *Finder) askUDP(ctx context.Context, found *finding, enough int) {
	var learned []string
	for group := range slices.Chunk(shuffled(f.cfg.UDPCaches), udpAtOnce) {
		if ctx.Err() != nil || len(found.hosts) >= enough {
			break
		}
		var asking sync.WaitGroup
		for _, cache := range group {
			asking.Go(func() {
				hosts, caches, err := f.askOne(ctx, cache)
				if err != nil {
					f.cfg.Log.Debug("no hosts", "cache", cache, "err", err)
					found.fail(err)
					return
				}
				found.add(hosts...)
				found.mu.Lock()
				defer found.mu.Unlock()
				learned = append(learned, caches...)
			})
		}
		asking.Wait()
	}
	f.learn(&f.cfg.UDPCaches, learned)
}

// askOne asks a UDP host cache, at its first address that answers.
func (f *Finder) askOne(ctx context.Context, cache string) (hosts []netip.AddrPort, caches []string, err error) {
	if err := f.cfg.Calendar.admit(cache, time.Now(), udpDead); err != nil {
		return nil, nil, fmt.Errorf("ask %s: %w", cache, err)
	}
	period := againPeriod
	addrs, err := f.cfg.Resolve(ctx, cache)
	for _, addr := range addrs {
		var pong *message.Pong
		if pong, err = f.cfg.Ask(ctx, addr, f.ping); err == nil {
			hosts, caches = Hosts(pong)
			period = udpPeriod
			break
		}
		if ctx.Err() == nil {
			period = udpDead
		}
	}
	if err == nil && len(addrs) == 0 {
		err = errors.New("it has no address")
	}
	if err = errors.Join(err, f.cfg.Calendar.settle(cache, time.Now(), period)); err != nil {
		return hosts, caches, fmt.Errorf("ask %s: %w", cache, err)
	}
	return hosts, caches, nil
}

func (f *Finder) askWeb(ctx context.Context, found *finding, enough int) {
	var learned, learnedUDP []string
	for _, cache := range shuffled(f.cfg.WebCaches) {
		if ctx.Err() != nil || len(found.hosts) >= enough {
			break
		}
		reply, err := f.cfg.Web.Get(ctx, cache)
		if err != nil {
			f.cfg.Log.Debug("no hosts", "cache", cache, "err", err)
			found.fail(err)
		}
		for _, h := range reply.Hosts {
			found.add(h.Addr)
		}
		learned, learnedUDP = append(learned, reply.Caches...), append(learnedUDP, reply.UDPCaches...)
	}
	f.learn(&f.cfg.WebCaches, learned)
	f.learn(&f.cfg.UDPCaches, learnedUDP)
}

// learn adds caches that caches named, where that is wanted.
func (f *Finder) learn(known *[]string, caches []string) {
	for _, c := range caches {
		named := len(c) <= maxName && !strings.ContainsFunc(c, isOdd)
		if f.cfg.Learn && named && len(*known) < maxCaches && !slices.Contains(*known, c) {
			*known = append(*known, c)
		}
	}
}

// isOdd tells whether a character has no place in the name of a cache.
func isOdd(r rune) bool { return r <= ' ' || r > '~' }

// shuffled returns a copy in random order, so that not all the world asks the same cache first.
func shuffled(caches []string) []string {
	caches = slices.Clone(caches)
	rand.Shuffle(len(caches), func(i, j int) { caches[i], caches[j] = caches[j], caches[i] })
	return caches
}
