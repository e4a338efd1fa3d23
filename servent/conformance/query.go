package conformance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

const (
	querySource = "QUERY in Gnutella overlay messages"
	relaySource = "TTL and hops in Gnutella overlay messages"
)

var queryTests = []Test{
	{Name: "query/hits", About: "answers a query by hits with a trailer (QHD)",
		Source: "QUERY HIT in Gnutella overlay messages", Run: queryHits},
	{Name: "query/nothing", About: "does not answer a query for what nobody has",
		Source: querySource, Run: queryNothing},
	{Name: "query/duplicate", About: "answers a query once, however often it comes",
		Source: querySource, Run: queryTwice},
	{Name: "query/ggep", About: "answers a query with GGEP keys that it does not know",
		Source: "GGEP", Run: queryUnknownKeys},
	{Name: "query/relay", About: "relays by TTL-1 and hops+1 as an ultrapeer, never as a leaf",
		Source: relaySource, Run: queryRelayed},
	{Name: "query/ttl", About: "relays no query with TTL 0, and none for more than 15 links",
		Source: relaySource, Run: queryBeyondTTL},
	{Name: "query/oob", About: "gives hits by UDP to who asks for them so",
		Source: oobSource, Optional: true, Run: queryOutOfBand},
	{Name: "query/oob-once", About: "gives hits by UDP once, however often they are fetched",
		Source: oobSource, Optional: true, Run: queryOutOfBandTwice},
	{Name: "query/veto", About: "as an ultrapeer, asks a leaf's query in no other name if told",
		Source: oobSource, Optional: true, Run: queryVetoed},
}

// allFiles is the query that asks some servents for all that they share.
const allFiles = "    "

// words is what a query for something that the target has asks for.
func (t *Target) words() string {
	if t.cfg.Word == "" {
		return allFiles
	}
	return t.cfg.Word
}

// nobodysWord makes a word that is in no file name. Its letters have different slots in any routing table of usual size.
func nobodysWord() string {
	const letters = "bcdfghjklmnpqrstvwxz"
	b := []byte("gnucensus")
	for range 9 {
		b = append(b, letters[rand.IntN(len(letters))])
	}
	return string(b)
}

// query makes a query that travels one link.
func (t *Target) query(flags uint16, words string, tail []byte) message.Message {
	return message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Query{Flags: flags, Words: words, Tail: tail}}
}

// asks tells whether a message asks for words, by whatever GUID: an ultrapeer may ask a leaf's query in its own name.
func asks(m message.Message, words string) bool {
	q, ok := m.Body.(*message.Query)
	return ok && q.Words == words
}

// asked sends a query and returns the hits of the target's own that come until it has settled.
func (s *session) asked(ctx context.Context, query message.Message) ([]*message.QueryHit, error) {
	if err := s.send(ctx, query); err != nil {
		return nil, err
	}
	came, err := s.settle(ctx)
	return hitsOf(came, query.GUID), err
}

// hitsOf returns the hits that answer a query and were not relayed.
func hitsOf(came []message.Message, query message.GUID) (hits []*message.QueryHit) {
	for _, m := range came {
		if hit, ok := m.Body.(*message.QueryHit); ok && m.GUID == query && m.Hops == 0 {
			hits = append(hits, hit)
		}
	}
	return hits
}

// found opens a link and asks for what the target shares. Without hits, the test is skipped where we do not know a word.
func (t *Target) found(ctx context.Context, query message.Message) (*session, []*message.QueryHit, error) {
	s, err := t.join(ctx, visit{})
	if err != nil {
		return nil, nil, err
	}
	hits, err := s.asked(ctx, query)
	switch {
	case err == nil && len(hits) == 0 && t.cfg.Word == "":
		err = skip("no hits; a word that it shares is not known")
	case err == nil && len(hits) == 0:
		err = fmt.Errorf("no hits of its own for %q", t.cfg.Word)
	}
	if err != nil {
		s.close()
		return nil, nil, err
	}
	return s, hits, nil
}

func queryHits(ctx context.Context, t *Target) error {
	s, hits, err := t.found(ctx, t.query(message.QueryMark, t.words(), nil))
	if err != nil {
		return err
	}
	defer s.close()
	for _, hit := range hits {
		if err := t.checkHit(hit); err != nil {
			return err
		}
	}
	return nil
}

// checkHit checks what is in a hit beside the results that can be parsed.
func (t *Target) checkHit(hit *message.QueryHit) error {
	qhd, ok := hit.QHD()
	switch {
	case len(hit.Results) == 0:
		return errors.New("a hit without results")
	case hit.Addr != t.cfg.Addr && t.cfg.Addr.Addr().Is4():
		return fmt.Errorf("a hit names %v", hit.Addr)
	case hit.Servent == message.GUID{}:
		return errors.New("a hit has no GUID of the servent")
	case !ok:
		return errors.New("a hit has no trailer (QHD)")
	case qhd.Vendor == message.NoVendor:
		return errors.New("the trailer of a hit names no vendor")
	case len(qhd.Open) < 2:
		return fmt.Errorf("the trailer of a hit has %d bytes of open data", len(qhd.Open))
	}
	for _, r := range hit.Results {
		if r.Name == "" {
			return errors.New("a result has no name")
		}
	}
	return nil
}

