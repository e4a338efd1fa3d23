package transfer

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/urn"
)

// introduce asks what the source knows of the file: of any part of it, for LimeWire tells the size of a partial file only with
// one.
func (s *session) introduce() error {
	resp, err := s.askFile(http.MethodHead, "0-")
	if err != nil {
		return err
	}
	s.source.met = true
	size, err := sizeOf(resp)
	switch {
	case resp.code == http.StatusOK, resp.code == http.StatusPartialContent:
	case resp.code == http.StatusRequestedRangeNotSatisfiable && err == nil:
	case s.moved(resp):
		return s.introduce()
	default:
		return s.refused(resp)
	}
	if err != nil || size > maxFile {
		return fmt.Errorf("size of the file: %w", errHead)
	}
	name := s.job.Name
	if name == "" {
		name = s.source.Name
	}
	if name == "" {
		name = disposition(resp.header.Get("Content-Disposition"))
	}
	return s.begin(s.ctx, size, name)
}

// sizeOf returns the size of the file that an answer tells, of which it may bring a part or nothing.
func sizeOf(resp *response) (uint64, error) {
	value := resp.header.Get("Content-Range")
	if value == "" && resp.code == http.StatusOK {
		return strconv.ParseUint(resp.header.Get("Content-Length"), 10, 63)
	}
	if size, err := parseTotal(value); err == nil {
		return size, nil
	}
	_, size, err := parseContentRange(value)
	return size, err
}

// disposition returns the name in a Content-Disposition, in any of the forms that servents write; empty: none. LimeWire escapes it
// in the plain form too.
func disposition(value string) string {
	_, name, found := strings.Cut(value, "filename*=")
	if found {
		name = name[strings.LastIndexByte(name, '\'')+1:]
	} else {
		_, name, _ = strings.Cut(value, "filename=")
	}
	name = strings.Trim(name, `"`)
	if plain, err := url.PathUnescape(name); err == nil {
		return plain
	}
	return name
}

// askFile asks for a part of the file, and tells what is known of other sources.
func (s *session) askFile(method, part string) (*response, error) {
	return s.ask(method, s.target, append(s.gossip(), handshake.Field{Name: "Range", Value: "bytes=" + part}))
}

// ask sends a request and reads the head of its answer.
func (s *session) ask(method, target string, more handshake.Fields) (*response, error) {
	fields := handshake.Fields{
		{Name: "Host", Value: s.conn.RemoteAddr().String()}, {Name: "User-Agent", Value: s.job.Agent}, {Name: "X-Queue", Value: "1.0"},
	}
	if s.source.queueID != "" {
		fields = append(fields, handshake.Field{Name: "X-Queued", Value: "ID=" + s.source.queueID})
	}
	start := time.Now()
	if err := s.conn.SetDeadline(start.Add(answerTime)); err != nil {
		return nil, err
	}
	if _, err := s.conn.Write(appendHead(nil, method+" "+target+" HTTP/1.1", append(fields, more...))); err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	resp, err := readResponse(s.r)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	s.waited += time.Since(start)
	s.open = keeps(resp.minor, resp.header)
	return resp, s.learn(resp)
}

// learn takes up what the head of any answer tells.
func (s *session) learn(resp *response) error {
	s.available = nil
	if value := resp.header.Get("X-Available-Ranges"); value != "" {
		s.available = append([]span{}, parseAvailable(value)...)
	}
	if id := parameters(resp.header.Get("X-Queued"))["id"]; len(id) == 32 {
		s.source.queueID = id
	}
	for _, value := range resp.header.Values("X-Gnutella-Content-Urn") {
		for name := range strings.SplitSeq(value, ",") {
			if u, err := urn.Parse(strings.TrimSpace(name)); err == nil && u.SHA1 != nil && !s.adopt(s.ctx, *u.SHA1) {
				return fmt.Errorf("has %s: %w", u, ErrLiar)
			}
		}
	}
	s.spread(resp.header, hostOf(s.conn))
	target, root, found := strings.Cut(resp.header.Get("X-Thex-URI"), ";")
	u, err := urn.Parse("urn:tree:tiger:" + root)
	if !found || err != nil || !strings.HasPrefix(target, "/") || strings.ContainsAny(target, " \t") {
		return nil
	}
	if s.source.root == nil {
		s.source.tree, s.source.root = target, u.Tiger
	}
	if *s.source.root != *u.Tiger {
		return fmt.Errorf("told of the tree %s, now of %s: %w", s.source.root, root, ErrLiar)
	}
	return s.judge(*u.Tiger)
}

