// Package handshake opens a Gnutella link: the three steps of "Gnutella 0.6 handshake", for both sides.
//
//	initiator   GNUTELLA CONNECT/0.6 CRLF           hello
//	            Name: value CRLF … CRLF
//	acceptor    GNUTELLA/0.6 code reason CRLF       answer
//	            Name: value CRLF … CRLF
//	initiator   GNUTELLA/0.6 code reason CRLF       ack, only after an answer 200
//	            Name: value CRLF … CRLF
//
// Each of the three is a head: a first line, header fields, and an empty line. Messages begin with the byte that follows
// the last empty line. 200 is the only code that opens a link.
//
// Heads are read as servents write them, not as they ought to: a line may end in LF alone, and a line that begins with a
// blank or a TAB goes on with the value of the line before. Fields keep their order, their repetitions and the spelling of
// their names. A head that came without folded lines, in CRLF, with one blank after each colon is written back as the same
// bytes; any other is written back as a head with the same fields.
//
// Nothing that a peer sends makes a head larger than its limit: 16 KiB and 128 lines for who accepts, 64 KiB and 256 lines
// for who dials (an answer to a crawler may list every neighbour), 1024 bytes for the first line. Bytes that cannot begin a
// head are refused when they come in, not when a line is complete.
//
// The older 0.4 handshake is two lines, each with an empty one behind it: "GNUTELLA CONNECT/0.4" and "GNUTELLA OK". [Accept]
// recognises it and does not answer ([ErrVersion]), as all servents of today; [DialOld] and [AcceptOld] speak it.
//
// Links may be encrypted by TLS: from their first byte on, or from the end of the handshake on, where both sides say so in it
// (Session.Upgrade).
//
// A handshake lasts as long as its context: the end of the context ends a blocked read or write at once, and the error then
// has the context's own error in its chain, [context.Canceled] or [context.DeadlineExceeded]. The connection belongs to the
// caller throughout: nothing here closes it.
package handshake

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Sentinels for what a peer can do wrong.
var (
	// ErrMalformed: the peer sent something that is not a 0.6 handshake.
	ErrMalformed = errors.New("malformed handshake")
	// ErrTooLong: a first line or a head exceeds its limit.
	ErrTooLong = errors.New("handshake too long")
	// ErrVersion: the initiator speaks a handshake older than 0.6.
	ErrVersion = errors.New("handshake older than 0.6")
)

// OK is the one code that opens a link.
const OK = 200

// A Reply is one side's verdict on the other's head: the acceptor's answer, or the initiator's ack.
type Reply struct {
	Code   int    // 200 opens the link, all others refuse it
	Reason string // the rest of the first line; "OK" goes with 200
	Fields Fields
}

// Accepted is the reply that opens a link and says no more than fields do.
func Accepted(fields Fields) Reply { return Reply{Code: OK, Reason: "OK", Fields: fields} }

// A Session is a link that both sides have agreed on. It stands at its first message.
type Session struct {
	Conn     net.Conn
	Buffered []byte // bytes after the last head that came along with it: the beginning of the peer's stream
	Ours     Fields // our hello or answer
	Theirs   Fields // their answer or hello
	Ack      Fields // the third step, whoever sent it
	Code     int    // of the answer: 200
	Reason   string // of the answer

	// Inflate: the peer's stream is deflated (zlib). Deflate: we said so of ours. Each side's last head decides about its
	// own stream ("Content-Encoding: deflate"), and may do so only where the other's head says "Accept-Encoding: deflate".
	Inflate, Deflate bool

	// Upgrade: both sides say that TLS follows. The session then stands at the TLS handshake, which Secure makes; the stream
	// within it begins with the first message, deflated or not.
	Upgrade bool
}

// Refused is the error of a handshake that one side ended with another code than 200.
type Refused struct {
	Code   int
	Reason string
	Theirs Fields // the refusing head; when we refused (Ours), the head that we refused
	Ours   bool   // it was us who refused
}

// Error returns the first line of the refusal, without its protocol.
func (r *Refused) Error() string {
	by := "refused"
	if r.Ours {
		by = "refused by us"
	}
	return strings.TrimSpace(fmt.Sprintf("%s: %d %s", by, r.Code, r.Reason))
}

// TryUltrapeers returns the hosts that the refusal proposes instead: those of X-Try-Ultrapeers, then those of X-Try.
func (r *Refused) TryUltrapeers() []netip.AddrPort {
	return r.Theirs.Addrs("X-Try-Ultrapeers", "X-Try")
}

// Agent returns the peer's User-Agent, empty when it did not give one.
func (r *Refused) Agent() string { return r.Theirs.Get("User-Agent") }

// deflated tells whether fields declare the sender's stream to be deflated.
func deflated(fields Fields) bool { return fields.Lists("Content-Encoding", "deflate") }