func queryNothing(ctx context.Context, t *Target) error {
	s, err := t.join(ctx, visit{})
	if err != nil {
		return err
	}
	defer s.close()
	hits, err := s.asked(ctx, t.query(message.QueryMark, nobodysWord(), nil))
	if err == nil && len(hits) > 0 {
		err = fmt.Errorf("%d results for a word that nobody has", len(hits[0].Results))
	}
	return err
}

func queryTwice(ctx context.Context, t *Target) error {
	query := t.query(message.QueryMark, t.words(), nil)
	s, _, err := t.found(ctx, query)
	if err != nil {
		return err
	}
	defer s.close()
	again, err := s.asked(ctx, query)
	if err == nil && len(again) > 0 {
		err = errors.New("hits for the second copy, too")
	}
	return err
}

func queryUnknownKeys(ctx context.Context, t *Target) error {
	tail, err := ggep.AppendNULFree(nil, strangeKeys()...)
	if err != nil {
		return err
	}
	s, _, err := t.found(ctx, t.query(message.QueryMark, t.words(), tail))
	if err != nil {
		return err
	}
	s.close()
	return nil
}

// pair opens two links as an ultrapeer: what goes into one may come out of the other.
func (t *Target) pair(ctx context.Context) (from, to *session, err error) {
	if from, err = t.joinAs(ctx, ultrapeer); err != nil {
		return nil, nil, err
	}
	if to, err = t.joinAs(ctx, ultrapeer); err == nil {
		if err = to.stands(ctx); err == nil { // the target counts it among its links by then
			return from, to, nil
		}
		to.close()
	}
	from.close()
	return nil, nil, err
}

// seen returns the queries with one of the GUIDs that come until the target has settled.
func (s *session) seen(ctx context.Context, ids ...message.GUID) (queries []message.Message, err error) {
	came, err := s.settle(ctx)
	for _, m := range came {
		if _, isQuery := m.Body.(*message.Query); isQuery && slices.Contains(ids, m.GUID) {
			queries = append(queries, m)
		}
	}
	return queries, err
}

// queryRelayed sends a query that may travel two links.
func queryRelayed(ctx context.Context, t *Target) error {
	isUltrapeer, err := t.isUltrapeer(ctx)
	if err != nil {
		return err
	}
	from, to, err := t.pair(ctx)
	if err != nil {
		return err
	}
	defer from.close()
	defer to.close()
	query := t.query(message.QueryMark, nobodysWord(), nil)
	query.TTL = 2
	if err := from.send(ctx, query); err != nil {
		return err
	}
	if err := from.stands(ctx); err != nil {
		return err
	}
	relayed, err := to.seen(ctx, query.GUID)
	switch {
	case err != nil:
		return err
	case !isUltrapeer && len(relayed) > 0:
		return errors.New("it is a leaf and relays")
	case isUltrapeer && len(relayed) == 0:
		return errors.New("a query with TTL 2 is not relayed to the other link")
	case isUltrapeer && (relayed[0].TTL != 1 || relayed[0].Hops != 1):
		return fmt.Errorf("a query with TTL 2 and 0 hops is relayed with TTL %d and %d hops", relayed[0].TTL, relayed[0].Hops)
	case len(relayed) > 1:
		return errors.New("a query is relayed twice to the same link")
	}
	return nil
}

// farthest is how many links a message may travel in all.
const farthest = 15

// queryBeyondTTL sends queries whose TTL is out of bounds. A target may close the link for them, and may cut a TTL down.
func queryBeyondTTL(ctx context.Context, t *Target) error {
	from, to, err := t.pair(ctx)
	if err != nil {
		return err
	}
	defer from.close()
	defer to.close()
	spent, far := t.query(message.QueryMark, nobodysWord(), nil), t.query(message.QueryMark, nobodysWord(), nil)
	spent.TTL, far.TTL = 0, 200
	if err := from.send(ctx, spent, far); err != nil {
		return err
	}
	if err := from.stands(ctx); err != nil && !errors.Is(err, errClosed) {
		return err
	}
	relayed, err := to.seen(ctx, spent.GUID, far.GUID)
	for _, m := range relayed {
		switch {
		case m.GUID == spent.GUID:
			return errors.New("a query with TTL 0 is relayed")
		case int(m.TTL)+int(m.Hops) > farthest:
			return fmt.Errorf("a query with TTL 200 is relayed with TTL %d", m.TTL)
		}
	}
	return err
}
