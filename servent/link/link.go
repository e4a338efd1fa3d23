// Package link carries messages over one established Gnutella connection.
//
// In each direction messages follow each other without anything between them ("Gnutella overlay messages"), each framed by
// the length in its header, perhaps within one zlib stream per direction ("Compression" in "Gnutella 0.6 handshake").
// Whether a direction is deflated, its sender has said in the handshake.
//
// Receiving: the caller of [Link.Receive] is the one reader. A length is checked against its message type before room is
// made for the payload, a deflated stream is inflated as its bytes come in and may not expand without end. A receive that
// its context ends loses nothing: the next one goes on in the middle of a message.
//
// Sending: [Link.Send] never waits. It encodes into a queue that [Link.Run] writes out, everything that has gathered at
// once and as one deflated batch. A peer that does not read makes the queue fill, and a full queue closes the link.
//
// An idle link holds a read buffer of 2 KiB. Deflate adds 38 KiB for the direction that is received, most of it the window,
// and nothing for the one that is sent.
package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"sync"
	"sync/atomic"

	"gnucensus/servent/handshake"
	"gnucensus/servent/internal/interrupt"
	"gnucensus/servent/message"
)

// ErrQueueFull: the peer does not read what it is sent, and its link was closed for it.
var ErrQueueFull = errors.New("send queue full")

// Config holds what can be chosen for a link.
type Config struct {
	Queue int // bytes of messages that may wait to be sent; zero is 128 KiB, and a link takes at least one message
}

const defaultQueue = 128 << 10

// A Link is an established connection. Its methods may be called from any goroutine, but Receive from one at a time.
type Link struct {
	conn  net.Conn
	limit int  // of queue
	bye   bool // the peer understands BYE
	in    receiver

	writing sync.Mutex // held while a batch is written, before mu
	deflate *deflater  // nil: plain
	spare   []byte     // an empty batch

	mu       sync.Mutex
	queue    []byte // encoded messages
	sent     map[message.Type]Count
	received map[message.Type]Count
	ending   bool  // no more messages are taken
	reason   error // why the link is closed

	wake   chan struct{} // holds a token when the queue is not empty
	closed chan struct{}

	wireSent, wireReceived atomic.Uint64
}

// New makes a link of a session. It starts nothing: somebody must call Run for messages to be sent.
func New(s *handshake.Session, cfg Config) *Link {
	if cfg.Queue <= 0 {
		cfg.Queue = defaultQueue
	}
	l := &Link{
		conn: s.Conn, limit: cfg.Queue, bye: s.Theirs.Has("Bye-Packet"),
		sent: make(map[message.Type]Count), received: make(map[message.Type]Count),
		wake: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	if s.Deflate {
		l.deflate = new(deflater)
	}
	l.in = newReceiver(s.Buffered, s.Inflate)
	l.wireReceived.Store(uint64(len(s.Buffered)))
	return l
}

// Run writes out what is sent until the link is closed, and closes it when ctx ends or the peer cannot be written to. It
// returns the reason, nil when Close or Bye was called.
func (l *Link) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { l.shut(ctx.Err()) })
	defer stop()
	for {
		select {
		case <-l.closed:
			return l.Err()
		case <-l.wake:
			if err := l.flush(); err != nil {
				l.shut(err)
			}
		}
	}
}

