package pace

import (
	"net/netip"
	"time"
)

// A Wire carries short conversations with many hosts of IPv4 at once, in one goroutine: datagrams go and come many at a time,
// and connections are opened, read and closed by the events of the system. It is the way of mass; whoever wants comfort dials.
//
// What it sends, it sends through its Pacer, like everything: Send and Connect either send now, or tell how long to wait before
// trying again, or give a [*ScopeError]. All methods but Wake are for one goroutine.
type Wire interface {
	// Send sends a datagram with the next Poll at the latest, unless it must wait.
	Send(to netip.AddrPort, b []byte) (wait time.Duration, err error)
	// Connect begins to connect, and sends hello as soon as there is a connection, unless it must wait. hello must not change
	// until then. The connection is known by its number until it is hung up.
	Connect(to netip.AddrPort, hello []byte) (number uint32, wait time.Duration, err error)
	// Write sends a last word on a connection. What does not leave at once is lost.
	Write(number uint32, b []byte)
	// Hang hangs a connection up. Its number will be that of another.
	Hang(number uint32)
	// GiveUp hangs up what has not become a connection in time, and returns the error of the attempt.
	GiveUp(number uint32) error
	// Jitter tells by how much a packet is to be put off by chance, at most, before it is sent.
	Jitter() time.Duration
	// Poll sends what is to be sent, waits until something comes, Wake is called, or the time has come, and tells what came.
	// The functions may call all methods but Poll and Close.
	Poll(until time.Time, datagram DatagramFunc, stream StreamFunc) error
	// Wake ends a Poll, the one under way or the next. It may be called from any goroutine.
	Wake()
	// Close closes the socket and all connections.
	Close() error
}

// A DatagramFunc is told a datagram of another host or, with an error, one of ours that could not be sent to it. It must not
// keep b.
type DatagramFunc = func(from netip.AddrPort, b []byte, unsent error)

// A StreamFunc is told what has come on a connection: nothing when it was made, and an error, perhaps [io.EOF], at its end. It
// must not keep b.
type StreamFunc = func(number uint32, b []byte, err error)
