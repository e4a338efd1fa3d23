package transfer

import (
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"gnucensus/servent/handshake"
	"gnucensus/servent/internal/vicinity"
	"gnucensus/servent/urn"
)

// defaultPort is the port of a location that names none.
const defaultPort = 6346

// maxLocations is how many locations of one head are read.
const maxLocations = 32

// Headers that name other sources of a file ("Locating headers" in "Transfer between servents").
var (
	liveHeaders = []string{"X-Alt", "X-Gnutella-Alternate-Location", "Alternate-Location", "Alt-Location"}
	deadHeaders = []string{"X-NAlt"}
)

// own is where this host serves the file, invalid when it does not.
func (d *download) own() netip.AddrPort {
	if d.job.Own == nil {
		return netip.AddrPort{}
	}
	return d.job.Own()
}

// shareable tells whether there is something of the file that can be served. The caller holds the lock.
func (d *download) shareable() bool {
	if d.part == nil || !d.part.verified() {
		return false
	}
	done, _ := d.part.done()
	return done > 0
}

// gossip returns the fields that tell a source of the others: who has given some of the file, and who has not got it; also this
// host, once it has some. It is told of each once.
func (s *session) gossip() handshake.Fields {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.urn.SHA1 == nil {
		return nil
	}
	good := maps.Clone(s.proved)
	if own := s.own(); own.IsValid() && s.shareable() {
		good[own] = true
	}
	fields := handshake.Fields{{Name: "X-Gnutella-Content-URN", Value: urn.URN{SHA1: s.urn.SHA1}.String()}}
	for name, sources := range map[string]map[netip.AddrPort]bool{"X-Alt": good, "X-NAlt": s.dead} {
		var fresh []netip.AddrPort
		for addr := range sources {
			if len(fresh) < maxTold && !s.told[addr] && addr != s.source.Addr && vicinity.Tellable(addr.Addr(), hostOf(s.conn)) {
				s.told[addr] = true
				fresh = append(fresh, addr)
			}
		}
		if len(fresh) > 0 {
			fields = append(fields, handshake.Field{Name: name, Value: formatLocations(fresh)})
		}
	}
	return fields
}

// parseLocations reads the locations in the headers of the given names, in both their forms: [tls=…,]ip[:port],… and
// http://ip:port/uri-res/… [time],…
func parseLocations(header http.Header, names []string) []netip.AddrPort {
	var found []netip.AddrPort
	for _, name := range names {
		for _, value := range header.Values(name) {
			for item := range strings.SplitSeq(value, ",") {
				if len(found) == maxLocations {
					return found
				}
				if addr, ok := parseLocation(strings.TrimSpace(item)); ok {
					found = append(found, addr)
				}
			}
		}
	}
	return found
}

func parseLocation(text string) (netip.AddrPort, bool) {
	if _, isURL := cutFold(text, "http://"); isURL {
		text, _, _ = strings.Cut(text, " ") // a time may follow
		u, err := url.Parse(text)
		if err != nil {
			return netip.AddrPort{}, false
		}
		text = u.Host
	}
	addr, err := netip.ParseAddrPort(text)
	if err != nil {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return netip.AddrPort{}, false
		}
		addr = netip.AddrPortFrom(ip, defaultPort)
	}
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	return addr, addr.Port() != 0 && addr.Addr().Zone() == "" && !addr.Addr().IsUnspecified()
}

// formatLocations writes the value of X-Alt.
func formatLocations(addrs []netip.AddrPort) string {
	var words []string
	for _, addr := range addrs {
		if addr.Port() == defaultPort && addr.Addr().Is4() {
			words = append(words, addr.Addr().String())
		} else {
			words = append(words, addr.String())
		}
	}
	return strings.Join(words, ",")
}
