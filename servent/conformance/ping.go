package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

const pingSource = "PING in Gnutella overlay messages"

var pingTests = []Test{
	{Name: "ping/alive", About: "answers a PING with TTL 1 by its own PONG",
		Source: pingSource, Run: pingAlive},
	{Name: "ping/crawl", About: "as an ultrapeer, answers for neighbours a PING with TTL 2",
		Source: pingSource, Run: pingCrawl},
	{Name: "ping/framing", About: "reads messages as they come, many at once or byte by byte",
		Source: "Message header in Gnutella overlay messages", Run: pingFraming},
	{Name: "ping/ggep", About: "passes over GGEP keys that it does not know",
		Source: "GGEP", Run: pingUnknownKeys},
}

// pingAlive also checks that the PONG is the target's own.
func pingAlive(ctx context.Context, t *Target) error {
	s, err := t.join(ctx, visit{})
	if err != nil {
		return err
	}
	defer s.close()
	ping := newPing(1)
	if err := s.send(ctx, ping); err != nil {
		return err
	}
	m, err := s.next(ctx, "PONG", func(m message.Message) bool { return isPong(m, ping.GUID) })
	if err != nil {
		return err
	}
	return t.ownPong(m)
}

// ownPong checks the PONG by which the target tells of itself.
func (t *Target) ownPong(m message.Message) error {
	pong := m.Body.(*message.Pong)
	switch {
	case m.Hops != 0:
		return fmt.Errorf("its own PONG has %d hops", m.Hops)
	case pong.Addr != t.cfg.Addr && t.cfg.Addr.Addr().Is4():
		return fmt.Errorf("its own PONG names %v", pong.Addr)
	}
	return nil
}

// pingCrawl needs a target with neighbours, which its answer to a crawler lists.
func pingCrawl(ctx context.Context, t *Target) error {
	switch isUltrapeer, err := t.isUltrapeer(ctx); {
	case err != nil:
		return err
	case !isUltrapeer:
		return skip("it is a leaf")
	}
	a, err := t.crawled(ctx)
	if err != nil {
		return skip("its neighbours are not known: %v", err)
	}
	t.trace = trace{}
	if len(a.theirs.Addrs("Peers", "Leaves")) == 0 {
		return skip("it lists no neighbours")
	}
	s, err := t.join(ctx, visit{})
	if err != nil {
		return err
	}
	defer s.close()
	ping := newPing(2)
	if err := s.send(ctx, ping); err != nil {
		return err
	}
	m, err := s.next(ctx, "PONG of a neighbour", func(m message.Message) bool {
		return isPong(m, ping.GUID) && m.Body.(*message.Pong).Addr != t.cfg.Addr
	})
	switch {
	case err != nil && !errors.Is(err, errClosed) && len(a.theirs.Addrs("Peers")) == 0:
		return skip("it has leaves alone, which gtk-gnutella does not name")
	case err != nil:
		return err
	}
	if m.Hops != 1 {
		return fmt.Errorf("a neighbour's PONG has %d hops, not 1", m.Hops)
	}
	return nil
}

// pingFraming sends two PINGs in one piece, and then one in many.
func pingFraming(ctx context.Context, t *Target) error {
	s, err := t.join(ctx, visit{})
	if err != nil {
		return err
	}
	defer s.close()
	first, second, third := newPing(1), newPing(1), newPing(1)
	if err := s.send(ctx, first, second); err != nil {
		return err
	}
	b, err := message.Append(nil, third)
	if err != nil {
		return err
	}
	for piece := range slices.Chunk(b, 1) {
		if err := s.write(ctx, piece); err != nil {
			return err
		}
	}
	for i, ping := range []message.Message{first, second, third} {
		what := fmt.Sprintf("PONG to PING %d of 3", i+1)
		if _, err := s.next(ctx, what, func(m message.Message) bool { return isPong(m, ping.GUID) }); err != nil {
			return err
		}
	}
	return nil
}

// strangeKeys are extensions that no servent knows, in the forms that all must be able to skip.
func strangeKeys() []ggep.Block {
	return []ggep.Block{
		{ID: "Z", Data: []byte("plain")},
		{ID: "gnucensus.test", Data: []byte{0, 1, 0}, COBS: true},
		{ID: "ZZ", Data: make([]byte, 100), COBS: true, Deflate: true},
	}
}

func pingUnknownKeys(ctx context.Context, t *Target) error {
	s, err := t.join(ctx, visit{})
	if err != nil {
		return err
	}
	defer s.close()
	tail, err := ggep.Append(nil, strangeKeys()...)
	if err != nil {
		return err
	}
	ping := message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{Tail: tail}}
	if err := s.send(ctx, ping); err != nil {
		return err
	}
	_, err = s.next(ctx, "PONG", func(m message.Message) bool { return isPong(m, ping.GUID) })
	return err
}
