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
// Sending: [Link.Send] never waits. It puts the message into a queue that [Link.Run] writes out, what has gathered at once
// and as one deflated batch. A peer that reads slowly makes the queue fill. Then messages are dropped: those that are worth
// least before all others, PONGs of third hosts, then queries, hits, and pushes, and of these the oldest first. What the
// ends of the link say to each other is never dropped. A peer that does not read at all has its link closed.
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
	"os"
	"sync"
	"sync/atomic"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/internal/interrupt"
	"gnucensus/servent/message"
)

// Reasons to close a link of a peer that does not read what it is sent.
var (
	ErrQueueFull = errors.New("send queue full of what cannot be dropped")
	ErrStalled   = errors.New("peer does not read")
)

// Config holds what can be chosen for a link.
type Config struct {
	Queue int           // bytes of messages that may wait to be sent; zero is 128 KiB, and a link takes at least one message
	Stall time.Duration // in which a peer must have read a batch of messages, 32 KiB or one message; zero is 30 s

	// Flow is called when more than half of the queue is taken, and when it has drained to an eighth of it, from the
	// goroutine that has just sent or written. It may send. Nil: nobody wants to know.
	Flow func(congested bool)
}

// Defaults of Config, and sizes of a queue where flow control begins and ends.
const (
	defaultQueue = 128 << 10
	defaultStall = 30 * time.Second
	fullPart     = 2
	freePart     = 8
)

// A Link is an established connection. Its methods may be called from any goroutine, but Receive from one at a time.
type Link struct {
	conn net.Conn
	cfg  Config
	bye  bool // the peer understands BYE
	in   receiver

	writing sync.Mutex // held while a batch is written, before mu
	deflate *deflater  // nil: plain

	mu        sync.Mutex
	queue     queue
	sent      map[message.Type]Count
	received  map[message.Type]Count
	dropped   map[message.Type]Count // nil as long as nothing was
	congested bool
	ending    bool  // no more messages are taken
	reason    error // why the link is closed

	wake   chan struct{} // holds a token when the queue is not empty
	closed chan struct{}

	wireSent, wireReceived atomic.Uint64
}

// New makes a link of a session. It starts nothing: somebody must call Run for messages to be sent.
func New(s *handshake.Session, cfg Config) *Link {
	if cfg.Queue <= 0 {
		cfg.Queue = defaultQueue
	}
	if cfg.Stall <= 0 {
		cfg.Stall = defaultStall
	}
	l := &Link{
		conn: s.Conn, cfg: cfg, bye: s.Theirs.Has("Bye-Packet"),
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

// Send queues a message. An error of the message itself leaves the link as it is; a queue full of what cannot be dropped
// closes it with [ErrQueueFull]. On a closed link the error is the reason why it was closed, or [net.ErrClosed].
func (l *Link) Send(m message.Message) error {
	p, err := Pack(m)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return l.SendPacket(p)
}

// SendPacket is [Link.Send] of a message that is encoded already.
func (l *Link) SendPacket(p Packet) error {
	l.mu.Lock()
	err := l.closedError()
	if err == nil {
		err = l.enqueue(p)
	}
	told := l.judge()
	l.mu.Unlock()
	if errors.Is(err, ErrQueueFull) {
		l.shut(err)
	}
	if err != nil {
		return err
	}
	told()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return nil
}

// enqueue puts a packet into the queue. The caller holds mu.
func (l *Link) enqueue(p Packet) error {
	room := l.queue.push(p, l.cfg.Queue, func(lost Packet) {
		if l.dropped == nil {
			l.dropped = make(map[message.Type]Count)
		}
		count(l.dropped, lost.kind(), len(lost.wire))
	})
	if !room {
		return fmt.Errorf("send: %d bytes wait: %w", l.queue.bytes, ErrQueueFull)
	}
	return nil
}

// judge finds out whether the link became congested, or ceased to be. The caller holds mu, and then, without it, calls what
// judge returns to tell.
func (l *Link) judge() (tell func()) {
	was := l.congested
	switch {
	case l.queue.bytes > l.cfg.Queue/fullPart:
		l.congested = true
	case l.queue.bytes <= l.cfg.Queue/freePart:
		l.congested = false
	}
	if now := l.congested; now != was && l.cfg.Flow != nil {
		return func() { l.cfg.Flow(now) }
	}
	return func() {}
}

// maxBatch is how many bytes of messages are written at once, unless one alone is larger.
const maxBatch = 32 << 10

// flush writes what is queued.
func (l *Link) flush() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	batch := buffers.Get().(*[]byte)
	defer buffers.Put(batch)
	for {
		*batch = l.gather((*batch)[:0])
		if len(*batch) == 0 {
			return nil
		}
		if err := l.write(*batch); err != nil {
			return fmt.Errorf("send: %w", err)
		}
		l.mu.Lock()
		told := l.judge()
		l.mu.Unlock()
		told()
	}
}

// gather appends packets of the queue to a batch, and gives the peer its time to read them.
func (l *Link) gather(batch []byte) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, ok := l.queue.pop(); ok; p, ok = l.queue.pop() {
		batch = append(batch, p.wire...)
		count(l.sent, p.kind(), len(p.wire))
		if len(batch) >= maxBatch {
			break
		}
	}
	if !l.ending { // else the goodbye has its own time
		l.conn.SetWriteDeadline(time.Now().Add(l.cfg.Stall)) // an error means a closed connection, and the write will say so
	}
	return batch
}

