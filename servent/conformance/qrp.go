package conformance

import (
	"context"
	"errors"
	"fmt"

	"gnucensus/servent/message"
	"gnucensus/servent/qrp"
)

const qrpSource = "Query routing protocol (QRP)"

var qrpTests = []Test{
	{Name: "qrp/accepted", About: "as an ultrapeer, takes the RESET and PATCH of a leaf",
		Source: qrpSource, Run: tableAccepted},
	{Name: "qrp/filter", About: "as an ultrapeer, sends a leaf only queries that its table has",
		Source: qrpSource, Run: tableFilters},
	{Name: "qrp/sequence", About: "drops who sends patches out of sequence",
		Source: qrpSource, Run: sequenceDropped},
	{Name: "qrp/own", About: "as a leaf, sends a routing table that has its words",
		Source: qrpSource, Run: ownTable},
}

// tableSlots is the size of the tables that we send.
const tableSlots = 1 << 16

// leafLink opens a link to an ultrapeer that routes queries, as its leaf.
func (t *Target) leafLink(ctx context.Context) (*session, error) {
	e, err := t.enter(ctx)
	if err != nil {
		return nil, err
	}
	if is, _ := e.answer.Bool("X-Ultrapeer"); !is {
		return nil, skip("it is a leaf")
	}
	if !e.answer.Has("X-Query-Routing") {
		return nil, unsupported("the answer to our hello has no X-Query-Routing")
	}
	return t.joinAs(ctx, leaf)
}

// sendTable sends a table that has the given words and nothing else.
func (s *session) sendTable(ctx context.Context, words ...string) error {
	table := qrp.NewTable(tableSlots)
	for _, w := range words {
		table.Add(w)
	}
	messages := []message.Message{newReset()}
	for _, p := range qrp.Patches(nil, table, true) {
		messages = append(messages, newPatch(p))
	}
	return s.send(ctx, messages...)
}

func newReset() message.Message {
	return message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Reset{Slots: tableSlots, Infinity: qrp.Infinity}}
}

func newPatch(p qrp.Patch) message.Message {
	return message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Patch{
		Number: p.Number, Count: p.Count, Compressor: p.Compressor, EntryBits: p.EntryBits, Data: p.Data}}
}

func tableAccepted(ctx context.Context, t *Target) error {
	s, err := t.leafLink(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.sendTable(ctx, nobodysWord()); err != nil {
		return err
	}
	return s.stands(ctx)
}

// tableFilters asks two queries over another link, of which the table has one.
func tableFilters(ctx context.Context, t *Target) error {
	to, err := t.leafLink(ctx)
	if err != nil {
		return err
	}
	defer to.close()
	known := nobodysWord()
	if err := to.sendTable(ctx, known); err != nil {
		return err
	}
	if err := to.stands(ctx); err != nil { // then the table is in place
		return err
	}
	from, err := t.join(ctx, visit{})
	if err != nil {
		return err
	}
	defer from.close()
	passed, unknown := false, nobodysWord()
	other, query := t.query(message.QueryMark, unknown, nil), t.query(message.QueryMark, known, nil)
	if err := from.send(ctx, other, query); err != nil {
		return err
	}
	_, err = to.next(ctx, "query that the table has", func(m message.Message) bool {
		passed = passed || asks(m, unknown)
		return asks(m, known)
	})
	if err == nil && passed {
		err = errors.New("a query that the table does not have")
	}
	return err
}

// sequenceDropped sends the second patch of three first.
func sequenceDropped(ctx context.Context, t *Target) error {
	s, err := t.leafLink(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	patch := newPatch(qrp.Patch{Number: 2, Count: 3, EntryBits: 4, Data: make([]byte, 100)})
	if err := s.send(ctx, newReset(), patch); err != nil {
		return err
	}
	_, err = s.dropped(ctx)
	return err
}

// ownTable receives the table of a leaf.
func ownTable(ctx context.Context, t *Target) error {
	switch isUltrapeer, err := t.isUltrapeer(ctx); {
	case err != nil:
		return err
	case isUltrapeer:
		return skip("it is an ultrapeer")
	}
	s, err := t.joinAs(ctx, ultrapeer)
	if err != nil {
		return err
	}
	defer s.close()
	if !s.Theirs.Has("X-Query-Routing") {
		return unsupported("the answer has no X-Query-Routing")
	}
	var table qrp.Receiver
	var wrong error
	_, err = s.next(ctx, "whole routing table", func(m message.Message) bool {
		done := false
		switch body := m.Body.(type) {
		case *message.Reset:
			wrong = table.Reset(body.Slots)
		case *message.Patch:
			done, wrong = table.Patch(qrp.Patch(*body))
		}
		return wrong != nil || done
	})
	switch {
	case err != nil:
		return err
	case wrong != nil:
		return wrong
	case t.cfg.Word != "" && !table.Table().Match(qrp.KeyOf(t.cfg.Word)):
		return fmt.Errorf("its table does not have %q", t.cfg.Word)
	}
	return nil
}
