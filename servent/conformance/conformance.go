// Package conformance asks a servent, over real sockets, whether it does what the protocol of Gnutella demands. The servent
// is a black box at an address: ours in go test, anyone's from the command line.
//
// A [Test] is one demand, with a name of the form group/name and the section of the specification that it comes from. Most
// tests open one connection, make the handshake, send something and look at what comes back. Each conversation begins at its
// turn: servents ban who connects too often, so there is a pause between two handshakes ([Config].Pause), and what can be
// asked only once in minutes, such as the crawl handshake, is asked once a run and looked at by several tests.
//
// That something does not happen cannot be waited for. Tests send a PING after what should have no effect, and wait for its
// PONG and [Config].Quiet longer.
//
// Bytes that a test sends are few and of the kind that servents meet every day; nothing here loads the target.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gnucensus/servent/handshake"
)

// A Net opens connections and sockets, like package net.
type Net interface {
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	ListenPacket(ctx context.Context, network, addr string) (net.PacketConn, error)
}

// A Test is one demand on a servent.
type Test struct {
	Name     string // group/name
	About    string // what the servent does if it passes
	Source   string // section of the specification
	Optional bool   // a servent may fail it and still be a good one
	Slow     bool   // it takes minutes, and runs only if Config.Slow says so

	// Run returns nil if the target passes. It is called by [Target.Run] alone.
	Run func(ctx context.Context, t *Target) error
}

// Tests returns all tests, in the order in which they are best run: what a later one builds on comes first.
func Tests() []Test {
	return slices.Concat(handshakeTests, crawlTests, pingTests, udpTests, queryTests, qrpTests, vendorTests, robustnessTests)
}

// A Verdict is what became of a test.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	NotSupported Verdict = "not supported" // the target says itself that it does not do this
	Skipped      Verdict = "skipped"       // nothing was learnt, for a reason that is no fault of the target
)

// A Result is what became of one test.
type Result struct {
	Test
	Verdict Verdict
	Note    string // why, unless it passed: one line; what it repeats of the target's words is quoted
	Err     error  // of a test that failed: what the note was made of

	// Of a test that failed: the last bytes in each direction, at most 512. Messages are as before deflate and TLS.
	Sent, Received []byte
}

// Polite is the pause that gtk-gnutella wants between two handshakes from one address: it bans at the third within a minute.
const Polite = 31 * time.Second

// A Config says which servent is tested, and how.
type Config struct {
	Addr     netip.AddrPort
	Net      Net
	Agent    string        // User-Agent of the tester
	Word     string        // a word in the name of a file that the target shares; empty: not known
	Pause    time.Duration // between two handshakes; twice as long between two UDP PINGs. Zero: none
	Patience time.Duration // how long an answer may take; zero: 10 s
	Quiet    time.Duration // how long something that should not come is waited for; zero: 2 s, as deflated streams are late
	Slow     bool          // run slow tests too
}

// A Target is a servent under test, and what is known of it until now. It is not safe for concurrent use.
type Target struct {
	cfg   Config
	trace trace

	handshakes, pings turn
	udp               net.PacketConn

	entry *entry // nil: not yet known
	crawl *crawl // nil: not yet asked
	pong  *pong  // nil: not yet asked
}

// New returns a target. Nothing is sent before Run.
func New(cfg Config) *Target {
	if cfg.Patience == 0 {
		cfg.Patience = 10 * time.Second
	}
	if cfg.Quiet == 0 {
		cfg.Quiet = 2 * time.Second
	}
	return &Target{cfg: cfg, handshakes: turn{pause: cfg.Pause}, pings: turn{pause: 2 * cfg.Pause}}
}

// Run runs tests one after another and yields each result as it is known. The sequence ends early with ctx, and after a test
// that failed because nobody listens at the address any more.
func (t *Target) Run(ctx context.Context, tests []Test) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		defer t.close()
		for _, test := range tests {
			result := Result{Test: test, Verdict: Skipped, Note: "slow"}
			if !test.Slow || t.cfg.Slow {
				result = t.run(ctx, test)
			}
			if ctx.Err() != nil || !yield(result) || errors.As(result.Err, new(*connectError)) {
				return
			}
		}
	}
}

// run runs one test.
func (t *Target) run(ctx context.Context, test Test) Result {
	t.trace = trace{}
	err := test.Run(ctx, t)
	result := Result{Test: test, Verdict: Pass}
	var excused *excuse
	var refused *handshake.Refused
	switch {
	case err == nil:
		return result
	case errors.As(err, &excused):
		result.Verdict, result.Note = excused.verdict, excused.note
	case errors.As(err, &refused) && tooOften(refused):
		result.Verdict, result.Note = Skipped, fmt.Sprintf("asked too often: %d %q", refused.Code, refused.Reason)
	default:
		result.Verdict, result.Err = Fail, err
		result.Note = err.Error()
		result.Sent, result.Received = t.trace.sent, t.trace.received
	}
	result.Note = oneLine(result.Note)
	return result
}

// tooOften tells whether a refusal is about how often we came, and says nothing of what was tested.
func tooOften(r *handshake.Refused) bool {
	return !r.Ours && (r.Code == 429 || r.Code == 403 && strings.Contains(strings.ToLower(r.Reason), "frequent"))
}

// An excuse is why a test has another verdict than pass or fail.
type excuse struct {
	verdict Verdict
	note    string
}

func (e *excuse) Error() string { return e.note }

func unsupported(format string, args ...any) error {
	return &excuse{NotSupported, fmt.Sprintf(format, args...)}
}

func skip(format string, args ...any) error {
	return &excuse{Skipped, fmt.Sprintf(format, args...)}
}

// maxNote is the longest note, in bytes.
const maxNote = 240

// oneLine makes a note fit to be shown, whatever went into it.
func oneLine(note string) string {
	note = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(note, "?"))
	if len(note) > maxNote {
		note = strings.ToValidUTF8(note[:maxNote], "") + "…"
	}
	return note
}
