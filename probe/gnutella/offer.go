package gnutella

import (
	"net"
	"net/netip"

	"gnucensus/servent/handshake"
)

// crawlOffer is the hello of a crawler.
func (p *Prober) crawlOffer(to netip.Addr) handshake.Fields {
	return append(p.identity(to),
		handshake.Field{Name: "X-Query-Routing", Value: "0.1"},
		handshake.Field{Name: "Crawler", Value: "0.1"},
	)
}

// leafOffer is the hello of a leaf that every servent may accept: LimeWire wants degree, TTL and requeries to be as they are
// here, gtk-gnutella a link that can be deflated. It has no Listen-IP, since nobody can connect to the census.
func (p *Prober) leafOffer(c net.Conn) handshake.Fields {
	return append(p.identity(remote(c)),
		handshake.Field{Name: "X-Query-Routing", Value: "0.1"},
		handshake.Field{Name: "X-Ultrapeer-Query-Routing", Value: "0.1"},
		handshake.Field{Name: "X-Dynamic-Querying", Value: "0.1"},
		handshake.Field{Name: "X-Degree", Value: "32"},
		handshake.Field{Name: "X-Max-TTL", Value: "3"},
		handshake.Field{Name: "X-Requeries", Value: "false"},
		handshake.Field{Name: "Accept-Encoding", Value: "deflate"},
		handshake.Field{Name: "GGEP", Value: "0.5"},
		handshake.Field{Name: "Vendor-Message", Value: "0.2"},
		handshake.Field{Name: "Bye-Packet", Value: "0.1"},
	)
}

// identity says who asks, and tells the peer the address that we see it at.
func (p *Prober) identity(to netip.Addr) handshake.Fields {
	f := make(handshake.Fields, 0, 16)
	f = append(f, handshake.Field{Name: "User-Agent", Value: agent(p.cfg.Agent, p.cfg.Contact)})
	if to.IsValid() {
		f = append(f, handshake.Field{Name: "Remote-IP", Value: to.Unmap().String()})
	}
	return append(f, handshake.Field{Name: "X-Ultrapeer", Value: "False"})
}

// remote returns the other end of a connection, the zero Addr when that is no address.
func remote(c net.Conn) netip.Addr {
	a, _ := netip.ParseAddrPort(c.RemoteAddr().String())
	return a.Addr()
}

// agent names the software, and where whoever wonders can write to.
func agent(software, contact string) string {
	if contact == "" {
		return software
	}
	return software + " (+" + contact + ")"
}
