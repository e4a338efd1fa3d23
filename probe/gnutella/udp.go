package gnutella

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"gnucensus/servent/message"
)

// errSilent: nobody answered a datagram in time.
var errSilent = errors.New("no answer")

// errStopped: the socket was closed under the question. It counts as cancelled.
var errStopped = fmt.Errorf("UDP socket closed: %w", context.Canceled)

// questions are the datagrams that wait for an answer, on the one socket that all visits share. Each belongs to a call of
// ask, so there are as many as visits under way want. An answer is told by its GUID and not by its source: a servent that
// binds all addresses may answer from another one than was asked.
type questions struct {
	ready  chan struct{} // closed when conn is there
	closed chan struct{} // closed when conn is no more
	conn   net.PacketConn

	mu   sync.Mutex
	open map[message.GUID]chan<- answer // with room for one; what comes after it is dropped
}

// An answer is a datagram and who sent it.
type answer struct {
	datagram []byte
	from     netip.AddrPort
}

func newQuestions() *questions {
	return &questions{
		ready: make(chan struct{}), closed: make(chan struct{}),
		open: make(map[message.GUID]chan<- answer),
	}
}

const (
	maxDatagram = 64 << 10
	readBuffer  = 4 << 20 // asked of the system, which may give less: answers come in bursts
)

// serve opens the socket and deals out what comes in, until ctx ends. It is called once.
func (q *questions) serve(ctx context.Context, n Net, log *slog.Logger) error {
	defer close(q.closed)
	conn, err := n.ListenPacket(ctx, "udp", ":0")
	if err != nil {
		return fmt.Errorf("open UDP socket: %w", err)
	}
	defer conn.Close()
	if b, ok := conn.(interface{ SetReadBuffer(bytes int) error }); ok {
		if err := b.SetReadBuffer(readBuffer); err != nil {
			return fmt.Errorf("open UDP socket: %w", err)
		}
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	log.Debug("UDP socket open", "addr", conn.LocalAddr())
	q.conn = conn
	close(q.ready)

	buf := make([]byte, maxDatagram)
	for {
		n, from, err := conn.ReadFrom(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read datagram: %w", err)
		}
		if udp, ok := from.(*net.UDPAddr); ok {
			q.deal(buf[:n], udp.AddrPort())
		}
	}
}

// deal gives a datagram to whoever asked for it. One that nobody asked for is dropped at the price of a look-up.
func (q *questions) deal(datagram []byte, from netip.AddrPort) {
	if len(datagram) < message.HeaderLen {
		return
	}
	q.mu.Lock()
	asker := q.open[message.GUID(datagram[:16])]
	q.mu.Unlock()
	if asker == nil {
		return
	}
	a := answer{datagram: append([]byte(nil), datagram...), from: netip.AddrPortFrom(from.Addr().Unmap(), from.Port())}
	select {
	case asker <- a:
	default:
	}
}

// A reply is what an answer says.
type reply struct {
	message.Body
	from netip.AddrPort
}

// ask sends a message to a host and returns the first answer that bears its GUID. Its error is errSilent when none comes
// within wait after the sending.
func (q *questions) ask(ctx context.Context, to netip.AddrPort, body message.Body, wait time.Duration) (reply, error) {
	select {
	case <-q.ready:
	case <-q.closed:
		return reply{}, errStopped
	case <-ctx.Done():
		return reply{}, ctx.Err()
	}
	guid := message.NewGUID()
	datagram, err := message.Append(nil, message.Message{GUID: guid, TTL: 1, Body: body})
	if err != nil {
		return reply{}, err
	}
	answers := make(chan answer, 1)
	q.mu.Lock()
	q.open[guid] = answers
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		delete(q.open, guid)
		q.mu.Unlock()
	}()
	if err := q.send(ctx, datagram, to); errors.Is(err, net.ErrClosed) {
		return reply{}, errStopped
	} else if err != nil {
		return reply{}, err
	}

	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case a := <-answers:
		return a.read()
	case <-late.C:
	case <-q.closed:
		return reply{}, errStopped
	case <-ctx.Done():
		return reply{}, ctx.Err()
	}
	select {
	case a := <-answers: // both came while this process was kept from running
		return a.read()
	default:
		return reply{}, errSilent
	}
}

func (a answer) read() (reply, error) {
	m, err := message.ParseDatagram(a.datagram)
	return reply{m.Body, a.from}, err
}

// send writes a datagram. A socket that makes datagrams wait for their turn lets ctx end that wait.
func (q *questions) send(ctx context.Context, datagram []byte, to netip.AddrPort) error {
	if paced, ok := q.conn.(interface {
		WriteToContext(ctx context.Context, b []byte, to netip.AddrPort) error
	}); ok {
		return paced.WriteToContext(ctx, datagram, to)
	}
	_, err := q.conn.WriteTo(datagram, net.UDPAddrFromAddrPort(to))
	return err
}
