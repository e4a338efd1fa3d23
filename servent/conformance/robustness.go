package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gnucensus/servent/message"
)

const (
	limitsSource = "Payload size limits in Gnutella overlay messages"
	headSource   = "Limits in " + handshakeSource
)

var robustnessTests = []Test{
	{Name: "robustness/length", About: "drops who claims a payload of 16 MiB",
		Source: limitsSource, Run: hugeLength},
	{Name: "robustness/bye", About: "says BYE when it drops us",
		Source: "BYE in Gnutella overlay messages", Optional: true, Run: saysBye},
	{Name: "robustness/payload", About: "goes on, or drops us, after payloads that cannot be read",
		Source: limitsSource, Run: brokenPayloads},
	{Name: "robustness/route", About: "passes over answers that nobody asked for",
		Source: "Routing in Gnutella overlay messages", Run: unrouted},
	{Name: "robustness/garbage", About: "closes on what is no handshake",
		Source: headSource, Run: noHandshake},
	{Name: "robustness/endless-line", About: "closes on a line that does not end",
		Source: headSource, Run: endless("X-Endless: ", strings.Repeat("a", 1<<10))},
	{Name: "robustness/endless-head", About: "closes on a head that does not end",
		Source: headSource, Run: endless("", strings.Repeat("X-Endless: a\r\n", 1<<6))},
	{Name: "robustness/slow-head", About: "closes on a head that comes one byte in seconds",
		Source: headSource, Optional: true, Slow: true, Run: slowHead},
	{Name: "robustness/silence", About: "closes on who says nothing",
		Source: headSource, Optional: true, Slow: true, Run: silence},
}

// dropUs sends a header that promises more than any servent takes, and waits for the end of the link.
func dropUs(ctx context.Context, s *session) (*message.Bye, error) {
	header := message.Header{GUID: message.NewGUID(), Type: message.TypePing, TTL: 1, Length: 16 << 20}
	if err := s.write(ctx, header.Append(nil)); err != nil {
		return nil, err
	}
	return s.dropped(ctx)
}

func hugeLength(ctx context.Context, t *Target) error {
	s, err := t.join(ctx, visit{})
	if err != nil {
		return err
	}
	defer s.close()
	_, err = dropUs(ctx, s)
	return err
}

func saysBye(ctx context.Context, t *Target) error {
	s, err := t.join(ctx, visit{})
	if err != nil {
		return err
	}
	defer s.close()
	if !s.Theirs.Has("Bye-Packet") {
		return unsupported("the answer has no Bye-Packet")
	}
	bye, err := dropUs(ctx, s)
	if err == nil && bye == nil {
		err = errors.New("it closed the link without a BYE")
	}
	return err
}

// brokenPayloads sends messages that are shorter than they must be. Both to pass over them and to drop the link is right;
// to stall is not.
func brokenPayloads(ctx context.Context, t *Target) error {
	s, err := t.join(ctx, visit{})
	if err != nil {
		return err
	}
	defer s.close()
	var b []byte
	for _, kind := range []message.Type{
		message.TypePong, message.TypeQuery, message.TypeQueryHit, message.TypePush, message.TypeVendor,
	} {
		b = message.Header{GUID: message.NewGUID(), Type: kind, TTL: 1, Length: 2}.Append(b)
		b = append(b, 1, 1)
	}
	if err := s.write(ctx, b); err != nil {
		return err
	}
	if err := s.stands(ctx); err != nil && !errors.Is(err, errClosed) && !hungUp(err) {
		return err
	}
	return nil
}

// unrouted sends answers to questions that nobody asked, and a PUSH to nobody.
func unrouted(ctx context.Context, t *Target) error {
	open := message.QHD{Vendor: message.VendorCode{'X', 'T', 'S', 'T'}, Open: message.HitFlags{}.Open()}
	return put(ctx, t,
		message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Pong{Addr: t.cfg.Addr}},
		message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.QueryHit{
			Addr: t.cfg.Addr, Results: []message.Result{{Size: 1, Name: "a"}}, Tail: open.Append(nil), Servent: message.NewGUID()}},
		message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Push{Servent: message.NewGUID(), Addr: t.cfg.Addr}})
}

// noHandshake sends a line of another protocol.
func noHandshake(ctx context.Context, t *Target) error {
	c, err := t.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := t.write(ctx, c, c, []byte("SSH-2.0-tester\r\n\r\n")); err != nil {
		return err
	}
	ctx, cancel := t.patience(ctx)
	defer cancel()
	_, err = hearOut(ctx, c)
	return err
}

// enough is how long a head may be before a servent must have closed: 16 times the limit of gtk-gnutella.
const enough = 256 << 10

// endless makes a test of a hello that goes on and on: first begins it, and more follows again and again.
func endless(first, more string) func(context.Context, *Target) error {
	return func(ctx context.Context, t *Target) error {
		c, err := t.dial(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		err = t.write(ctx, c, c, []byte("GNUTELLA CONNECT/0.6\r\n"+first))
		for sent := 0; err == nil && sent < enough; sent += len(more) {
			err = t.write(ctx, c, c, []byte(more))
		}
		if err != nil && !hungUp(err) {
			return err
		}
		ctx, cancel := t.patience(ctx)
		defer cancel()
		_, err = hearOut(ctx, c)
		return err
	}
}

// headPatience is how long a servent may wait for a head: three minutes for a patience of ten seconds.
func (t *Target) headPatience() time.Duration { return 18 * t.cfg.Patience }

// slowHead sends a hello byte by byte, far apart.
func slowHead(ctx context.Context, t *Target) error {
	c, err := t.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, t.headPatience())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := hearOut(ctx, c)
		ended <- err
	}()
	tick := time.NewTicker(t.cfg.Patience / 2)
	defer tick.Stop()
	for rest := bytes.NewBufferString("GNUTELLA CONNECT/0.6\r\nUser-Agent: " + strings.Repeat("a", 1<<10)); ; {
		select {
		case err := <-ended:
			return inTime(t.headPatience(), err)
		case <-tick.C:
			c.Write(rest.Next(1)) // where it cannot be written the reader knows why
		}
	}
}

// silence says nothing at all.
func silence(ctx context.Context, t *Target) error {
	c, err := t.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, t.headPatience())
	defer cancel()
	_, err = hearOut(ctx, c)
	return inTime(t.headPatience(), err)
}

// inTime is the error of a connection that had not ended after so long.
func inTime(limit time.Duration, err error) error {
	if err != nil {
		return fmt.Errorf("after %v: %w", limit, err)
	}
	return nil
}
