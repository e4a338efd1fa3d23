package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"gnucensus/servent/internal/interrupt"
	"gnucensus/servent/message"
)

// A PayloadError is the error of one message whose payload cannot be read. The link goes on with the next.
type PayloadError struct {
	Header message.Header
	Err    error // a [*message.Error]
}

// Error says what is wrong with the payload.
func (e *PayloadError) Error() string { return "parse message: " + e.Err.Error() }

// Unwrap returns the fault.
func (e *PayloadError) Unwrap() error { return e.Err }

// Receive returns the next message. After a [*PayloadError] and after the error of ctx nothing is lost. The peer's stream may
// have a fault, [message.ErrTooLong] for a length beyond [message.Type.MaxLen], [ErrBomb] or [ErrCorrupt]: all that is left
// to do then is to say goodbye. Any other error closes the link; it is [io.EOF] at the end of the stream after a whole message
// and [io.ErrUnexpectedEOF] within one. Once the link is closed, the error is the reason, or [net.ErrClosed].
func (l *Link) Receive(ctx context.Context) (message.Message, error) {
	if err := ctx.Err(); err != nil {
		return message.Message{}, fmt.Errorf("receive: %w", err)
	}
	header, payload, err := l.frame(ctx)
	if err != nil {
		return message.Message{}, l.receiveError(ctx, err)
	}
	body, err := message.Parse(header.Type, payload)
	l.in.drop(len(payload))
	l.mu.Lock()
	count(l.received, header.Type, message.HeaderLen+len(payload))
	l.mu.Unlock()
	if err != nil {
		return message.Message{}, &PayloadError{Header: header, Err: err}
	}
	return message.Message{GUID: header.GUID, TTL: header.TTL, Hops: header.Hops, Body: body}, nil
}

// receiveError makes an error of the stream one of Receive, and closes the link when the stream has ended. A fault comes back
// with every further attempt to read.
func (l *Link) receiveError(ctx context.Context, err error) error {
	select {
	case <-l.closed:
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.closedError()
	default:
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("receive: %w", interrupt.Err(ctx, err))
	}
	err = fmt.Errorf("receive: %w", err)
	if !errors.Is(err, message.ErrTooLong) && !errors.Is(err, ErrBomb) && !errors.Is(err, ErrCorrupt) {
		l.shut(err)
	}
	return err
}

// frame returns the next message, taking its header from the stream and leaving its payload at the beginning of it.
func (l *Link) frame(ctx context.Context) (message.Header, []byte, error) {
	in := &l.in
	for !in.framed && len(in.unread()) < message.HeaderLen {
		if err := l.fill(ctx); err != nil {
			if err == io.EOF && len(in.unread()) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return message.Header{}, nil, err
		}
	}
	if !in.framed {
		header, err := message.ParseHeader(in.unread())
		if err != nil {
			return message.Header{}, nil, err
		}
		in.header, in.framed = header, true
		in.start += message.HeaderLen
	}
	length := int(in.header.Length)
	for len(in.unread()) < length {
		if err := l.fill(ctx); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return message.Header{}, nil, err
		}
	}
	return in.header, in.unread()[:length:length], nil
}

// fill adds at least one byte to what is unread.
func (l *Link) fill(ctx context.Context) error {
	in := &l.in
	in.makeRoom()
	free := in.buf[len(in.buf):cap(in.buf)]
	if in.inflater == nil {
		n, err := l.read(ctx, free)
		in.buf = in.buf[:len(in.buf)+n]
		return err
	}
	for {
		if n := in.inflater.read(free); n > 0 {
			in.buf = in.buf[:len(in.buf)+n]
			return nil
		}
		taken, err := in.inflater.feed(in.raw)
		in.raw = in.raw[taken:]
		switch {
		case in.inflater.w > in.inflater.r:
			continue // an error comes back with the next feed
		case errors.Is(err, errEnded):
			return io.EOF
		case err != nil:
			return err
		}
		n, err := l.read(ctx, in.rawBuf[:])
		if err != nil {
			return err
		}
		in.raw = in.rawBuf[:n]
	}
}

// read reads at least one byte from the connection.
func (l *Link) read(ctx context.Context, p []byte) (int, error) {
	stop := interrupt.Until(ctx, l.conn.SetReadDeadline)
	defer stop()
	for {
		n, err := l.conn.Read(p)
		l.wireReceived.Add(uint64(n))
		if n > 0 {
			return n, nil // an error comes back with the next read
		}
		if err != nil {
			return 0, err
		}
	}
}

const readSize = 2 << 10

// A receiver is the receiving direction of a link.
type receiver struct {
	buf    []byte // inflated bytes; those from start on are unread
	start  int
	header message.Header // of the message that is being read
	framed bool           // there is such a message: what is unread begins with its payload

	inflater *inflater // nil: plain
	raw      []byte    // read, but not yet inflated
	rawBuf   []byte
}

func newReceiver(buffered []byte, inflate bool) receiver {
	if inflate {
		return receiver{inflater: newInflater(), raw: buffered, rawBuf: make([]byte, readSize)}
	}
	return receiver{buf: slices.Clip(buffered)}
}

func (in *receiver) unread() []byte { return in.buf[in.start:] }

// drop takes the payload of n bytes away, with which the message ends.
func (in *receiver) drop(n int) {
	in.framed = false
	if in.start += n; in.start == len(in.buf) {
		in.start = 0
		in.buf = in.buf[:0]
		if cap(in.buf) > 4*readSize {
			in.buf = nil // made for a large message; the next ones will be small
		}
	}
}

// makeRoom makes room for more bytes. It doubles what is there, so a length that a peer only claims costs nothing.
func (in *receiver) makeRoom() {
	if in.start > 0 {
		in.buf = in.buf[:copy(in.buf, in.buf[in.start:])]
		in.start = 0
	}
	if len(in.buf) == cap(in.buf) {
		in.buf = slices.Grow(in.buf, max(readSize, len(in.buf)))
	}
}
