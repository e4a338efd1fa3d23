package gnutella

import (
	"net/netip"
	"strings"
	"testing"

	"gnucensus/probe"
	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// Whatever a host says of itself and of others, what is kept of it stays within bounds and names nobody twice.
func FuzzRecord(f *testing.F) {
	for _, file := range []string{"gtk-gnutella.txt", "limewire.txt"} {
		for _, b := range captures(f, file) {
			f.Add(b)
		}
	}
	f.Add([]byte("Uptime: 65535D 65535H 65535M\r\nPeers: 127.41.0.1:1, [::1]:2\r\nX-Live-Since: Fri, 20 Nov 2026 21:57:17 +0000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := probe.Endpoint{Network: probe.Gnutella, Addr: netip.MustParseAddrPort("127.40.8.1:6346")}
		r := newRecord(e, probe.TCPCrawl)
		r.headers(fieldsOf(b))
		r.links(fieldsOf(b))
		bounded(t, r)
		if m, err := message.ParseDatagram(b); err == nil {
			r := newRecord(e, probe.UDPPing)
			switch body := m.Body.(type) {
			case *message.Pong:
				r.ownPong(body)
				for _, h := range body.GGEP().IPP() {
					r.name(probe.Cached, h.Addr)
				}
			case *message.Vendor:
				if pong, err := message.ParseCrawlerPong(body); err == nil {
					r.crawlerPong(pong, wantAll)
				}
			case *message.QueryHit:
				if h := newHit(body, m.Hops, 0); h.Hops == 0 || len(h.Vendor) > 4 {
					t.Errorf("hit %+v", h)
				}
			}
			bounded(t, r)
		}
	})
}

func fieldsOf(b []byte) handshake.Fields {
	var fields handshake.Fields
	for line := range strings.SplitSeq(string(b), "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields = append(fields, handshake.Field{Name: name, Value: strings.TrimSpace(value)})
		}
	}
	return fields
}

func bounded(t *testing.T, r *record) {
	t.Helper()
	if len(r.Agent) > maxText || len(r.Peers) > maxPeers || r.Uptime != nil && (*r.Uptime < 0 || *r.Uptime > maxUptime) {
		t.Errorf("agent of %d bytes, %d peers, uptime %v", len(r.Agent), len(r.Peers), r.Uptime)
	}
	for key, value := range r.Fields {
		if value == "" || len(value) > maxField {
			t.Errorf("field %s of %d bytes", key, len(value))
		}
	}
	seen := map[probe.Peer]bool{}
	for _, p := range r.Peers {
		if seen[p] || p.Endpoint == r.Endpoint || p.Addr.Port() == 0 {
			t.Errorf("peer %v, named before: %v", p, seen[p])
		}
		seen[p] = true
	}
}
