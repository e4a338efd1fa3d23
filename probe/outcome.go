package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
)

// An Outcome is how a conversation ended, as the database spells it. The list here is the only one in Go; the view
// report.outcome ranks the same words.
type Outcome string

// Outcomes in which the host spoke the protocol.
const (
	Answered    Outcome = "answered"    // it gave what the method asks for
	Refused     Outcome = "refused"     // it declined: 503, 403, 429 …; Detail holds the status line
	Unsupported Outcome = "unsupported" // it accepted, but does not know the method
)

// Outcomes in which something was there, but no servent spoke.
const (
	Garbage Outcome = "garbage" // bytes that are not this protocol, or that break its limits
	Closed  Outcome = "closed"  // it accepted the connection and hung up without an answer
	Reset   Outcome = "reset"   // it accepted the connection and reset it
	Timeout Outcome = "timeout" // it accepted the connection and did not answer in time
)

// Outcomes in which nobody was met.
const (
	ConnectionRefused Outcome = "connection-refused" // nothing listens there
	Unreachable       Outcome = "unreachable"        // the network says that there is no way to the host
	ConnectTimeout    Outcome = "connect-timeout"    // no answer to the connection attempt: firewalled, or gone
	Silent            Outcome = "silent"             // no answer to a datagram
)

// Outcomes that say nothing of the host.
const (
	OutOfScope Outcome = "out-of-scope" // the pacer forbade it: not one packet was sent
	LocalLimit Outcome = "local-limit"  // this machine ran out of descriptors, ports or buffers
	Cancelled  Outcome = "cancelled"    // the crawl was stopped meanwhile
)

// Reached tells whether a servent spoke to us.
func (o Outcome) Reached() bool { return o == Answered || o == Refused || o == Unsupported }

// Visited tells whether the outcome is about the host at all, and not about us.
func (o Outcome) Visited() bool { return o != OutOfScope && o != LocalLimit && o != Cancelled }

// Classify maps the error of a dial, a read or a write to an outcome. It looks at types and sentinels, never at text. An
// error with a method OutOfScope() bool is the pacer's refusal, one with LocalLimit() bool its word that this side failed.
// An error that it does not know is [Garbage] when it comes from the bytes of the peer, so decoders' errors need no case of
// their own.
func Classify(err error) Outcome {
	var scope interface{ OutOfScope() bool }
	var op *net.OpError
	var timeout net.Error
	switch {
	case err == nil:
		return Answered
	case errors.As(err, &scope) && scope.OutOfScope():
		return OutOfScope
	case errors.Is(err, context.Canceled):
		return Cancelled
	case isLocalLimit(err):
		return LocalLimit
	case errors.Is(err, syscall.ECONNREFUSED):
		return ConnectionRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Reset
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Unreachable
	case errors.As(err, &timeout) && timeout.Timeout():
		if errors.As(err, &op) && op.Op == "dial" {
			return ConnectTimeout
		}
		return Timeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return Closed
	}
	return Garbage
}

var localLimits = []error{
	syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM, syscall.EPERM,
}

func isLocalLimit(err error) bool {
	var local interface{ LocalLimit() bool }
	if errors.As(err, &local) && local.LocalLimit() {
		return true
	}
	for _, e := range localLimits {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
