package handshake

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// What stands at the beginning of a head.
const (
	helloPrefix = "GNUTELLA CONNECT/"
	replyPrefix = "GNUTELLA/"
	version     = "0.6"
)

// blanks surround values and begin continuation lines.
const blanks = " \t"

// limits bound a head, in bytes and in lines, with the first and the empty one.
type limits struct{ bytes, lines int }

var (
	acceptorLimits = limits{bytes: 16 << 10, lines: 128}
	diallerLimits  = limits{bytes: 64 << 10, lines: 256}
)

const firstLineLimit = 1024

// A head is one step of the handshake.
type head struct {
	line   string // first line, without its end
	fields Fields
}

func (h head) append(b []byte) []byte {
	b = append(b, oneLine(h.line)...)
	b = append(b, "\r\n"...)
	b = h.fields.Append(b)
	return append(b, "\r\n"...)
}

// A parser reads a head from a growing buffer, each byte once.
type parser struct {
	prefix string // the first line begins with it
	limits limits
	head   head
	lines  int // complete ones
	pos    int // beginning of the next line
	seen   int // bytes looked at for the end of that line
}

// parse goes on with buf, which holds what it held in the last call and perhaps more. It tells whether the head is
// complete; then pos is the number of its bytes.
func (p *parser) parse(buf []byte) (done bool, err error) {
	if n := min(len(buf), len(p.prefix)); string(buf[:n]) != p.prefix[:n] {
		return false, fmt.Errorf("first line %q: %w", buf[:min(len(buf), 32)], ErrMalformed)
	}
	for {
		end := bytes.IndexByte(buf[p.seen:], '\n')
		if end < 0 {
			p.seen = len(buf)
			return false, p.checkLimits(len(buf))
		}
		line := buf[p.pos : p.seen+end]
		p.pos += len(line) + 1
		p.seen = p.pos
		if err := p.checkLimits(p.pos); err != nil {
			return false, err
		}
		p.lines++
		if line = bytes.TrimSuffix(line, []byte("\r")); len(line) == 0 {
			return true, nil
		}
		if err := p.addLine(string(line)); err != nil {
			return false, fmt.Errorf("line %d: %w", p.lines, err)
		}
	}
}

// checkLimits checks the first n bytes, of which those from p.pos or before are the line that is being read.
func (p *parser) checkLimits(n int) error {
	switch {
	case p.lines == 0 && n > firstLineLimit:
		return fmt.Errorf("first line of more than %d bytes: %w", firstLineLimit, ErrTooLong)
	case n > p.limits.bytes:
		return fmt.Errorf("more than %d bytes: %w", p.limits.bytes, ErrTooLong)
	case p.lines >= p.limits.lines:
		return fmt.Errorf("more than %d lines: %w", p.limits.lines, ErrTooLong)
	}
	return nil
}

// addLine takes a line that is not the empty one, without its end.
func (p *parser) addLine(line string) error {
	if p.lines == 1 {
		p.head.line = line
		return nil
	}
	fields := p.head.fields
	if strings.IndexByte(blanks, line[0]) >= 0 {
		if len(fields) == 0 {
			return fmt.Errorf("continues no field: %w", ErrMalformed)
		}
		last := &fields[len(fields)-1]
		last.Value = strings.Trim(last.Value+" "+strings.Trim(line, blanks), blanks)
		return nil
	}
	name, value, found := strings.Cut(line, ":")
	if name = strings.TrimRight(name, blanks); !found || name == "" {
		return fmt.Errorf("no field in %q: %w", line[:min(len(line), 32)], ErrMalformed)
	}
	p.head.fields = append(fields, Field{Name: name, Value: strings.Trim(value, blanks)})
	return nil
}

// parseStatus reads the first line of an answer or an ack: the protocol and its version, a code of three digits, a reason.
func parseStatus(line string) (code int, reason string, err error) {
	_, rest, _ := strings.Cut(line, " ")
	digits, reason, _ := strings.Cut(strings.Trim(rest, blanks), " ")
	number, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || len(digits) != 3 {
		return 0, "", fmt.Errorf("status line %q: %w", line[:min(len(line), 32)], ErrMalformed)
	}
	return int(number), strings.Trim(reason, blanks), nil
}
