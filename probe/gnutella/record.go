package gnutella

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"gnucensus/probe"
	"gnucensus/servent/ggep"
	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// Bounds on what is kept of one conversation. Names and numbers that honest hosts send stay far below.
const (
	maxPeers  = 8192 // hosts that it named
	maxText   = 256  // bytes of an agent, a status line or an error
	maxField  = 128  // bytes of a value in Observation.Fields
	maxUptime = 10 * 365 * 24 * time.Hour
)

// Keys of Observation.Fields. Handshake fields are kept under their own names, in lower case.
const (
	fieldCode      = "code"        // of the answer to our handshake
	fieldSource    = "udp-source"  // address that answered, where it is another one than was asked
	fieldAddr      = "pong-addr"   // address in the host's own PONG, where it is another one than was asked
	fieldVendor    = "vc"          // vendor code and version byte
	fieldLeafSlots = "leaf-slots"  // free slots for leaves
	fieldUPSlots   = "peer-slots"  // free slots for ultrapeers
	fieldUptime    = "uptime-kind" // what Uptime is, where Method does not tell: an average
	fieldGuess     = "guess"       // version of GUESS, major<<4 | minor
	fieldDHT       = "dht"         // part in the Mojito DHT
	fieldTLS       = "tls"         // accepts TLS
	fieldLocale    = "locale"      // language
	fieldTrimmed   = "trimmed"     // the host named fewer links than it has, or may have
	fieldTTL       = "query-ttl"   // TTL with which a query was sent
	fieldIPv6      = "ipv6"        // IPv6 address of a host that was asked by IPv4
	fieldCaches    = "caches"      // UDP host caches that it names
	fieldKey       = "query-key"   // length of the query key that it gave, bytes
	fieldWanted    = "wanted"      // links of a kind that were asked for, where they were not all
	fieldHandshake = "handshake"   // version of the handshake that the host knows, where it is not 0.6
	fieldGGEP      = "pong-ggep"   // keys of the GGEP in the host's own PONG
)

// A record is an observation in the making.
type record struct {
	probe.Observation
	named map[named]struct{}
}

// named is who was named in which relation.
type named struct {
	addr     netip.AddrPort
	relation probe.Relation
}

func newRecord(e probe.Endpoint, m probe.Method) *record {
	return &record{Observation: probe.Observation{Endpoint: e, Method: m, Started: time.Now()}}
}

// end closes the record with an outcome and returns the observation.
func (r *record) end(o probe.Outcome, detail string) probe.Observation {
	r.Took = time.Since(r.Started)
	r.Outcome, r.Detail = o, cut(detail, maxText)
	return r.Observation
}

// fail closes the record with the outcome that an error means. Whatever ctx cut off is cancelled, be its deadline or its
// cause to blame.
func (r *record) fail(ctx context.Context, err error) probe.Observation {
	var refused *handshake.Refused
	switch {
	case ctx.Err() != nil:
		return r.end(probe.Cancelled, err.Error())
	case errors.Is(err, errSilent):
		return r.end(probe.Silent, "")
	case errors.As(err, &refused):
		r.headers(refused.Theirs)
		r.note(fieldCode, strconv.Itoa(refused.Code))
		return r.end(probe.Refused, fmt.Sprintf("%d %s", refused.Code, refused.Reason))
	case errors.As(err, new(*message.Error)):
		return r.end(probe.Garbage, err.Error())
	}
	return r.end(probe.Classify(err), err.Error())
}

// note keeps a small fact; an empty one is no fact.
func (r *record) note(key, value string) {
	if value == "" {
		return
	}
	if r.Fields == nil {
		r.Fields = make(map[string]string)
	}
	r.Fields[key] = cut(value, maxField)
}

// cut shortens text to at most n bytes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// name keeps whom the host named: each host once in each relation, and neither itself nor what cannot be an address.
func (r *record) name(relation probe.Relation, addrs ...netip.AddrPort) {
	r.Peers = slices.Grow(r.Peers, min(len(addrs), maxPeers-len(r.Peers)))
	for _, a := range addrs {
		a = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		if len(r.Peers) >= maxPeers || a == r.Addr || !visitable(a) || r.names(named{a, relation}) {
			continue
		}
		r.Peers = append(r.Peers, probe.Peer{Endpoint: probe.Endpoint{Network: r.Network, Addr: a}, Relation: relation})
	}
}

// fewPeers are found faster one by one than in a map.
const fewPeers = 16

// names tells whether the record has a name, and remembers it for the next time where there are many.
func (r *record) names(n named) bool {
	if len(r.Peers) < fewPeers {
		return slices.ContainsFunc(r.Peers, func(p probe.Peer) bool { return p.Addr == n.addr && p.Relation == n.relation })
	}
	if r.named == nil {
		r.named = make(map[named]struct{}, max(cap(r.Peers), 4*fewPeers))
		for _, p := range r.Peers {
			r.named[named{p.Addr, p.Relation}] = struct{}{}
		}
	}
	_, known := r.named[n]
	r.named[n] = struct{}{}
	return known
}

func visitable(a netip.AddrPort) bool {
	return a.IsValid() && a.Port() != 0 && !a.Addr().IsUnspecified() && !a.Addr().IsMulticast()
}

