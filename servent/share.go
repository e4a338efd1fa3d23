package servent

import (
	"context"
	"net"

	"gnucensus/servent/message"
	"gnucensus/servent/transfer"
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