// write writes a batch. The caller holds writing.
func (l *Link) write(batch []byte) error {
	if l.deflate != nil {
		var err error
		if batch, err = l.deflate.batch(batch); err != nil {
			return err
		}
	}
	n, err := l.conn.Write(batch)
	l.wireSent.Add(uint64(n))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrStalled, err)
	}
	return err
}

// Bye says goodbye: it sends what is queued and a BYE with code and reason, if the peer's handshake had the field
// Bye-Packet, then waits for the peer to close, until ctx ends, and closes the link. Waiting is what makes the BYE arrive:
// closing at once would reset the connection if anything from the peer is unread. Nothing more is sent, and what comes
// meanwhile may be lost.
func (l *Link) Bye(ctx context.Context, code uint16, reason string) error {
	defer l.Close()
	if err := l.enqueueBye(code, reason); err != nil {
		return fmt.Errorf("say goodbye: %w", err)
	}
	stop := interrupt.Until(ctx, l.conn.SetDeadline) // nobody else sets one now
	defer stop()
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
	l.conn.SetWriteDeadline(time.Time{}) // of the last batch; from now on there is that of the goodbye
	if !l.bye {
		return nil
	}
	p, err := Pack(message.Message{GUID: message.NewGUID(), TTL: 1, Body: message.NewBye(code, reason)})
	if err != nil {
		return err
	}
	return l.enqueue(p)
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
	l.queue = queue{}
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

// Counters tell what went over a link. A message is sent when it is written, and received once it is complete, be its
// payload readable or not; what was dropped instead of being sent is counted as such. Wire bytes are those of the connection
// after the handshake, deflated where it is.
type Counters struct {
	Sent, Received, Dropped map[message.Type]Count
	WireSent, WireReceived  uint64
	Waiting                 int // bytes in the send queue
}

// Counters returns the counters as they stand.
func (l *Link) Counters() Counters {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Counters{
		Sent: maps.Clone(l.sent), Received: maps.Clone(l.received), Dropped: maps.Clone(l.dropped),
		WireSent: l.wireSent.Load(), WireReceived: l.wireReceived.Load(), Waiting: l.queue.bytes,
	}
}

// Congested tells whether more is sent than the peer reads: from the moment when half of the queue is taken until no more
// than an eighth of it is.
func (l *Link) Congested() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.congested
}
