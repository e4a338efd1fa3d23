package transfer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"gnucensus/servent/handshake"
)

// Limits of a head.
const (
	maxHead      = 16 << 10 // bytes
	maxHeadLines = 128
	maxFirstLine = 1 << 10 // bytes; a name of 255 bytes fits even if all of them are escaped
)

// Faults of a head.
var (
	errHead     = errors.New("malformed head")
	errLongLine = errors.New("first line too long")
	errLongHead = errors.New("head too long")
)

// readHead reads a first line and the header fields up to the empty line. Before the first line empty ones are passed over.
func readHead(r *bufio.Reader) (line string, header http.Header, err error) {
	var head []byte
	for lines, begun := 0, false; ; lines++ {
		before := len(head)
		for {
			part, err := r.ReadSlice('\n')
			head = append(head, part...)
			switch {
			case !begun && len(head) > maxFirstLine:
				return "", nil, errLongLine
			case len(head) > maxHead || lines >= maxHeadLines:
				return "", nil, errLongHead
			}
			if err == nil {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return "", nil, err
			}
		}
		empty := len(bytes.TrimRight(head[before:], "\r\n")) == 0
		switch {
		case begun && empty:
			line, rest, _ := strings.Cut(string(head), "\n")
			header, err := textproto.NewReader(bufio.NewReader(strings.NewReader(rest))).ReadMIMEHeader()
			if err != nil {
				return "", nil, fmt.Errorf("%w: %w", errHead, err)
			}
			return strings.TrimRight(line, "\r"), http.Header(header), nil
		case !begun && empty:
			head = head[:0]
		default:
			begun = true
		}
	}
}

// A request is what a client asks for.
type request struct {
	method string // as sent
	target string
	minor  int // of the version HTTP/1.x
	header http.Header
}

// readRequest reads the next request. Blanks within the target are taken for a part of it, as old servents send names.
func readRequest(r *bufio.Reader) (*request, error) {
	line, header, err := readHead(r)
	if err != nil {
		return nil, err
	}
	method, rest, _ := strings.Cut(line, " ")
	i := strings.LastIndexByte(rest, ' ')
	if i < 0 {
		return nil, fmt.Errorf("%w: request without a version", errHead)
	}
	req := &request{method: method, target: strings.TrimSpace(rest[:i]), header: header}
	switch rest[i+1:] {
	case "HTTP/1.1":
		req.minor = 1
		if req.header.Get("Host") == "" {
			return nil, fmt.Errorf("%w: request without a host", errHead)
		}
	case "HTTP/1.0":
	default:
		return nil, fmt.Errorf("%w: another version", errHead)
	}
	return req, nil
}

// keeps tells whether a connection stays open after a message of that version and header.
func keeps(minor int, header http.Header) bool {
	connection := strings.ToLower(header.Get("Connection"))
	if minor == 0 {
		return strings.Contains(connection, "keep-alive")
	}
	return !strings.Contains(connection, "close")
}

// A response is the head of an answer, as a client reads it.
type response struct {
	code   int
	reason string
	minor  int
	header http.Header
}

func readResponse(r *bufio.Reader) (*response, error) {
	line, header, err := readHead(r)
	if err != nil {
		return nil, err
	}
	version, rest, _ := strings.Cut(line, " ")
	digits, reason, _ := strings.Cut(rest, " ")
	code, err := strconv.ParseUint(digits, 10, 16)
	if !strings.HasPrefix(version, "HTTP/1.") || err != nil || len(digits) != 3 {
		return nil, fmt.Errorf("%w: status line %.32q", errHead, line)
	}
	minor := 1
	if version == "HTTP/1.0" {
		minor = 0
	}
	return &response{code: int(code), reason: reason, minor: minor, header: header}, nil
}

// appendHead writes a first line, the fields and the empty line.
func appendHead(b []byte, line string, fields handshake.Fields) []byte {
	b = append(b, line...)
	b = append(b, "\r\n"...)
	b = fields.Append(b)
	return append(b, "\r\n"...)
}
