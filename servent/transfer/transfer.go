// Package transfer is the HTTP side of Gnutella: a [Server] sends the files of a library, and Fetch gets a file from several
// hosts at once.
//
// Requests and answers are those of HTTP/1.1 with a few headers more. What may be asked for:
//
//	GET /get/<index>/<name>        a file, by its number in a QUERY HIT
//	GET /uri-res/N2R?<URN>         a file, by its hash
//	GET /uri-res/N2X?<URN>         the Tiger tree of a file, as THEX in DIME
//	GET /                          all files ("browse host"), as a page or as QUERY HITs
//	GET /gnutella/push-proxy?…     that a PUSH be sent to a firewalled servent
//
// and HEAD of all of these. The headers beside those of HTTP:
//
//	X-Gnutella-Content-URN  names of the file
//	X-Thex-URI              where its tree is to be had, and the root of the tree
//	X-Available-Ranges      which parts of it are there
//	X-Alt, X-NAlt           other hosts that have it, and such as have it no more
//	X-Queue, X-Queued       how the client may wait, and the place that it has in the queue
//	X-Features              what else the sender can do, once in a connection
//
// The same port serves the overlay: who accepts a connection looks at its first word and hands it on.
package transfer

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// Waits of both sides.
const (
	headTime  = 20 * time.Second // for a head, once it has begun
	idleTime  = time.Minute      // for the next request of a connection
	slotTime  = 15 * time.Second // for which it keeps its slot meanwhile
	sliceTime = 2 * time.Minute  // for a slice of a body to go out
	slice     = 256 << 10        // bytes; the slowest client takes them at 2 KiB/s
)

// isTimeout tells whether a deadline of a connection has passed.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// hostOf returns the address of the other end, the zero Addr where it has none.
func hostOf(c net.Conn) netip.Addr {
	end, ok := c.RemoteAddr().(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return netip.Addr{}
	}
	return end.AddrPort().Addr().Unmap()
}
