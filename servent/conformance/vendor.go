package conformance

import (
	"context"
	"fmt"

	"gnucensus/servent/message"
)

const vendorSource = "Vendor messages"

var vendorTests = []Test{
	{Name: "vendor/supported", About: "lists the vendor messages that it reads",
		Source: "Messages Supported in " + vendorSource, Run: messagesSupported},
	{Name: "vendor/unknown", About: "passes over vendor messages that it does not know",
		Source: vendorSource, Run: unknownVendorMessage},
	{Name: "vendor/type", About: "passes over types of messages that it does not know",
		Source: "Message header in Gnutella overlay messages", Run: unknownMessage},
}

// messagesSupported waits for the list that follows the handshake.
func messagesSupported(ctx context.Context, t *Target) error {
	s, err := t.join(ctx, visit{})
	if err != nil {
		return err
	}
	defer s.close()
	if !s.Theirs.Has("Vendor-Message") {
		return unsupported("the answer has no Vendor-Message")
	}
	m, err := s.next(ctx, "Messages Supported (0/0)", func(m message.Message) bool {
		v, ok := m.Body.(*message.Vendor)
		return ok && v.Is(message.NoVendor, 0)
	})
	if err != nil {
		return err
	}
	opened, err := m.Body.(*message.Vendor).Open()
	if err != nil {
		return err
	}
	if list := opened.(*message.MessagesSupported); len(list.Messages) == 0 || len(list.Tail) > 0 {
		return fmt.Errorf("a list of %d messages and %d bytes more", len(list.Messages), len(list.Tail))
	}
	return nil
}

// put sends a message that the target must put up with.
func put(ctx context.Context, t *Target, messages ...message.Message) error {
	s, err := t.join(ctx, visit{})
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.send(ctx, messages...); err != nil {
		return err
	}
	return s.stands(ctx)
}

func unknownVendorMessage(ctx context.Context, t *Target) error {
	return put(ctx, t,
		message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Vendor{
			Vendor: message.VendorCode{'X', 'T', 'S', 'T'}, Selector: 999, Version: 1, Body: []byte("????")}},
		message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Vendor{
			Vendor: message.LIME, Selector: 999, Version: 9}})
}

// unknownType is a type that nobody has used.
const unknownType message.Type = 0x77

func unknownMessage(ctx context.Context, t *Target) error {
	return put(ctx, t, message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Unknown{
		Kind: unknownType, Payload: []byte("????")}})
}