// keptHeaders are the fields of a handshake that say what a servent is and can do ("Headers of HELLO / answer").
var keptHeaders = []string{
	"X-Degree", "X-Max-TTL", "X-Dynamic-Querying", "X-Query-Routing", "X-Ultrapeer-Query-Routing", "X-Ext-Probes", "X-Guess",
	"X-Ultrapeer-Needed", "Vendor-Message", "GGEP", "Pong-Caching", "Bye-Packet", "Accept-Encoding", "Upgrade", "X-Features",
	"X-Locale-Pref", "X-Requeries",
}

// headers keeps what a handshake tells: agent, role, uptime, hosts to try, capabilities.
func (r *record) headers(f handshake.Fields) {
	r.Agent = cut(f.Get("User-Agent"), maxText)
	if up, known := f.Bool("X-Ultrapeer"); known {
		r.role(up)
	}
	if up, ok := uptime(f, r.Started); ok {
		r.Uptime = &up
	}
	r.name(probe.XTry, f.Addrs("X-Try-Ultrapeers", "X-Try")...)
	r.features(f)
}

// features keeps the fields of a handshake that say what a servent can do.
func (r *record) features(f handshake.Fields) {
	for _, name := range keptHeaders {
		if value := f.Get(name); value != "" {
			r.note(strings.ToLower(name), value)
		}
	}
}

func (r *record) role(ultrapeer bool) {
	r.Role = probe.LeafRole
	if ultrapeer {
		r.Role = probe.Ultrapeer
	}
}

// uptime reads X-Live-Since, or else Uptime ("3D 4H 12M"). A start in the future, which clocks that differ a little make, is
// an uptime of zero; more than an hour of it, or of ten years, tells nothing.
func uptime(f handshake.Fields, now time.Time) (time.Duration, bool) {
	if since := f.Get("X-Live-Since"); since != "" {
		if start, err := time.Parse(time.RFC1123Z, since); err == nil {
			up := now.Sub(start)
			return max(up, 0), up > -time.Hour && up < maxUptime
		}
	}
	told := f.Get("Uptime")
	if told == "" {
		return 0, false
	}
	var days, hours, minutes uint16
	if n, err := fmt.Sscanf(told, "%dD %dH %dM", &days, &hours, &minutes); n != 3 || err != nil {
		return 0, false
	}
	up := time.Duration(days)*24*time.Hour + time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	return up, up < maxUptime
}

// ownPong keeps what a host says of itself in a PONG.
func (r *record) ownPong(p *message.Pong) {
	x := p.GGEP()
	if !slices.Contains(p.Addrs(), r.Addr) {
		r.note(fieldAddr, p.Addr.String())
	}
	if six, ok := x.IPv6(); ok && six.IsValid() && r.Addr.Addr().Is4() {
		r.note(fieldIPv6, six.String())
	}
	if !p.Addr.Addr().IsUnspecified() { // as a host cache that is no servent leaves it
		files, kib := int64(p.Files), int64(p.KiB)
		r.Files, r.KiB = &files, &kib
	}
	if up, ok := x.DU(); ok && up <= maxUptime && r.Uptime == nil {
		r.Uptime = &up
		if r.Method != probe.UDPPing { // which knows no other
			r.note(fieldUptime, "daily average")
		}
	}
	slots, isUltrapeer := x.UP()
	if isUltrapeer {
		r.note(fieldLeafSlots, strconv.Itoa(int(slots.Leaf)))
		r.note(fieldUPSlots, strconv.Itoa(int(slots.Ultrapeer)))
	}
	if v, ok := x.VC(); ok {
		r.note(fieldVendor, fmt.Sprintf("%s/%02x", message.VendorCode(v.Code), v.Version))
	}
	// Servents that write VC or DU would write UP, were they ultrapeers. Without any, only the mark in KiB speaks.
	switch writesGGEP := x.Has("VC") || x.Has("DU"); {
	case r.Role != probe.UnknownRole:
	case isUltrapeer, !writesGGEP && p.Ultrapeer():
		r.Role = probe.Ultrapeer
	case writesGGEP && !p.Ultrapeer():
		r.Role = probe.LeafRole
	}
	r.abilities(x)
}

func (r *record) abilities(x ggep.Blocks) {
	var keys []string
	for _, b := range x {
		keys = append(keys, b.ID)
	}
	r.note(fieldGGEP, strings.Join(keys, " "))
	if v, ok := x.GUE(); ok {
		r.note(fieldGuess, fmt.Sprintf("%02x", v))
	}
	if n, ok := x.DHT(); ok && int(n.Mode) < len(dhtModes) {
		r.note(fieldDHT, dhtModes[n.Mode])
	}
	if x.TLS() {
		r.note(fieldTLS, "true")
	}
	if l, ok := x.LOC(); ok {
		r.note(fieldLocale, l.Language)
	}
}

var dhtModes = [...]string{
	ggep.DHTInactive: "inactive", ggep.DHTActive: "active", ggep.DHTPassive: "passive", ggep.DHTPassiveLeaf: "passive leaf",
}
