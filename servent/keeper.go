package servent

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"gnucensus/servent/bootstrap"
	"gnucensus/servent/ggep"
	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// A Bootstrap says how many links a node wants, and where it finds hosts for them. It uses those that it remembers, those
// that others name in handshakes and PONGs, and, when there are none left, those of caches.
type Bootstrap struct {
	Links     int                 // to ultrapeers; a leaf is content with three; 0: it dials Config.Connect alone
	Seeds     []netip.AddrPort    // hosts to begin with
	Hosts     *bootstrap.HostFile // remembers hosts between runs; nil: nothing does
	UDPCaches []string            // host:port
	WebCaches []string            // addresses of http or https
	Calendar  *bootstrap.Calendar // when caches may be asked again; nil: it ends with the node
}

const (
	leafLinks  = 3
	maxDials   = 8                // at once
	findAgain  = time.Minute      // after the caches were asked; they have longer intervals of their own
	findEnough = 50               // hosts of caches
	saveEvery  = 10 * time.Minute // the host file
	tellEvery  = time.Hour        // a web cache of the node, which has run for as long
)

// A keeper holds the links that the node wants. A nil keeper wants none, and takes in nothing.
type keeper struct {
	node   *Node
	pool   *pool
	finder *bootstrap.Finder // nil: there are no caches
	web    *bootstrap.WebCaches
	wake   chan struct{} // holds a token when something has changed
}

// newKeeper returns nil for a node that wants no links.
func newKeeper(n *Node) (*keeper, error) {
	b := n.cfg.Bootstrap
	if b.Links == 0 {
		return nil, nil
	}
	k := &keeper{node: n, pool: newPool(), wake: make(chan struct{}, 1)}
	if len(b.UDPCaches)+len(b.WebCaches) == 0 {
		return k, nil
	}
	_, version, _ := strings.Cut(n.cfg.Agent, "/")
	web, err := bootstrap.NewWebCaches(bootstrap.WebConfig{
		Client: string(n.cfg.Vendor.Code[:]), Version: version, Agent: n.cfg.Agent,
		Dial: n.cfg.Net.DialContext, Calendar: b.Calendar, OnlyIPv6: !n.families().four,
	})
	if err != nil {
		return nil, err
	}
	wishes := n.families().wishes()
	if n.Role() == Ultrapeer {
		wishes |= ggep.SCPUltrapeer
	}
	k.web = web
	k.finder, err = bootstrap.NewFinder(bootstrap.FinderConfig{
		UDPCaches: b.UDPCaches, WebCaches: b.WebCaches, Learn: true, Web: web, Calendar: b.Calendar,
		Resolve: resolve, Ask: n.askPong, Wishes: wishes, Log: n.log,
	})
	return k, err
}

// resolve looks a UDP host cache up.
func resolve(ctx context.Context, cache string) ([]netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(cache)
	if err != nil {
		return nil, err
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "udp", port)
	if err != nil {
		return nil, err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	addrs := make([]netip.AddrPort, len(ips))
	for i, ip := range ips {
		addrs[i] = netip.AddrPortFrom(ip.Unmap(), uint16(number))
	}
	return addrs, err
}

// run holds the links until ctx ends.
func (k *keeper) run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	k.hear(k.node.cfg.Bootstrap.Seeds...)
	if file := k.node.cfg.Bootstrap.Hosts; file != nil {
		k.remember(file)
		defer k.save(file)
		running.Go(func() {
			for pause(ctx, saveEvery) {
				k.save(file)
			}
		})
	}
	if len(k.node.cfg.Bootstrap.WebCaches) > 0 {
		running.Go(func() {
			for pause(ctx, tellEvery) {
				k.announce(ctx)
			}
		})
	}
	shaken, found := make(chan struct{}, maxDials), make(chan struct{}, 1)
	dialling, finding := 0, false
	var nextFind time.Time
	for ctx.Err() == nil {
		for dialling < maxDials && k.missing() > 0 && k.dial(ctx, &running, shaken) {
			dialling++
		}
		if now := time.Now(); k.finder != nil && !finding && dialling == 0 && k.missing() > 0 && !now.Before(nextFind) {
			finding, nextFind = true, now.Add(findAgain)
			running.Go(func() {
				k.find(ctx)
				found <- struct{}{}
			})
		}
		again := time.NewTimer(k.idle(dialling, finding, nextFind))
		select {
		case <-shaken:
			dialling--
		case <-found:
			finding = false
		case <-k.wake:
		case <-again.C:
		case <-ctx.Done():
		}
		again.Stop()
	}
}

// idle is how long nothing needs to be done if nothing happens.
func (k *keeper) idle(dialling int, finding bool, nextFind time.Time) time.Duration {
	wait := findAgain
	if k.missing() <= 0 {
		return wait
	}
	if at, ok := k.pool.due(); ok && dialling < maxDials {
		wait = min(wait, time.Until(at))
	}
	if k.finder != nil && !finding && dialling == 0 {
		wait = min(wait, time.Until(nextFind))
	}
	return wait
}

// missing is how many links there are to be more.
func (k *keeper) missing() int {
	wanted := k.node.cfg.Bootstrap.Links
	if k.node.Role() == Leaf {
		wanted = min(wanted, leafLinks)
	}
	return wanted - k.node.seats.used(Ultrapeer)
}

