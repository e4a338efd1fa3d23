// Package ahead reads the first bytes of a connection without taking them from whoever reads it next: a servent learns from
// them what a stranger wants.
package ahead

import (
	"context"
	"errors"
	"io"
	"net"

	"gnucensus/servent/internal/interrupt"
)

// A Conn is a connection of which some bytes were read ahead. They are read again first.
type Conn struct {
	net.Conn
	ahead []byte
}

// New returns a connection that gives back read before what is still to come.
func New(c net.Conn, read []byte) *Conn { return &Conn{Conn: c, ahead: read} }

// Read reads what was read ahead, then from the connection.
func (c *Conn) Read(b []byte) (int, error) {
	if len(c.ahead) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.ahead)
	c.ahead = c.ahead[n:]
	return n, nil
}

// ReadFrom writes what r gives, by the way that the connection has for it: the system may copy files by itself.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

// CloseWrite says that nothing more will be written, where the connection can say so.
func (c *Conn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// Until reads ahead, at most size bytes, until enough says that these are enough. The end of ctx ends it at once. At the end
// of the stream the error is [io.ErrUnexpectedEOF].
func (c *Conn) Until(ctx context.Context, size int, enough func(read []byte) bool) error {
	stop := interrupt.Until(ctx, c.SetReadDeadline)
	defer stop()
	buf := make([]byte, size)
	n := copy(buf, c.ahead)
	for !enough(buf[:n]) && n < size {
		got, err := c.Conn.Read(buf[n:])
		n += got
		c.ahead = buf[:n:n]
		switch {
		case got > 0: // an error comes back with the next read
		case errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF
		case err != nil:
			return interrupt.Err(ctx, err)
		}
	}
	return nil
}