// moved takes up where the file is to be had instead.
func (s *session) moved(resp *response) bool {
	to := resp.header.Get("Location")
	if resp.code != http.StatusMovedPermanently && resp.code != http.StatusFound || !s.open || s.moves == maxMoves ||
		resp.header.Get("Content-Length") != "0" || !strings.HasPrefix(to, "/") || strings.ContainsAny(to, " \t") {
		return false
	}
	s.moves++
	s.target = to
	return true
}

// refused says what an answer without the file means for the source. The connection stays open where the source's queue is that
// of its connections, which X-Queue tells.
func (s *session) refused(resp *response) error {
	err := fmt.Errorf("answered %d %.40q", resp.code, resp.reason)
	wait := busyUsual
	poll := parameters(resp.header.Get("X-Queue"))["pollmin"]
	for _, value := range []string{poll, resp.header.Get("Retry-After")} {
		if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
			wait = time.Duration(seconds) * time.Second
			break
		}
	}
	s.open = s.open && poll != "" && resp.header.Get("Content-Length") == "0"
	switch {
	case resp.code == http.StatusTooManyRequests, resp.code == http.StatusRequestTimeout,
		resp.code >= 500 && resp.code != http.StatusNotImplemented:
		return &waitError{after: min(max(wait, busyFirst), busyLast), err: err}
	case resp.code == http.StatusRequestedRangeNotSatisfiable:
		return err // it has the file, or some of it
	}
	return fmt.Errorf("%w: %w", err, ErrGone)
}

// content returns the body of an answer and its length, -1 if that is not told.
func (s *session) content(resp *response) (io.Reader, int64) {
	if strings.EqualFold(resp.header.Get("Transfer-Encoding"), "chunked") {
		s.open = false // what follows the last chunk is not read
		return httputil.NewChunkedReader(s.r), -1
	}
	n, err := strconv.ParseUint(resp.header.Get("Content-Length"), 10, 63)
	if err != nil {
		s.open = false
		return s.r, -1
	}
	return io.LimitReader(s.r, int64(n)), int64(n)
}

// request asks for a part of the file. It returns the body of the answer and how much of it is to be read, from the beginning
// of the part; nothing, if the source has it not but may have another.
func (s *session) request(wanted span) (io.Reader, span, error) {
	resp, err := s.askFile(http.MethodGet, wanted.String())
	if err != nil {
		return nil, span{}, err
	}
	part, size := span{0, s.size()}, s.size()
	switch {
	case resp.code == http.StatusOK:
	case resp.code == http.StatusPartialContent:
		if part, size, err = parseContentRange(resp.header.Get("Content-Range")); err != nil {
			return nil, span{}, fmt.Errorf("%w: %w", errHead, err)
		}
	case s.moved(resp):
		return s.request(wanted)
	case resp.code == http.StatusRequestedRangeNotSatisfiable && s.available != nil:
		return nil, span{}, s.miss(resp)
	default:
		return nil, span{}, s.refused(resp)
	}
	body, n := s.content(resp)
	switch {
	case size != s.size() || n >= 0 && uint64(n) != part.len():
		return nil, span{}, fmt.Errorf("%d bytes of %s/%d: %w", n, part, size, ErrLiar)
	case part.from < wanted.from || part.from >= wanted.to:
		return nil, span{}, fmt.Errorf("bytes %s instead of %s: %w", part, wanted, ErrLiar)
	case part.from > wanted.from:
		s.open = false // its body is of no use
		return nil, span{}, s.miss(resp)
	case part.to > wanted.to:
		s.open = false // what is too much is not read
	}
	return body, part.overlap(wanted), nil
}

// miss takes up that the source has not the part that it was asked for. It has told which parts it has, which is good for another
// try, but not for many.
func (s *session) miss(resp *response) error {
	s.misses++
	if !s.open || s.misses > maxMisses || resp.header.Get("Content-Length") != "0" {
		s.open = false
		return &waitError{after: rangeRetry, err: errNothing}
	}
	return nil
}
