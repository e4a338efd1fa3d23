package conformance

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"gnucensus/servent/handshake"
	"gnucensus/servent/internal/interrupt"
)

const handshakeSource = "Gnutella 0.6 handshake"

var handshakeTests = []Test{
	{Name: "handshake/answer", About: "answers a hello, with User-Agent and X-Ultrapeer",
		Source: handshakeSource, Run: answers},
	{Name: "handshake/case", About: "reads names of fields in any case",
		Source: handshakeSource, Run: respelling(swapCase)},
	{Name: "handshake/folded", About: "reads fields folded over lines",
		Source: handshakeSource, Run: respelling(fold)},
	{Name: "handshake/lf", About: "reads lines that end in LF alone",
		Source: handshakeSource, Run: respelling(lineFeeds)},
	{Name: "handshake/pieces", About: "reads a hello that comes in pieces",
		Source: handshakeSource, Run: respelling(pieces)},
	{Name: "handshake/order", About: "reads fields in any order",
		Source: handshakeSource, Run: respelling(reversed)},
	{Name: "handshake/remote-ip", About: "tells us our address",
		Source: handshakeSource, Optional: true, Run: remoteIP},
	{Name: "handshake/refused", About: "closes when our ack refuses",
		Source: handshakeSource, Run: refusedAck},
	{Name: "handshake/version", About: "opens no 0.6 link for a hello of 0.4",
		Source: handshakeSource, Run: oldVersion},
	{Name: "handshake/shielded", About: "as a leaf, refuses leaves",
		Source: "Leaf guidance in " + handshakeSource, Run: shielded},
	{Name: "handshake/try", About: "as an ultrapeer without a slot, proposes others",
		Source: "X-Try-Ultrapeers in " + handshakeSource, Run: proposes},
	{Name: "handshake/plain", About: "deflates nothing for who cannot inflate",
		Source: "Compression in " + handshakeSource, Run: plain},
	{Name: "handshake/deflated", About: "sends a deflated stream that inflates",
		Source: "Compression in " + handshakeSource, Run: deflatesItself},
	{Name: "handshake/inflates", About: "reads a deflated stream",
		Source: "Compression in " + handshakeSource, Run: inflates},
	{Name: "handshake/upgrade", About: "goes over to TLS after the handshake",
		Source: "TLS in " + handshakeSource, Optional: true, Run: upgrades},
	{Name: "handshake/tls", About: "speaks TLS from the first byte on",
		Source: "TLS in " + handshakeSource, Optional: true, Run: directTLS},
}

// answers checks what every answer that opens a link says.
func answers(ctx context.Context, t *Target) error {
	e, err := t.enter(ctx)
	if err != nil {
		return err
	}
	t.trace = e.trace
	if e.answer.Get("User-Agent") == "" {
		return errors.New("the answer has no User-Agent")
	}
	if _, known := e.answer.Bool("X-Ultrapeer"); !known {
		return fmt.Errorf("the answer says X-Ultrapeer: %q, neither True nor False", e.answer.Get("X-Ultrapeer"))
	}
	return nil
}

// respelling makes a test that spells the heads of a handshake in some way, which must be answered like the usual hello: by
// a link that stands, and that is deflated if the usual one is.
func respelling(spell func(head []byte) [][]byte) func(context.Context, *Target) error {
	return func(ctx context.Context, t *Target) error {
		e, err := t.enter(ctx)
		if err != nil {
			return err
		}
		s, err := t.join(ctx, visit{spell: spell})
		if err != nil {
			return err
		}
		defer s.close()
		const field = "Content-Encoding"
		if usual := e.answer.Get(field); s.Theirs.Get(field) != usual {
			return fmt.Errorf("Accept-Encoding was not read: the answer says %s: %q, that to the usual hello %q", field,
				s.Theirs.Get(field), usual)
		}
		return s.stands(ctx)
	}
}

// swapCase spells the names of fields in the opposite case. The first line stays.
func swapCase(head []byte) [][]byte {
	lines := bytes.SplitAfter(head, []byte("\r\n"))
	for i, line := range lines[1:] {
		name, value, _ := bytes.Cut(line, []byte(":"))
		swapped := bytes.Map(func(r rune) rune {
			if unicode.IsUpper(r) {
				return unicode.ToLower(r)
			}
			return unicode.ToUpper(r)
		}, name)
		if len(value) > 0 {
			lines[i+1] = slices.Concat(swapped, []byte(":"), value)
		}
	}
	return [][]byte{bytes.Join(lines, nil)}
}

