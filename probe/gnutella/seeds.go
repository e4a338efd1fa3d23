package gnutella

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"gnucensus/probe"
	"gnucensus/servent/bootstrap"
	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// A Door leads to the caches, which are known by name; see [bootstrap.FinderConfig] and [bootstrap.WebConfig].
type Door interface {
	Resolve(ctx context.Context, cache string) ([]netip.AddrPort, error)
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
}

// SeedConfig says where the first hosts of a walk come from.
type SeedConfig struct {
	Net     Net    // the way out for PINGs
	Door    Door   // the way to caches; nil: none is asked
	Agent   string // software and version, for User-Agent
	Contact string // where whoever wonders can write to, for User-Agent

	Known     *bootstrap.HostFile // hosts of a node's memory, which spare the caches; nil: there are none
	UDPCaches []string            // host:port
	WebCaches []string            // addresses of http or https
	Calendar  *bootstrap.Calendar // when caches may be asked again; nil: it ends with the Seeder

	Enough int           // hosts that are enough to begin with; 0: 50
	UDP    time.Duration // how long an answer to a PING is waited for; 0: 5 s
	Log    *slog.Logger  // nil: no log
}

const defaultEnough = 50

// A Seeder finds the first hosts of a walk. It is a [probe.Seeder].
type Seeder struct {
	cfg    SeedConfig
	finder *bootstrap.Finder // nil: there are no caches to ask
	udp    *questions
}

// NewSeeder makes a Seeder, or says what in the configuration makes no sense.
func NewSeeder(cfg SeedConfig) (*Seeder, error) {
	if cfg.Net == nil || cfg.Agent == "" {
		return nil, errors.New("configure seeds: a network and an agent are needed")
	}
	if cfg.Enough == 0 {
		cfg.Enough = defaultEnough
	}
	if cfg.UDP == 0 {
		cfg.UDP = defaultUDP
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Seeder{cfg: cfg, udp: newQuestions()}
	if cfg.Door == nil || len(cfg.UDPCaches)+len(cfg.WebCaches) == 0 {
		return s, nil
	}
	_, version, _ := strings.Cut(cfg.Agent, "/")
	web, err := bootstrap.NewWebCaches(bootstrap.WebConfig{
		Client: string(vendor.Code[:]), Version: version, Agent: agent(cfg.Agent, cfg.Contact), Crawler: true,
		Dial: cfg.Door.DialContext, Calendar: cfg.Calendar,
	})
	if err != nil {
		return nil, fmt.Errorf("configure seeds: %w", err)
	}
	s.finder, err = bootstrap.NewFinder(bootstrap.FinderConfig{
		UDPCaches: cfg.UDPCaches, WebCaches: cfg.WebCaches, Web: web, Calendar: cfg.Calendar,
		Resolve: cfg.Door.Resolve, Ask: s.ask, Wishes: ggep.SCPUltrapeer | ggep.SCPIPv6, Log: cfg.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("configure seeds: %w", err)
	}
	return s, nil
}

// Seeds returns hosts to begin a walk with: those remembered, and as long as they are too few, those that caches name. It is
// an error when there is none. It is called once.
func (s *Seeder) Seeds(ctx context.Context) ([]probe.Endpoint, error) {
	var r record // which keeps each host once, and what can be visited alone
	r.Network = probe.Gnutella
	if s.cfg.Known != nil {
		r.name(probe.Cached, s.cfg.Known.Hosts()...)
	}
	var err error
	if len(r.Peers) < s.cfg.Enough && s.finder != nil {
		var found []netip.AddrPort
		found, err = s.find(ctx, s.cfg.Enough-len(r.Peers))
		r.name(probe.Cached, found...)
	}
	if len(r.Peers) == 0 {
		if err == nil {
			err = errors.New("no host is remembered, and there is no cache to ask")
		}
		return nil, fmt.Errorf("find seeds: %w", err)
	}
	seeds := make([]probe.Endpoint, len(r.Peers))
	for i, p := range r.Peers {
		seeds[i] = p.Endpoint
	}
	return seeds, nil
}

// find asks the caches, with the socket for PINGs open meanwhile.
func (s *Seeder) find(ctx context.Context, enough int) ([]netip.AddrPort, error) {
	serving, hangUp := context.WithCancel(ctx)
	var socket sync.WaitGroup
	defer socket.Wait()
	defer hangUp()
	socket.Go(func() {
		if err := s.udp.serve(serving, s.cfg.Net, s.cfg.Log); err != nil && serving.Err() == nil {
			s.cfg.Log.Warn("UDP host caches cannot be asked", "err", err)
		}
	})
	return s.finder.Find(ctx, enough)
}

// ask sends a PING and waits for its PONG.
func (s *Seeder) ask(ctx context.Context, to netip.AddrPort, ping *message.Ping) (*message.Pong, error) {
	reply, err := s.udp.ask(ctx, to, ping, s.cfg.UDP)
	if err != nil {
		return nil, err
	}
	pong, ok := reply.Body.(*message.Pong)
	if !ok {
		return nil, fmt.Errorf("%v in answer to a PING", reply.Type())
	}
	return pong, nil
}
