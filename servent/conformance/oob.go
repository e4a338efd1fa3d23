package conformance

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// queryOutOfBand asks for hits by UDP, as an ultrapeer that relays a query: for those of direct neighbours the link is good
// enough. The hits must bear the token that we give.
func queryOutOfBand(ctx context.Context, t *Target) error {
	query, err := t.queryWithAddress(ctx)
	if err != nil {
		return err
	}
	s, err := t.joinAs(ctx, ultrapeer)
	if err != nil {
		return err
	}
	defer s.close()
	hits, err := s.asked(ctx, query)
	if err != nil {
		return err
	}
	if len(hits) > 0 {
		return unsupported("the hits came over the link")
	}
	number, err := t.catch(ctx, "reply number (LIME/12)", func(m message.Message) bool {
		v, ok := m.Body.(*message.Vendor)
		return ok && m.GUID == query.GUID && v.Is(message.LIME, 12)
	})
	if err != nil && t.cfg.Word == "" {
		return skip("no hits; a word that it shares is not known")
	}
	if err != nil {
		return err
	}
	return t.fetchHits(ctx, query, number.Body.(*message.Vendor).Version)
}

// queryWithAddress makes a query whose GUID holds the address of our UDP socket.
func (t *Target) queryWithAddress(ctx context.Context) (message.Message, error) {
	e, err := t.enter(ctx)
	if err != nil {
		return message.Message{}, err
	}
	if !e.local.Is4() {
		return message.Message{}, skip("we have no IPv4 address")
	}
	port, err := t.port(ctx)
	if err != nil {
		return message.Message{}, err
	}
	tail, err := ggep.AppendNULFree(nil, ggep.SO(nil))
	if err != nil {
		return message.Message{}, err
	}
	query := t.query(message.QueryMark|message.QueryOOB, t.words(), tail)
	ip := e.local.As4()
	copy(query.GUID[:], ip[:])
	binary.LittleEndian.PutUint16(query.GUID[13:], port)
	query.Hops = 1
	return query, nil
}

// fetchHits claims the hits that a reply number promised.
func (t *Target) fetchHits(ctx context.Context, query message.Message, version uint16) error {
	token := []byte{0xde, 0xad, 0xbe, 0xef}
	claim := &message.OOBReplyAck{Version: min(version, 3), Wanted: 255}
	if version >= 3 {
		var err error
		if claim.Tail, err = ggep.Append(nil, ggep.SO(token)); err != nil {
			return err
		}
	}
	m, err := t.ask(ctx, "QUERY HIT", message.Message{GUID: query.GUID, TTL: 1, Body: claim.Vendor()},
		func(m message.Message) bool { return m.Body.Type() == message.TypeQueryHit })
	if err != nil {
		return err
	}
	hit, ok := m.Body.(*message.QueryHit)
	if !ok {
		return errors.New("a deflated hit for who did not ask for it")
	}
	if err := t.checkHit(hit); err != nil || version < 3 {
		return err
	}
	qhd, _ := hit.QHD()
	if got, _ := qhd.GGEP().SO(); !bytes.Equal(got, token) {
		return fmt.Errorf("a hit bears the token %x, not ours", got)
	}
	return nil
}