// fold begins a new line before every value.
func fold(head []byte) [][]byte {
	return [][]byte{bytes.ReplaceAll(head, []byte(": "), []byte(":\r\n\t"))}
}

// lineFeeds leaves out every CR.
func lineFeeds(head []byte) [][]byte { return [][]byte{bytes.ReplaceAll(head, []byte("\r"), nil)} }

// pieces cuts a head into a few writes, in the middle of lines.
func pieces(head []byte) [][]byte { return slices.Collect(slices.Chunk(head, len(head)/3)) }

// reversed turns the order of the fields around.
func reversed(head []byte) [][]byte {
	lines := bytes.SplitAfter(bytes.TrimSuffix(head, []byte("\r\n")), []byte("\r\n"))
	lines = lines[:len(lines)-1] // empty
	slices.Reverse(lines[1:])
	return [][]byte{append(bytes.Join(lines, nil), "\r\n"...)}
}

// remoteIP compares what the target sees us at with what we know.
func remoteIP(ctx context.Context, t *Target) error {
	e, err := t.enter(ctx)
	if err != nil {
		return err
	}
	t.trace = e.trace
	text := e.answer.Get("Remote-IP")
	if text == "" {
		return unsupported("the answer has no Remote-IP")
	}
	seen, err := netip.ParseAddr(text)
	if err != nil {
		return fmt.Errorf("Remote-IP: %q is no address", text)
	}
	if seen != e.local && !e.local.IsPrivate() { // a private address has a translator before the target
		return fmt.Errorf("Remote-IP: %q, but we come from %v", text, e.local)
	}
	return nil
}

// refusedAck refuses the target's answer 200.
func refusedAck(ctx context.Context, t *Target) error {
	e, err := t.enter(ctx)
	if err != nil {
		return err
	}
	c, err := t.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := t.patience(ctx)
	defer cancel()
	_, err = handshake.DialFunc(ctx, c, t.hello(visit{role: e.role}), func(handshake.Fields) handshake.Reply {
		agent := handshake.Fields{{Name: "User-Agent", Value: t.cfg.Agent}}
		return handshake.Reply{Code: 503, Reason: "Only testing", Fields: agent}
	})
	if refused := new(handshake.Refused); !errors.As(err, &refused) || !refused.Ours {
		return fmt.Errorf("handshake: %w", err)
	}
	said, err := hearOut(ctx, c)
	if err != nil {
		return err
	}
	if len(said) > 0 {
		return fmt.Errorf("it goes on: %d bytes after our refusal", len(said))
	}
	return nil
}

// oldVersion says the hello of 0.4. Servents of today close without a word; one that still speaks 0.4 answers as in 0.4.
func oldVersion(ctx context.Context, t *Target) error {
	c, err := t.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := t.write(ctx, c, c, []byte("GNUTELLA CONNECT/0.4\n\n")); err != nil {
		return err
	}
	ctx, cancel := t.patience(ctx)
	defer cancel()
	line := firstLine(ctx, c)
	switch code, isReply := strings.CutPrefix(line, "GNUTELLA/0.6 "); {
	case line == "GNUTELLA OK":
		return nil
	case isReply && strings.HasPrefix(code, "2"):
		return fmt.Errorf("it answers %q", line)
	}
	_, err = hearOut(ctx, c)
	return err
}

// firstLine reads the first line that the target says, or what there is of it.
func firstLine(ctx context.Context, c net.Conn) string {
	stop := interrupt.Until(ctx, c.SetReadDeadline)
	defer stop()
	line, _ := bufio.NewReader(io.LimitReader(c, maxSaid)).ReadString('\n') // an error comes back with the next read
	return strings.TrimRight(line, "\r\n")
}

// shielded comes to a leaf as a leaf.
func shielded(ctx context.Context, t *Target) error {
	switch isUltrapeer, err := t.isUltrapeer(ctx); {
	case err != nil:
		return err
	case isUltrapeer:
		return skip("it is an ultrapeer")
	}
	t.trace = t.entry.trace
	if t.entry.refusal == nil {
		return errors.New("it is a leaf, and lets leaves in")
	}
	return nil
}

