package servent

import (
	"context"
	"net"
	"net/netip"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
	"gnucensus/servent/transfer"
	"gnucensus/servent/urn"
)

// newServer returns the server of the node's files, nil when it serves none.
func (n *Node) newServer() *transfer.Server {
	if n.cfg.Uploads == nil {
		return nil
	}
	c := *n.cfg.Uploads
	c.Agent, c.Library, c.Log = n.cfg.Agent, n.cfg.Library, n.log
	c.Hit = func(found []message.Result) *message.QueryHit { return n.hit(found) }
	c.Push = n.pushFor
	return transfer.NewServer(c)
}

// serveFiles takes the requests of a downloader.
func (n *Node) serveFiles(ctx context.Context, c net.Conn) {
	if err := n.server.Serve(ctx, c); err != nil {
		n.log.Debug("upload ends", "remote", addrPort(c.RemoteAddr()), "err", err)
	}
}

// headAlternates is how many alternate sources a HEAD pong names: no more than makes it as long as the ping.
const headAlternates = 6

// headPong answers who asks about a file by UDP, nil where nothing is shared ("HEAD ping / pong over UDP" in "Transfer between
// servents"). It says whether the node is firewalled, which a PONG has no field for.
func (n *Node) headPong(ping *message.HeadPing, from netip.AddrPort) *message.HeadPong {
	u, err := urn.Parse(ping.URN)
	if n.server == nil || err != nil || u.SHA1 == nil {
		return nil
	}
	var status message.HeadStatus
	if _, found := n.cfg.Library.BySHA1(*u.SHA1); found {
		status = message.HeadStatus{
			Code: message.HeadComplete, Vendor: message.VendorCode(n.cfg.Vendor.Code), Queue: int8(-min(n.server.Free(), 127)),
			TLS: n.tellsTLS(),
		}
		if n.server.Busy() {
			status.Queue = message.HeadBusy
		}
		if n.walled() {
			status.Code |= message.HeadFirewalled
		}
		for _, at := range n.cfg.Uploads.Mesh.Find(*u.SHA1, from.Addr(), headAlternates) {
			status.Alternates = append(status.Alternates, ggep.Host{Addr: at})
		}
	}
	return status.Pong(ping.Version, ping.Flags)
}
