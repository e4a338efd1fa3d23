package handshake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"gnucensus/servent/internal/interrupt"
)

// A peer is the other side of the connection during one handshake.
type peer struct {
	ctx    context.Context // the handshake's
	conn   net.Conn
	limits limits
	buf    []byte // read, but not yet part of a head
}

const readSize = 1 << 10

// read reads the next head, whose first line begins with prefix; check judges that line as soon as it is complete.
func (p *peer) read(prefix string, check func(line string) error) (head, error) {
	parser := parser{prefix: prefix, limits: p.limits}
	checked := false
	for {
		done, err := parser.parse(p.buf)
		if parser.lines > 0 && !checked {
			if err := check(parser.head.line); err != nil {
				return head{}, err
			}
			checked = true
		}
		if err != nil {
			return head{}, err
		}
		if done {
			p.buf = p.buf[parser.pos:]
			return parser.head, nil
		}
		if err := p.fill(); err != nil {
			return head{}, fmt.Errorf("after %d bytes: %w", len(p.buf), err)
		}
	}
}

// fill reads at least one byte more.
func (p *peer) fill() error {
	for {
		p.buf = slices.Grow(p.buf, readSize)
		n := len(p.buf)
		got, err := p.conn.Read(p.buf[n : n+readSize])
		p.buf = p.buf[:n+got]
		switch {
		case got > 0:
			return nil // an error comes back with the next read
		case errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF
		case err != nil:
			return interrupt.Err(p.ctx, err)
		}
	}
}

// rest returns what came along with the last head and is not part of it.
func (p *peer) rest() []byte {
	if len(p.buf) == 0 {
		return nil
	}
	return slices.Clone(p.buf)
}

func (p *peer) write(h head) error {
	_, err := p.conn.Write(h.append(nil))
	return interrupt.Err(p.ctx, err)
}

// readReply reads an answer or an ack.
func (p *peer) readReply() (Reply, error) {
	var reply Reply
	h, err := p.read(replyPrefix, func(line string) (err error) {
		reply.Code, reply.Reason, err = parseStatus(line)
		return err
	})
	reply.Fields = h.fields
	return reply, err
}

func (p *peer) writeReply(r Reply) error {
	line := fmt.Sprintf("%s%s %03d %s", replyPrefix, version, r.Code, r.Reason)
	return p.write(head{line: strings.TrimRight(line, blanks), fields: r.Fields})
}