// proposes looks for other hosts in the refusal of a full ultrapeer. Leaves refuse leaves without a word more.
func proposes(ctx context.Context, t *Target) error {
	e, err := t.enter(ctx)
	if e == nil {
		return err
	}
	t.trace = e.trace
	if e.refusal == nil {
		return skip("it did not refuse us")
	}
	isUltrapeer, known := e.refusal.Theirs.Bool("X-Ultrapeer")
	switch {
	case e.refusal.Code != 503 || known && !isUltrapeer:
		return skip("its refusal is no lack of slots: %d %q", e.refusal.Code, e.refusal.Reason)
	case len(e.refusal.TryUltrapeers()) == 0:
		return fmt.Errorf("%d %q without X-Try-Ultrapeers", e.refusal.Code, e.refusal.Reason)
	}
	return nil
}

// plain does not accept a deflated stream. A target may refuse that, as gtk-gnutella does.
func plain(ctx context.Context, t *Target) error {
	s, err := t.join(ctx, visit{without: "Accept-Encoding"})
	if refused := new(handshake.Refused); errors.As(err, &refused) && !tooOften(refused) {
		return nil
	}
	if err != nil {
		return err
	}
	defer s.close()
	if s.Inflate {
		return fmt.Errorf("the answer says Content-Encoding: %q", s.Theirs.Get("Content-Encoding"))
	}
	return s.stands(ctx)
}

// deflatesItself reads the deflated stream of the target.
func deflatesItself(ctx context.Context, t *Target) error {
	s, err := t.join(ctx, visit{})
	if err != nil {
		return err
	}
	defer s.close()
	if !s.Inflate {
		return unsupported("the answer has no Content-Encoding: deflate")
	}
	if err := s.stands(ctx); err != nil {
		return err
	}
	return s.stands(ctx) // the stream goes on after the first batch
}

// inflates sends a deflated stream to the target.
func inflates(ctx context.Context, t *Target) error {
	accepted := true
	s, err := t.join(ctx, visit{ack: func(answer handshake.Fields) handshake.Reply {
		if accepted = answer.Lists("Accept-Encoding", "deflate"); !accepted {
			return handshake.Accepted(nil)
		}
		return handshake.Accepted(handshake.Fields{{Name: "Content-Encoding", Value: "deflate"}})
	}})
	if err != nil {
		return err
	}
	defer s.close()
	if !accepted {
		return unsupported("the answer has no Accept-Encoding: deflate")
	}
	if err := s.stands(ctx); err != nil {
		return err
	}
	return s.stands(ctx)
}

// secured makes the TLS handshake. All certificates of servents are self-made, so none is looked at.
func secured(ctx context.Context, c net.Conn) (net.Conn, error) {
	client := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	if err := client.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return client, nil
}

// upgrades offers TLS in the hello.
func upgrades(ctx context.Context, t *Target) error {
	upgrade := handshake.Fields{{Name: "Upgrade", Value: "TLS/1.0"}}
	offered := true
	s, err := t.join(ctx, visit{more: upgrade, ack: func(answer handshake.Fields) handshake.Reply {
		if offered = answer.Lists("Connection", "Upgrade"); !offered {
			return handshake.Accepted(nil)
		}
		return handshake.Accepted(append(upgrade, handshake.Field{Name: "Connection", Value: "Upgrade"}))
	}})
	if err != nil {
		return err
	}
	defer func() { s.close() }()
	if !offered {
		return unsupported("the answer has no Connection: Upgrade")
	}
	if len(s.Buffered) > 0 {
		return fmt.Errorf("it sends %d bytes before TLS", len(s.Buffered))
	}
	shaking, cancel := t.patience(ctx)
	defer cancel()
	if s.Conn, err = secured(shaking, s.Conn); err != nil {
		return err
	}
	s = t.open(s.Session)
	return s.stands(ctx)
}

// directTLS begins with TLS, if the target says that it can.
func directTLS(ctx context.Context, t *Target) error {
	e, err := t.enter(ctx)
	if err != nil {
		return err
	}
	if !strings.Contains(strings.ToLower(e.answer.Get("X-Features")), "tls/") {
		return unsupported("X-Features has no tls")
	}
	s, err := t.join(ctx, visit{secure: secured})
	if err != nil {
		return err
	}
	defer s.close()
	return s.stands(ctx)
}
