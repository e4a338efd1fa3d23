// Package gnutella visits the hosts of the Gnutella network: it asks a host for its links, for what it shares and for other
// hosts it knows, in every way that servents offer, and queries the network as a leaf.
//
// A visit holds these conversations, one after another, each of which becomes one observation:
//
//	method      of whom                                          gives
//	udp-ping    everybody                                        files, KiB, uptime, slots; hosts of its cache
//	udp-crawl   who answered udp-ping                            agent, its links
//	tcp-crawl   who has not told links, role and agent by UDP,   agent, its links; hosts to try instead
//	            or speaks IPv6
//	leaf        who does not know tcp-crawl, or has not told     agent, files, KiB, uptime; hosts of passing PONGs;
//	            its files; by the 0.4 handshake who hung up at   hosts to try instead
//	            that of 0.6 and has not answered otherwise
//	x-try       who refused tcp-crawl, named nobody, and was     hosts to try instead
//	            not asked by leaf
//	udp-crawl   again, for shorter lists: a gtk-gnutella that
//	            answered udp-ping and told its links by no means
//	udp-ping    again: who was silent to it, was met, and has    files, KiB, uptime, slots; hosts of its cache
//	            not told its files
//	guess       who says in udp-ping that it answers GUESS       other hosts that do
//
// A method that is switched off counts as one that was not needed. A refusal is taken as the answer that it is: who says that
// we come too often is left alone. With Config.Patient no host is asked on one subject sooner than servents allow: PINGs (of
// udp-ping and guess) a minute apart, udp-crawl ten minutes, or two of gtk-gnutella, tcp-crawl five, links one.
//
// Every conversation is bounded in time, by Config, and in what it keeps, so that a host that floods, stalls or lies costs one
// visit and no more.
package gnutella

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"gnucensus/probe"
)

// A Net opens connections and sockets, like package net. It bounds by itself how long an attempt to connect may take: the
// wait for the turn of a connection may be long, and does not count.
type Net interface {
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	ListenPacket(ctx context.Context, network, addr string) (net.PacketConn, error)
}

// Config says how to visit.
type Config struct {
	Net     Net                  // the way out
	Wire    func() (Wire, error) // opens the way of mass, for Survey; nil: there is none
	Agent   string               // software and version, for User-Agent
	Contact string               // where whoever wonders can write to, for User-Agent
	Methods []probe.Method       // to be used by Probe; nil: all

	Connect   time.Duration // bound on an attempt to connect over a wire; 0: 5 s
	Handshake time.Duration // bound on a handshake; 0: 10 s
	UDP       time.Duration // how long an answer to a datagram is waited for; 0: 5 s
	PingWait  time.Duration // how long the next PONG on a link is waited for; 0: 5 s
	QueryWait time.Duration // how long the hits of a query are waited for; 0: 10 s

	Patient    bool      // let nobody be asked sooner again than servents allow; not needed in a lab
	AskedUntil time.Time // until then every host may have been asked by an earlier run; zero: there was none

	Log *slog.Logger // nil: no log
}

// Defaults of Config, for the live network.
const (
	defaultConnect   = 5 * time.Second
	defaultHandshake = 10 * time.Second
	defaultUDP       = 5 * time.Second
	defaultPingWait  = 5 * time.Second
	defaultQueryWait = 10 * time.Second
)

// Methods lists what Probe can do.
func Methods() []probe.Method {
	var all []probe.Method
	for _, s := range policy {
		if !slices.Contains(all, s.method) {
			all = append(all, s.method)
		}
	}
	return all
}

// Validate reports a field that makes no sense.
func (c Config) Validate() error {
	if c.Net == nil {
		return errors.New("configure Gnutella: no network")
	}
	if c.Agent == "" {
		return errors.New("configure Gnutella: no agent; servents must be able to tell who asks")
	}
	for _, d := range []time.Duration{c.Connect, c.Handshake, c.UDP, c.PingWait, c.QueryWait} {
		if d < 0 {
			return fmt.Errorf("configure Gnutella: duration %v is negative", d)
		}
	}
	for _, m := range c.Methods {
		if !slices.Contains(Methods(), m) {
			return fmt.Errorf("configure Gnutella: unknown method %q, want one of %q", m, Methods())
		}
	}
	return nil
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field    *time.Duration
		standard time.Duration
	}{
		{&c.Connect, defaultConnect},
		{&c.Handshake, defaultHandshake},
		{&c.UDP, defaultUDP},
		{&c.PingWait, defaultPingWait},
		{&c.QueryWait, defaultQueryWait},
	} {
		if *d.field == 0 {
			*d.field = d.standard
		}
	}
	if c.Methods == nil {
		c.Methods = Methods()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// A Prober visits hosts. It is a [probe.Prober], safe for concurrent use while Run runs.
type Prober struct {
	cfg    Config
	steps  []step // of the policy, those that Config.Methods names
	udp    *questions
	ledger *ledger // nil: nobody counts
}

// New makes a Prober, or reports what [Config.Validate] does.
func New(cfg Config) (*Prober, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	p := &Prober{cfg: cfg.withDefaults(), udp: newQuestions()}
	for _, s := range policy {
		if slices.Contains(p.cfg.Methods, s.method) {
			p.steps = append(p.steps, s)
		}
	}
	if cfg.Patient {
		p.ledger = newLedger(cfg.AskedUntil)
	}
	return p, nil
}

// Run serves the socket that the UDP methods share, until ctx ends, which is no error. Probe waits for it.
func (p *Prober) Run(ctx context.Context) error { return p.udp.serve(ctx, p.cfg.Net, p.cfg.Log) }

// Recall says that a host was asked by a method until some time, by another crawl. It is for before the first visit.
func (p *Prober) Recall(e probe.Endpoint, m probe.Method, until time.Time) {
	if subject, known := subjectOf(m); known {
		p.ledger.held(asking{e.Addr, subject}, until)
	}
}

// Probe visits a host as the policy says.
func (p *Prober) Probe(ctx context.Context, e probe.Endpoint) []probe.Observation {
	seen := make(visit, 0, 4) // seldom more
	for _, s := range p.steps {
		if !s.when(seen) {
			continue
		}
		about := asking{e.Addr, s.asks}
		if err := p.ledger.wait(ctx, about, s.again); err != nil {
			return append(seen, newRecord(e, s.method).fail(ctx, err))
		}
		seen = append(seen, s.way.converse(p, ctx, e))
		p.ledger.held(about, time.Now())
		if ctx.Err() != nil {
			break
		}
	}
	return seen
}
