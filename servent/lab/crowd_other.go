//go:build !linux || portable

package lab

import (
	"context"
	"errors"
	"net"
	"syscall"
)

// open opens the listener of those who answer, and returns the loop that serves it until it is closed. Datagrams are not
// answered: package net does not tell to whom a wildcard socket was sent one.
func (c *Crowd) open(ctx context.Context, sockets *closers) (loops []func(context.Context) error, err error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp4", c.wildcard(0))
	if err != nil {
		return nil, err // it names the operation and the address
	}
	sockets.add(l)
	return []func(context.Context) error{func(ctx context.Context) error { return c.accept(ctx, l) }}, nil
}

// onLoopback leaves a socket as it is: other systems cannot bind one to an interface.
func onLoopback(string, string, syscall.RawConn) error { return nil }

// accept answers whoever connects until the listener is closed.
func (c *Crowd) accept(ctx context.Context, l net.Listener) error {
	all := c.lounge()
	defer all.guests.Wait()
	for {
		conn, err := l.Accept()
		var busy interface{ Temporary() bool }
		switch {
		case errors.As(err, &busy) && busy.Temporary():
		case err != nil:
			return err
		default:
			all.seat(ctx, conn, nil)
		}
	}
}
