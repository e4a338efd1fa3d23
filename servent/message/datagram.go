package message

import (
	"bytes"
	"compress/zlib"
	"io"
	"sync"
)

// Marks of gtk-gnutella in the TTL of a datagram.
const (
	// TTLInflates marks a request whose sender can inflate the answer.
	TTLInflates = 0x08
	// TTLDeflated marks an answer whose payload is one zlib stream.
	TTLDeflated = 0x80
)

// ParseDatagram reads a datagram: one message, with nothing after it. A datagram that is shorter than it says is
// [ErrTruncated], one that is longer [ErrMalformed].
//
// A deflated payload, which is only sent to who asked for it by [TTLInflates], stays as it is, in an *[Unknown] of its type;
// [Inflate] reads it.
func ParseDatagram(b []byte) (Message, error) {
	h, err := ParseHeader(b)
	if err != nil {
		return Message{}, err
	}
	payload := b[HeaderLen:]
	switch {
	case uint64(len(payload)) < uint64(h.Length):
		return Message{}, &Error{Type: h.Type, Field: "payload", Offset: len(payload), Err: ErrTruncated}
	case uint64(len(payload)) > uint64(h.Length):
		return Message{}, &Error{Type: h.Type, Field: "length", Offset: HeaderLen - 4, Err: ErrMalformed}
	}
	m := Message{GUID: h.GUID, TTL: h.TTL, Hops: h.Hops}
	if h.TTL&TTLDeflated != 0 {
		m.Body = &Unknown{Kind: h.Type, Payload: clone(payload)}
		return m, nil
	}
	if m.Body, err = Parse(h.Type, payload); err != nil {
		return Message{}, err
	}
	return m, nil
}

// Inflate reads the deflated payload of a message whose TTL bears [TTLDeflated], and clears that mark. It returns other
// messages as they are.
func Inflate(m Message) (Message, error) {
	u, ok := m.Body.(*Unknown)
	if !ok || m.TTL&TTLDeflated == 0 {
		return m, nil
	}
	payload, err := inflate(u.Payload, int(u.Kind.MaxLen()))
	if err != nil {
		return Message{}, &Error{Type: u.Kind, Field: "deflated payload", Err: err}
	}
	if m.Body, err = Parse(u.Kind, payload); err != nil {
		return Message{}, err
	}
	m.TTL &^= TTLDeflated
	return m, nil
}

// Deflate returns a message with its payload deflated, and its TTL marked by [TTLDeflated]: an answer to who asked for it by
// [TTLInflates]. A message that does not become smaller by that stays as it is.
func Deflate(m Message) Message {
	payload := m.Body.Append(nil)
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	_, _ = w.Write(payload) // a bytes.Buffer takes everything
	_ = w.Close()
	if packed.Len() >= len(payload) {
		return m
	}
	m.TTL |= TTLDeflated
	m.Body = &Unknown{Kind: m.Body.Type(), Payload: packed.Bytes()}
	return m
}

// inflate reads a zlib stream of at most limit plain bytes.
func inflate(b []byte, limit int) ([]byte, error) {
	r, held := inflaters.Get().(io.Reader)
	var err error
	if held {
		err = r.(zlib.Resetter).Reset(bytes.NewReader(b), nil)
	} else {
		r, err = zlib.NewReader(bytes.NewReader(b))
	}
	if err != nil {
		return nil, ErrMalformed
	}
	defer inflaters.Put(r)
	return readAll(r, limit)
}

// inflaters hold readers of zlib streams: a new one takes 40 KiB.
var inflaters sync.Pool

// readAll reads at most limit bytes of an inflating stream.
func readAll(r io.Reader, limit int) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	switch {
	case len(out) > limit:
		return nil, ErrTooLong
	case err != nil:
		return nil, ErrMalformed
	}
	return out, nil
}
