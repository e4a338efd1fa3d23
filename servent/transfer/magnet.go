package transfer

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"gnucensus/servent/message"
	"gnucensus/servent/urn"
)

// A Magnet is a link to a file, whoever has it:
//
//	magnet:?xt=<URN>&dn=<name>&xl=<bytes>&xs=<place>
//
// A place is http://<address>:<port>/uri-res/N2R?<URN>, or, behind a firewall, push://<GUID>:<push proxy>…/uri-res/N2R?<URN>, as
// gtk-gnutella writes it; there may be many. Other parameters are passed over.
type Magnet struct {
	URN    urn.URN
	Name   string  // empty: not told
	Size   *uint64 // bytes; nil: not told
	Places []Place
}

// Bounds of a link.
const (
	maxMagnet = 16 << 10 // bytes
	maxPlaces = 32
)

// ErrMagnet says that a link is no magnet link, or names no file.
var ErrMagnet = errors.New("not a magnet link to a file")

// ParseMagnet reads a link. The error is [ErrMagnet]. Parameters are read in any order, and numbered ones (xt.1) too; a place that
// cannot be read is left out.
func ParseMagnet(text string) (m Magnet, err error) {
	rest, found := cutFold(strings.TrimSpace(text), "magnet:?")
	if !found || len(text) > maxMagnet {
		return Magnet{}, fmt.Errorf("read %.40q: %w", text, ErrMagnet)
	}
	for parameter := range strings.SplitSeq(rest, "&") {
		key, escaped, _ := strings.Cut(parameter, "=")
		key, _, _ = strings.Cut(strings.ToLower(key), ".")
		value, err := url.QueryUnescape(escaped)
		if err != nil {
			continue
		}
		switch key {
		case "xt":
			m.URN = addHashes(m.URN, value)
		case "dn":
			m.Name = value
		case "xl":
			if size, err := strconv.ParseUint(value, 10, 63); err == nil {
				m.Size = &size
			}
		case "xs", "as":
			if p, ok := parsePlace(value); ok && len(m.Places) < maxPlaces {
				m.Places = append(m.Places, p)
			}
		}
	}
	if m.URN == (urn.URN{}) {
		return Magnet{}, fmt.Errorf("read %.40q: %w", text, ErrMagnet)
	}
	return m, nil
}

// String returns the link.
func (m Magnet) String() string {
	parts := []string{"xt=" + m.URN.String()}
	if m.Name != "" {
		parts = append(parts, "dn="+strings.ReplaceAll(url.QueryEscape(m.Name), "+", "%20"))
	}
	if m.Size != nil {
		parts = append(parts, "xl="+strconv.FormatUint(*m.Size, 10))
	}
	for _, p := range m.Places {
		if text := formatPlace(p, m.URN); text != "" {
			parts = append(parts, "xs="+text)
		}
	}
	return "magnet:?" + strings.Join(parts, "&")
}

// formatPlace writes a place of a file, empty when it cannot be reached by what is known of it. Nothing in it must be escaped.
func formatPlace(p Place, u urn.URN) string {
	target := "/uri-res/N2R?" + urn.URN{SHA1: u.SHA1}.String()
	switch {
	case u.SHA1 == nil:
		return ""
	case !p.Walled && p.Addr.IsValid():
		return "http://" + p.Addr.String() + target
	case p.Walled && len(p.Proxies) > 0:
		authority := p.Servent.String()
		for _, proxy := range p.Proxies {
			authority += ":" + proxy.String()
		}
		return "push://" + authority + target
	}
	return ""
}

// parsePlace reads a place, whatever file it has there.
func parsePlace(text string) (p Place, ok bool) {
	if rest, found := cutFold(text, "push://"); found {
		authority, _, _ := strings.Cut(rest, "/")
		return parsePushPlace(authority)
	}
	rest, found := cutFold(text, "http://")
	authority, _, _ := strings.Cut(rest, "/")
	addr, err := netip.ParseAddrPort(authority)
	if !found || err != nil || addr.Port() == 0 {
		return Place{}, false
	}
	p.Addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	return p, true
}

// parsePushPlace reads <GUID>(:<address>:<port>)*, with addresses of IPv6 in brackets.
func parsePushPlace(authority string) (p Place, ok bool) {
	digits, rest, _ := strings.Cut(authority, ":")
	id, err := hex.DecodeString(digits)
	if err != nil || len(id) != len(p.Servent) {
		return Place{}, false
	}
	p.Servent, p.Walled = message.GUID(id), true
	for rest != "" {
		host := strings.IndexByte(rest, ':')
		if strings.HasPrefix(rest, "[") {
			host = strings.Index(rest, "]:") + 1
		}
		if host <= 0 {
			return Place{}, false
		}
		end := strings.IndexByte(rest[host+1:], ':')
		if end < 0 {
			end = len(rest)
		} else {
			end += host + 1
		}
		proxy, err := netip.ParseAddrPort(rest[:end])
		if err != nil || len(p.Proxies) == maxPlaces {
			return Place{}, false
		}
		p.Proxies = append(p.Proxies, proxy)
		rest = strings.TrimPrefix(rest[end:], ":")
	}
	return p, len(p.Proxies) > 0
}
