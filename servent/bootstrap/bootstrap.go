// Package bootstrap finds the first hosts of the Gnutella network: hosts that a node remembers from its last run ([HostFile]),
// UDP host caches by PING ([Ask], [Hosts]), and GWebCaches by HTTP ([WebCaches]). A [Finder] asks the caches, one kind after the
// other.
//
// A GWebCache answers "GET address?key=value&…" with lines of text. In version 1 they are bare addresses, in version 2 they
// are columns separated by "|", tagged in the first one:
//
//	H|a.b.c.d:port|age in seconds[|cluster|leaves|vendor|…]   a servent
//	U|http://…|age                                            another cache
//	C|host:port|age                                           a UDP host cache
//	I|…                                                       information: pong, networks, access period, update, …
//
// A UDP host cache answers a PING that carries SCP with a PONG whose IPP holds up to fifty servents, and whose PHC names
// other caches.
//
// Caches are other people's machines, few, and easily overrun: a [Calendar] keeps the intervals that they ask for.
package bootstrap

import (
	"fmt"
	"net/netip"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// DefaultWebCaches and DefaultUDPCaches are the caches that servents of recent years shipped with, the last three of the latter
// being servents that run for long. Most such lists are out of date when they are read; a cache that does not answer is normal.
// Caches of Gnutella 2 alone are left out, and of seven on one machine all but one.
var (
	DefaultWebCaches = []string{
		"http://skulls.gwc.dyslexicfish.net/skulls.php",
		"http://paper.gwc.dyslexicfish.net/",
		"http://rock.gwc.dyslexicfish.net/",
		"http://scissors.gwc.dyslexicfish.net/",
		"http://gweb3.4octets.co.uk/gwc.php",
		"http://gweb4.4octets.co.uk/index.php",
		"http://p2p.findclan.net/skulls.php",
		"http://fascination77.free.fr/cachechu/",
		"http://bj.ddns.net/skulls/skulls.php",
		"http://dkac.trillinux.org/dkac/dkac.php/",
	}
	DefaultUDPCaches = []string{
		"useast.gnutella.dyslexicfish.net:3558",
		"uswest.gnutella.dyslexicfish.net:3558",
		"uk.gnutella.dyslexicfish.net:3558",
		"au.gnutella.dyslexicfish.net:3558",
		"1.uhc.gtk-gnutella.nl:19104",
		"2.uhc.gtk-gnutella.nl:4876",
		"useast.gnutella.dyslexicfish.net:15321",
		"uswest.gnutella.dyslexicfish.net:18037",
		"uk.gnutella.dyslexicfish.net:41481",
	}
)

// Ask makes the PING that asks a UDP host cache, or any servent, for hosts; wishes are the SCP constants of package ggep.
func Ask(wishes uint8) (*message.Ping, error) {
	tail, err := ggep.Append(nil, ggep.SCP(wishes), ggep.UDPHC(""))
	if err != nil {
		return nil, fmt.Errorf("make PING for a host cache: %w", err)
	}
	return &message.Ping{Tail: tail}, nil
}

// Hosts returns the servents and the other UDP host caches that a PONG names. The PONG's own subject is among the servents
// unless it is a cache or has no address.
func Hosts(p *message.Pong) (hosts []netip.AddrPort, caches []string) {
	blocks := p.GGEP()
	if _, isCache := blocks.UDPHC(); !isCache {
		hosts = p.Addrs()
	}
	for _, h := range blocks.IPP() {
		hosts = append(hosts, h.Addr)
	}
	return hosts, blocks.PHC()
}
