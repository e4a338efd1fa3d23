package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"gnucensus/servent/internal/interrupt"
	"gnucensus/servent/message"
)

const maxDatagram = 64 << 10

// socket returns the UDP socket of the run: its port stays the same, since query keys are bound to it.
func (t *Target) socket(ctx context.Context) (net.PacketConn, error) {
	if t.udp != nil {
		return t.udp, nil
	}
	c, err := t.cfg.Net.ListenPacket(ctx, "udp", ":0")
	if err != nil {
		return nil, fmt.Errorf("open UDP socket: %w", err)
	}
	t.udp = c
	return c, nil
}

// port is that of our UDP socket.
func (t *Target) port(ctx context.Context) (uint16, error) {
	c, err := t.socket(ctx)
	if err != nil {
		return 0, err
	}
	return endOf(c.LocalAddr()).Port(), nil
}

// throw sends a datagram.
func (t *Target) throw(ctx context.Context, datagram []byte) error {
	c, err := t.socket(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := t.patience(ctx)
	defer cancel()
	stop := interrupt.Until(ctx, c.SetWriteDeadline)
	defer stop()
	t.trace.sent = keep(t.trace.sent, datagram)
	if _, err := c.WriteTo(datagram, net.UDPAddrFromAddrPort(t.cfg.Addr)); err != nil {
		return fmt.Errorf("send datagram: %w", interrupt.Err(ctx, err))
	}
	return nil
}

// throwMessage sends a message as a datagram.
func (t *Target) throwMessage(ctx context.Context, m message.Message) error {
	b, err := message.Append(nil, m)
	if err != nil {
		return fmt.Errorf("send datagram: %w", err)
	}
	return t.throw(ctx, b)
}

// A caught datagram is a message and whom it came from.
type caught struct {
	message.Message
	from netip.AddrPort
}

// catch returns the next datagram for whose message wanted holds; what names it in an error. Its source may be another
// address than the one asked: who binds all of them answers from any. Datagrams that are not wanted are passed over, but one
// from the target's address that cannot be read is an error.
func (t *Target) catch(ctx context.Context, what string, wanted filter) (caught, error) {
	c, err := t.socket(ctx)
	if err != nil {
		return caught{}, err
	}
	ctx, cancel := t.patience(ctx)
	defer cancel()
	stop := interrupt.Until(ctx, c.SetReadDeadline)
	defer stop()
	b := make([]byte, maxDatagram)
	other := "" // what came instead
	for {
		n, from, err := c.ReadFrom(b)
		switch err = interrupt.Err(ctx, err); {
		case errors.Is(err, context.DeadlineExceeded):
			return caught{}, fmt.Errorf("no %s within %v%s", what, t.cfg.Patience, other)
		case err != nil:
			return caught{}, fmt.Errorf("no %s: %w", what, err)
		}
		source := endOf(from)
		ours := source.Addr() == t.cfg.Addr.Addr()
		if ours {
			t.trace.received = keep(t.trace.received, b[:n])
		}
		switch m, err := message.ParseDatagram(b[:n]); {
		case err != nil && ours:
			return caught{}, fmt.Errorf("no %s: %w", what, err)
		case err == nil && wanted(m):
			return caught{m, source}, nil
		case err == nil && ours:
			other = fmt.Sprintf(", but a %s that answers nothing", m.Body.Type())
		}
	}
}

// ask sends a request by UDP and returns the answer with its GUID.
func (t *Target) ask(ctx context.Context, what string, m message.Message, wanted filter) (caught, error) {
	if _, isPing := m.Body.(*message.Ping); isPing {
		if err := t.pings.wait(ctx); err != nil {
			return caught{}, err
		}
	}
	if err := t.throwMessage(ctx, m); err != nil {
		return caught{}, err
	}
	return t.catch(ctx, what, func(answer message.Message) bool { return answer.GUID == m.GUID && wanted(answer) })
}
