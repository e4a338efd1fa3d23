package main

import (
	"fmt"
	"io"
	"net/netip"

	"gnucensus/probe"
)

const seedsHint = `A seed is the ADDRESS:PORT of a host that is online now; Gnutella's usual port is 6346. Ways to find some:
a servent's host cache (gtk-gnutella: ~/.gtk-gnutella/hosts and ultras), or the hosts of an earlier snapshot.
Give them by --seed ADDRESS:PORT, as often as you like, or by --seeds FILE, one a line.
A live crawl without seeds asks the caches of the network for them; --cache asks one of your choice.
To try the program without the network: gnucensus lab, then gnucensus crawl --scope lab --seed 127.1.0.1:6346`

// readSeeds collects the seeds of the command line and of a file, if one is named.
func readSeeds(stdin io.Reader, given []string, file string) ([]probe.Endpoint, error) {
	seeds := make([]probe.Endpoint, 0, len(given))
	for _, s := range given {
		e, err := parseSeed(s)
		if err != nil {
			return nil, usage(seedsHint, "--seed: %w", err)
		}
		seeds = append(seeds, e)
	}
	if file == "" {
		return seeds, nil
	}
	lines, err := readLines(stdin, file)
	if err != nil {
		return nil, usage("The file must hold one ADDRESS:PORT a line; - reads standard input.", "--seeds: %w", err)
	}
	for _, l := range lines {
		e, err := parseSeed(l.text)
		if err != nil {
			return nil, usage(seedsHint, "--seeds: %s, line %d: %w", file, l.number, err)
		}
		seeds = append(seeds, e)
	}
	if len(seeds) == 0 {
		return nil, usage(seedsHint, "--seeds: %s holds no address", file)
	}
	return seeds, nil
}

func parseSeed(s string) (probe.Endpoint, error) {
	addr, err := netip.ParseAddrPort(s)
	switch {
	case err != nil:
		if _, bare := netip.ParseAddr(s); bare == nil {
			return probe.Endpoint{}, fmt.Errorf("%q has no port", s)
		}
		return probe.Endpoint{}, fmt.Errorf("%q is no ADDRESS:PORT (names are not looked up)", s)
	case addr.Port() == 0:
		return probe.Endpoint{}, fmt.Errorf("%q: port 0 cannot be visited", s)
	}
	return probe.Endpoint{Network: probe.Gnutella, Addr: netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())}, nil
}
