package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"gnucensus/probe"
)

const seedsHint = `A seed is the HOST:PORT of a host that is online now; Gnutella's usual port is 6346. Ways to find some:
a servent's host cache (gtk-gnutella: ~/.gtk-gnutella/hosts and ultras), or the hosts of an earlier snapshot.
Give them by --seed HOST:PORT, as often as you like, or by --seeds FILE, one a line.
A live crawl without seeds asks the caches of the network for them; --cache asks one of your choice.
To try the program without the network: gnucensus lab, then gnucensus crawl --scope lab --seed 127.1.0.1:6346`

const refusalHint = "Addresses of scope live are public ones, those of scope lab are 127.0.0.0/8."

// Seeds are the hosts that somebody named to begin with: some by their address, others by a name that is still to be looked up.
type seeds struct {
	hosts []probe.Endpoint
	names []string // HOST:PORT
}

// readSeeds collects the seeds of the command line and of a file, if one is named.
func readSeeds(stdin io.Reader, given []string, file string) (list seeds, err error) {
	for _, s := range given {
		if err := list.add(s); err != nil {
			return seeds{}, usage(seedsHint, "--seed: %w", err)
		}
	}
	if file == "" {
		return list, nil
	}
	lines, err := readLines(stdin, file)
	if err != nil {
		return seeds{}, usage("The file must hold one HOST:PORT a line; - reads standard input.", "--seeds: %w", err)
	}
	for _, l := range lines {
		if err := list.add(l.text); err != nil {
			return seeds{}, usage(seedsHint, "--seeds: %s, line %d: %w", file, l.number, err)
		}
	}
	if list.empty() {
		return seeds{}, usage(seedsHint, "--seeds: %s holds no address", file)
	}
	return list, nil
}

func (list *seeds) add(s string) error {
	if isNamed(s) {
		list.names = append(list.names, s)
		return nil
	}
	e, err := parseSeed(s)
	if err == nil {
		list.hosts = append(list.hosts, e)
	}
	return err
}

func (list *seeds) empty() bool { return len(list.hosts)+len(list.names) == 0 }

// isNamed tells whether HOST:PORT has a name for the host. What has no letter is meant as an address.
func isNamed(s string) bool {
	host, _, _ := net.SplitHostPort(s)
	foreign := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._", r)
	}
	return isMachine(s) && strings.ContainsFunc(host, unicode.IsLetter) && !strings.ContainsFunc(host, foreign)
}

func parseSeed(s string) (probe.Endpoint, error) {
	addr, err := netip.ParseAddrPort(s)
	switch {
	case err != nil:
		if _, bare := netip.ParseAddr(s); bare == nil {
			return probe.Endpoint{}, fmt.Errorf("%q has no port", s)
		}
		return probe.Endpoint{}, fmt.Errorf("%q is no HOST:PORT", s)
	case addr.Port() == 0:
		return probe.Endpoint{}, fmt.Errorf("%q: port 0 cannot be visited", s)
	}
	return seed(addr), nil
}

func seed(addr netip.AddrPort) probe.Endpoint {
	return probe.Endpoint{Network: probe.Gnutella, Addr: netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())}
}

// lookUpTime bounds the look-up of one name.
const lookUpTime = 10 * time.Second

// find returns all seeds, those with a name at each of the addresses that resolve gives for it.
func (list *seeds) find(ctx context.Context,
	resolve func(context.Context, string) ([]netip.AddrPort, error)) ([]probe.Endpoint, error) {
	found := list.hosts
	for _, name := range list.names {
		asking, cancel := context.WithTimeout(ctx, lookUpTime)
		addrs, err := resolve(asking, name)
		cancel()
		if err != nil {
			return nil, advise(fmt.Errorf("find seed %q: %w", name, err), "Look whether it is spelled so, or give its address.")
		}
		for _, addr := range addrs {
			found = append(found, seed(addr))
		}
	}
	return found, nil
}
