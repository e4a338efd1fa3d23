package conformance

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

const oobSource = "Out-of-band hits in Gnutella over UDP"

// queryOutOfBand asks for hits by UDP. They must bear the token that we give.
func queryOutOfBand(ctx context.Context, t *Target) error {
	query, number, err := t.promised(ctx)
	if err != nil {
		return err
	}
	return t.fetchHits(ctx, query, number.Version)
}

// promised asks for hits by UDP, as an ultrapeer that relays a query: for those of direct neighbours the link is good enough. It
// returns what tells of them.
func (t *Target) promised(ctx context.Context) (query message.Message, number *message.Vendor, err error) {
	if query, err = t.queryWithAddress(ctx); err != nil {
		return query, nil, err
	}
	s, err := t.joinAs(ctx, ultrapeer)
	if err != nil {
		return query, nil, err
	}
	defer s.close()
	hits, err := s.asked(ctx, query)
	if err != nil {
		return query, nil, err
	}
	if len(hits) > 0 {
		return query, nil, unsupported("the hits came over the link")
	}
	told, err := t.catch(ctx, "reply number (LIME/12)", func(m message.Message) bool {
		v, ok := m.Body.(*message.Vendor)
		return ok && m.GUID == query.GUID && v.Is(message.LIME, 12)
	})
	if err != nil && t.cfg.Word == "" {
		return query, nil, skip("no hits; a word that it shares is not known")
	}
	if err != nil {
		return query, nil, err
	}
	return query, told.Body.(*message.Vendor), nil
}

// queryOutOfBandTwice fetches the same hits twice: no more results may come than were told of.
func queryOutOfBandTwice(ctx context.Context, t *Target) error {
	query, told, err := t.promised(ctx)
	if err != nil {
		return err
	}
	opened, err := told.Open()
	if err != nil {
		return err
	}
	promised := int(opened.(*message.OOBReplyNumber).Hits)
	ack, err := claimFor(query, told.Version)
	if err != nil {
		return err
	}
	isHit := func(m message.Message) bool { return m.GUID == query.GUID && m.Body.Type() == message.TypeQueryHit }
	came := 0
	for range 2 {
		if err := t.throwMessage(ctx, ack); err != nil {
			return err
		}
	}
	for {
		wait := t.patience
		if came > 0 {
			wait = t.quiet
		}
		waiting, cancel := wait(ctx)
		m, err := t.catch(waiting, "QUERY HIT", isHit)
		cancel()
		switch {
		case err != nil && came > 0 && ctx.Err() == nil:
			return nil // until then all was well
		case err != nil:
			return err
		}
		hit, ok := m.Body.(*message.QueryHit)
		if !ok {
			return errors.New("a deflated hit for who did not ask for it")
		}
		if came += len(hit.Results); came > promised {
			return fmt.Errorf("told of %d results, and sent %d or more", promised, came)
		}
	}
}

// queryVetoed sends the query of a leaf that objects to its being asked in another name, and looks at what an ultrapeer gets.
func queryVetoed(ctx context.Context, t *Target) error {
	if isUltrapeer, err := t.isUltrapeer(ctx); err != nil || !isUltrapeer {
		return cmp.Or(err, skip("it is a leaf"))
	}
	from, err := t.joinAs(ctx, leaf)
	if err != nil {
		return err
	}
	defer from.close()
	to, err := t.joinAs(ctx, ultrapeer)
	if err != nil {
		return err
	}
	defer to.close()
	if err := to.stands(ctx); err != nil {
		return err
	}
	veto := message.Message{GUID: message.NewGUID(), TTL: 1, Body: (&message.OOBProxyVeto{All: true}).Vendor()}
	words := nobodysWord()
	query := t.query(message.QueryMark, words, nil)
	query.TTL = 4
	if err := from.send(ctx, veto, query); err != nil {
		return err
	}
	m, err := to.next(ctx, "query of the leaf", func(m message.Message) bool { return asks(m, words) })
	switch {
	case errors.Is(err, errClosed):
		return err
	case err != nil:
		return skip("%v", err)
	case m.GUID != query.GUID:
		return errors.New("it asks the query in another name")
	}
	return nil
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

// token is what hits that we fetch must bear.
var token = []byte{0xde, 0xad, 0xbe, 0xef}

// claimFor fetches all hits for a query.
func claimFor(query message.Message, version uint16) (message.Message, error) {
	claim := &message.OOBReplyAck{Version: min(version, 3), Wanted: 255}
	if version >= 3 {
		var err error
		if claim.Tail, err = ggep.Append(nil, ggep.SO(token)); err != nil {
			return message.Message{}, err
		}
	}
	return message.Message{GUID: query.GUID, TTL: 1, Body: claim.Vendor()}, nil
}

// fetchHits claims the hits that a reply number promised.
func (t *Target) fetchHits(ctx context.Context, query message.Message, version uint16) error {
	ack, err := claimFor(query, version)
	if err != nil {
		return err
	}
	m, err := t.ask(ctx, "QUERY HIT", ack, func(m message.Message) bool { return m.Body.Type() == message.TypeQueryHit })
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
