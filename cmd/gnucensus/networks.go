package main

import (
	"context"
	"fmt"
	"log/slog"

	"gnucensus/crawler/pace"
	"gnucensus/probe"
	"gnucensus/probe/gnutella"
)

// A surveyor visits the hosts of one network and asks queries through them. Run serves its sockets until the context ends.
type surveyor interface {
	probe.Prober
	Run(ctx context.Context) error
	Ask(ctx context.Context, e probe.Endpoint, queries []string) []probe.Observation
}

// networks are the networks that can be walked. A new one is a folder below probe and a line here.
var networks = map[probe.Network]func(settings, *pace.Pacer, *slog.Logger) (surveyor, error){
	probe.Gnutella: newGnutella,
}

func newSurveyor(network probe.Network, s settings, out *pace.Pacer, log *slog.Logger) (surveyor, error) {
	create, known := networks[network]
	if !known {
		return nil, fmt.Errorf("walk network %q: this version of gnucensus knows only %q", network, probe.Gnutella)
	}
	return create(s, out, log)
}

func newGnutella(s settings, out *pace.Pacer, log *slog.Logger) (surveyor, error) {
	return gnutella.New(gnutella.Config{
		Net:       out,
		Agent:     "gnucensus/" + version(),
		Contact:   s.Contact,
		QueryWait: s.QueryWait,
		Log:       log,
	})
}
