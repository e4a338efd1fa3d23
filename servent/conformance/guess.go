package conformance

import (
	"context"
	"errors"
	"fmt"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// Bounds of a query key in bytes.
const (
	minKey = 4
	maxKey = 16
)

// queryKey asks for a key.
func queryKey(ctx context.Context, t *Target) error {
	_, err := t.askKey(ctx)
	return err
}

// askKey returns a key that the target gives out. Ultrapeers announce that they answer queries by UDP.
func (t *Target) askKey(ctx context.Context) ([]byte, error) {
	e, err := t.enter(ctx)
	if err != nil {
		return nil, err
	}
	if !e.answer.Has("X-Guess") {
		return nil, unsupported("the answer to our hello has no X-Guess")
	}
	c, err := t.askPong(ctx, ggep.QK(nil))
	if err != nil {
		return nil, err
	}
	key, ok := c.Body.(*message.Pong).GGEP().QK()
	switch {
	case !ok:
		return nil, errors.New("the PONG has no QK")
	case len(key) < minKey || len(key) > maxKey:
		return nil, fmt.Errorf("a key of %d bytes", len(key))
	}
	return key, nil
}

// guess asks a query by UDP. A PONG acknowledges it, and hits come before or after that.
func guess(ctx context.Context, t *Target) error {
	key, err := t.askKey(ctx)
	if err != nil {
		return err
	}
	tail, err := ggep.AppendNULFree(nil, ggep.QK(key), ggep.SCP(0))
	if err != nil {
		return err
	}
	query := t.query(message.QueryMark, t.words(), tail)
	_, err = t.ask(ctx, "PONG or QUERY HIT", query, func(m message.Message) bool {
		_, isHit := m.Body.(*message.QueryHit)
		return isHit || isPong(m, query.GUID)
	})
	return err
}