// Send queues a message. An error of the message itself leaves the link as it is; a full queue closes it with
// [ErrQueueFull]. On a closed link the error is the reason why it was closed, or [net.ErrClosed].
func (l *Link) Send(m message.Message) error {
	l.mu.Lock()
	err := l.closedError()
	if err == nil {
		err = l.enqueue(m)
	}
	l.mu.Unlock()
	if errors.Is(err, ErrQueueFull) {
		l.shut(err)
	}
	if err != nil {
		return err
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return nil
}

// enqueue encodes a message into the queue. The caller holds mu.
func (l *Link) enqueue(m message.Message) error {
	queue, err := message.Append(l.queue, m)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if len(queue) > l.limit && len(l.queue) > 0 {
		return fmt.Errorf("send: %d bytes wait: %w", len(l.queue), ErrQueueFull)
	}
	count(l.sent, m.Body.Type(), len(queue)-len(l.queue))
	l.queue = queue
	return nil
}

// maxSpare is the size of a batch whose memory is kept for the next one.
const maxSpare = 4 << 10

// flush writes what is queued.
func (l *Link) flush() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	batch := l.queue
	l.queue = l.spare
	l.mu.Unlock()
	l.spare = nil
	if cap(batch) <= maxSpare {
		defer func() { l.spare = batch[:0] }()
	}
	if len(batch) == 0 {
		return nil
	}
	out := batch
	if l.deflate != nil {
		var err error
		if out, err = l.deflate.batch(batch); err != nil {
			return err
		}
	}
	n, err := l.conn.Write(out)
	l.wireSent.Add(uint64(n))
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// Bye says goodbye: it sends what is queued and a BYE with code and reason, if the peer's handshake had the field
// Bye-Packet, then waits for the peer to close, until ctx ends, and closes the link. Waiting is what makes the BYE arrive:
// closing at once would reset the connection if anything from the peer is unread. Nothing more is sent, and what comes
// meanwhile may be lost.
func (l *Link) Bye(ctx context.Context, code uint16, reason string) error {
	defer l.Close()
	stop := interrupt.Until(ctx, l.conn.SetDeadline)
	defer stop()
	if err := l.enqueueBye(code, reason); err != nil {
		return fmt.Errorf("say goodbye: %w", err)
	}
	if err := l.flush(); err != nil {
		return fmt.Errorf("say goodbye: %w", interrupt.Err(ctx, err))
	}
	half, ok := l.conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return nil
	}
	io.Copy(io.Discard, l.conn) // ends with the connection or with ctx; either way the BYE is on its way
	return nil
}

// enqueueBye makes the queue end, with a BYE where the peer understands it.
func (l *Link) enqueueBye(code uint16, reason string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.closedError(); err != nil {
		return err
	}
	l.ending = true
	if !l.bye {
		return nil
	}
	return l.enqueue(message.Message{GUID: message.NewGUID(), TTL: 1, Body: message.NewBye(code, reason)})
}

// Close closes the connection at once. What is queued is lost. Receive and Run return.
func (l *Link) Close() { l.shut(net.ErrClosed) }

// Err returns why the link was closed: nil while it is open, or when Close or Bye was called.
func (l *Link) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.reason, net.ErrClosed) {
		return nil
	}
	return l.reason
}

// shut closes the link for a reason, unless it has one already.
func (l *Link) shut(reason error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reason != nil {
		return
	}
	if l.ending {
		reason = net.ErrClosed // what happens after our goodbye is part of it
	}
	l.reason = reason
	l.queue = nil
	close(l.closed)
	l.conn.Close() // its error would tell nothing that matters to who gives the connection up
}

// closedError is the error of using a link that is closed or about to be, nil when it is not. The caller holds mu.
func (l *Link) closedError() error {
	switch {
	case l.reason == nil && !l.ending:
		return nil
	case l.reason == nil, errors.Is(l.reason, net.ErrClosed):
		return net.ErrClosed
	}
	return fmt.Errorf("link closed: %w", l.reason)
}

// A Count is a number of messages and of their bytes, headers included.
type Count struct{ Messages, Bytes uint64 }

func count(counts map[message.Type]Count, t message.Type, n int) {
	c := counts[t]
	counts[t] = Count{Messages: c.Messages + 1, Bytes: c.Bytes + uint64(n)}
}

// Counters tell what went over a link. A message is sent once it is in the queue, and received once it is complete, be its
// payload readable or not. Wire bytes are those of the connection after the handshake, deflated where it is.
type Counters struct {
	Sent, Received         map[message.Type]Count
	WireSent, WireReceived uint64
}

// Counters returns the counters as they stand.
func (l *Link) Counters() Counters {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Counters{
		Sent: maps.Clone(l.sent), Received: maps.Clone(l.received),
		WireSent: l.wireSent.Load(), WireReceived: l.wireReceived.Load(),
	}
}