// dial dials the next host, and says when its handshake is over. It tells whether there was one.
func (k *keeper) dial(ctx context.Context, running *sync.WaitGroup, shaken chan<- struct{}) bool {
	for {
		addr, ok := k.pool.take(time.Now())
		if !ok {
			return false
		}
		p := &peer{remote: addr, addr: addr, role: Ultrapeer}
		if k.node.seats.force(p) == twice {
			k.pool.release(addr, time.Now())
			continue
		}
		running.Go(func() {
			s, err := k.node.meet(ctx, p)
			k.learn(addr, s, err)
			shaken <- struct{}{}
			if err == nil {
				defer s.Conn.Close()
				k.node.serve(ctx, p, s)
				k.note(addr, false)
			}
		})
		return true
	}
}

// learn takes in what came of dialling a host.
func (k *keeper) learn(addr netip.AddrPort, s *handshake.Session, err error) {
	var refused *handshake.Refused
	switch {
	case err == nil:
		k.note(addr, true)
		k.hear(s.Theirs.Addrs("X-Try-Ultrapeers", "X-Try")...)
		return
	case errors.As(err, &refused):
		if ultrapeer, known := refused.Theirs.Bool("X-Ultrapeer"); known && !ultrapeer {
			k.pool.forget(addr)
		} else {
			k.note(addr, false)
		}
		k.hear(refused.TryUltrapeers()...)
	case k.pool.failed(addr, time.Now()) && k.node.cfg.Bootstrap.Hosts != nil && len(k.node.seats.linked()) > 0:
		k.node.cfg.Bootstrap.Hosts.Forget(addr) // and it is not our own network that is down
	}
	k.node.log.Debug("no link", "addr", addr, "err", err)
}

// note notes that a host is alive, and linked or not.
func (k *keeper) note(addr netip.AddrPort, linked bool) {
	now := time.Now()
	k.pool.answered(addr, now, linked)
	if file := k.node.cfg.Bootstrap.Hosts; file != nil {
		file.Saw(addr, now)
	}
}

// hear takes in hosts that somebody named, those that the node may dial.
func (k *keeper) hear(addrs ...netip.AddrPort) {
	if k == nil {
		return
	}
	var fit []netip.AddrPort
	for _, a := range addrs {
		if k.node.mayReach(a) {
			fit = append(fit, a)
		}
	}
	if k.pool.hear(time.Now(), fit...) {
		k.stir()
	}
}

// hearPong takes in the ultrapeer of a PONG.
func (k *keeper) hearPong(p *message.Pong) {
	if k == nil {
		return
	}
	if _, marked := p.GGEP().UP(); marked || p.Ultrapeer() {
		k.hear(p.Addrs()...)
	}
}

// stir makes the keeper look whether links are missing.
func (k *keeper) stir() {
	if k == nil {
		return
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// fresh returns hosts that answered not long ago.
func (k *keeper) fresh() []netip.AddrPort {
	if k == nil {
		return nil
	}
	return k.pool.fresh(time.Now())
}

// find asks caches for hosts.
func (k *keeper) find(ctx context.Context) {
	hosts, err := k.finder.Find(ctx, findEnough)
	switch {
	case err == nil:
		k.node.log.Info("caches named hosts", "n", len(hosts))
	case !errors.Is(err, bootstrap.ErrTooSoon) && ctx.Err() == nil:
		k.node.log.Warn("no cache named a host", "err", err)
	}
	k.hear(hosts...)
}

// announce tells a web cache of the node, if it is one to be told of: an ultrapeer that somebody has connected to. The caches
// live on what servents tell them.
func (k *keeper) announce(ctx context.Context) {
	n, caches := k.node, k.node.cfg.Bootstrap.WebCaches
	if n.Role() != Ultrapeer || !n.reached.Load() || n.walled() || !n.cfg.Addr.Addr().Is4() {
		return
	}
	cache := caches[rand.IntN(len(caches))]
	if _, err := k.web.Update(ctx, cache, n.addr(), ""); err != nil {
		n.log.Debug("not announced", "cache", cache, "err", err)
	}
}

// remember takes in the hosts of the file, as if the one seen last had been heard of last.
func (k *keeper) remember(file *bootstrap.HostFile) {
	hosts := file.Hosts()
	now := time.Now()
	for i, a := range hosts {
		if k.node.mayReach(a) {
			k.pool.hear(now.Add(-time.Duration(i)*time.Millisecond), a)
		}
	}
}

func (k *keeper) save(file *bootstrap.HostFile) {
	if err := file.Save(); err != nil {
		k.node.log.Error("hosts are not remembered", "err", err)
	}
}

// What no servent is at: ports below lowestPort are of services that have nothing to do with this, and IPv4 addresses whose
// first byte is classE or more have no use.
const (
	lowestPort = 1024
	classE     = 240
)

// mayReach tells whether the node may dial a host that a stranger named, or send it a datagram: it is one of the same part of the
// address space, and not the node itself.
func (n *Node) mayReach(a netip.AddrPort) bool {
	ip, own := a.Addr(), n.addr().Addr()
	return a.Port() >= lowestPort && n.families().has(a) && !n.isOwn(a) && ip.IsLoopback() == own.IsLoopback() &&
		(ip.IsGlobalUnicast() || ip.IsLoopback()) && (!ip.IsPrivate() || own.IsPrivate()) && !(ip.Is4() && ip.As4()[0] >= classE)
}
