package conformance

import "net"

// traceLen is how many bytes of each direction are kept of a test, for the case that it fails.
const traceLen = 512

// A trace is the last bytes of a conversation: heads and datagrams as they were on the wire, messages as they are without
// deflate and TLS.
type trace struct{ sent, received []byte }

// keep appends b to what was kept, and forgets what is too old.
func keep(kept, b []byte) []byte {
	if len(b) >= traceLen {
		return append([]byte(nil), b[len(b)-traceLen:]...)
	}
	kept = append(kept, b...)
	return kept[max(0, len(kept)-traceLen):]
}

// A tracedConn keeps what goes over a connection until a link is open.
type tracedConn struct {
	net.Conn
	trace *trace
	open  bool
}

func (c *tracedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !c.open {
		c.trace.received = keep(c.trace.received, b[:n])
	}
	return n, err
}

func (c *tracedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if !c.open {
		c.trace.sent = keep(c.trace.sent, b[:n])
	}
	return n, err
}
