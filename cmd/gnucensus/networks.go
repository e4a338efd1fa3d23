package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gnucensus/crawler/pace"
	"gnucensus/probe"
	"gnucensus/probe/gnutella"
)

// A surveyor visits the hosts of one network and asks queries through them. Run serves its sockets until the context ends.
type surveyor interface {
	probe.Prober
	Run(ctx context.Context) error
	Ask(ctx context.Context, e probe.Endpoint, queries []string) []probe.Observation
	Recall(e probe.Endpoint, m probe.Method, until time.Time) // a host was asked by another crawl
}

// A walkable network has a prober, and a way to find its first hosts. A new one is a folder below probe and a line in networks.
type walkable struct {
	methods []probe.Method // of visiting a host
	memory  time.Duration  // how long hosts remember that they were asked
	survey  func(settings, *pace.Pacer, *slog.Logger) (surveyor, error)
	seed    func(settings, *pace.Pacer, caches, *slog.Logger) (probe.Seeder, error)
}

var networks = map[probe.Network]walkable{
	probe.Gnutella: {methods: gnutella.Methods(), memory: gnutella.Memory, survey: newGnutella, seed: newGnutellaSeeder},
}

func known(name probe.Network) (walkable, error) {
	n, known := networks[name]
	if !known {
		return walkable{}, fmt.Errorf("walk network %q: this version of gnucensus knows only %q", name, probe.Gnutella)
	}
	return n, nil
}

func newSurveyor(name probe.Network, s settings, out *pace.Pacer, log *slog.Logger) (surveyor, error) {
	n, err := known(name)
	if err != nil {
		return nil, err
	}
	return n.survey(s, out, log)
}

func newSeeder(name probe.Network, s settings, out *pace.Pacer, from caches, log *slog.Logger) (probe.Seeder, error) {
	n, err := known(name)
	if err != nil {
		return nil, err
	}
	return n.seed(s, out, from, log)
}

func newGnutella(s settings, out *pace.Pacer, log *slog.Logger) (surveyor, error) {
	return gnutella.New(gnutella.Config{
		Net:        out,
		Wire:       func() (gnutella.Wire, error) { return out.Wire() },
		Agent:      agent(),
		Contact:    s.Contact,
		Methods:    s.Methods,
		QueryWait:  s.QueryWait,
		Patient:    s.Scope == pace.Live.String(),
		AskedUntil: s.AskedUntil,
		Log:        log,
	})
}

func newGnutellaSeeder(s settings, out *pace.Pacer, from caches, log *slog.Logger) (probe.Seeder, error) {
	door, err := out.Door(from.machines()...)
	if err != nil {
		return nil, err
	}
	hosts, calendar, err := memory()
	if err != nil {
		return nil, err
	}
	if s.Scope != pace.Live.String() {
		hosts = nil // they are those of the live network
	}
	return gnutella.NewSeeder(gnutella.SeedConfig{
		Net:       out,
		Door:      door,
		Agent:     agent(),
		Contact:   s.Contact,
		Known:     hosts,
		UDPCaches: from.UDP,
		WebCaches: from.Web,
		Calendar:  calendar,
		Log:       log,
	})
}

// agent is how the program names itself to others.
func agent() string { return "gnucensus/" + version() }
