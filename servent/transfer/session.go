package transfer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/urn"
)

const (
	slowTime  = 30 * time.Second // of waiting, in which a source must send …
	slowRate  = 2 << 10          // … so many bytes a second
	maxMoves  = 3                // redirections within a connection
	maxMisses = 3                // answers without a part, in a connection
	maxPauses = 20               // in the queue of a source, in a connection
	coarse    = 4                // times the usual segment: a tree of larger ones is of no use while the file is fetched
)

// Reasons to end a session.
var (
	errNothing = errors.New("gives no part that is missing")
	errSlow    = errors.New("too slow")
)

// A session is one connection to a source.
type session struct {
	*download
	ctx    context.Context
	giveUp func() // ends ctx
	source *source
	conn   net.Conn
	r      *bufio.Reader
	open   bool // for another request

	target    string                  // of the file
	moves     int                     // that led to it
	available []span                  // of the file that the source has; nil: all
	misses    int                     // times that it had not what it was asked for
	pauses    int                     // in its queue
	told      map[netip.AddrPort]bool // other sources, good and bad, that it has been told of

	waited  time.Duration
	arrived int // bytes, while it was waited for so long
}

// visit works for the download with one source, until the file is complete or the error says why it cannot go on. A nil error
// may also mean that the source closed the connection in good order.
func (d *download) visit(ctx context.Context, src *source) error {
	if err := d.dedicate(ctx, src.Source); err != nil {
		return err
	}
	dialing, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	conn, err := d.job.Dial(dialing, src.Source)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	s := &session{
		download: d, ctx: ctx, giveUp: func() { end(&waitError{after: busyUsual, err: errSlow}) },
		source: src, conn: conn, r: bufio.NewReaderSize(conn, 32<<10), open: true, target: d.target(src.Source),
		told: make(map[netip.AddrPort]bool),
	}
	if err := s.work(); err != nil {
		return errors.Join(context.Cause(ctx), err) // an end of ctx shows itself as a closed connection
	}
	return nil
}

// has tells whether the source has all of a part.
func (s *session) has(part span) bool { return s.available == nil || within(s.available, part) == part }

// target is how a source is asked for the file.
func (d *download) target(s Source) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.urn.SHA1 != nil {
		return "/uri-res/N2R?" + urn.URN{SHA1: d.urn.SHA1}.String()
	}
	return fmt.Sprintf("/get/%d/%s", s.Index, url.PathEscape(s.Name))
}

func (s *session) work() error {
	for s.open && s.curious() {
		if err := s.endure(s.introduce()); err != nil {
			return err
		}
	}
	for s.open {
		if err := s.bringTree(); err != nil || !s.open {
			return err
		}
		l, err := s.take(s)
		if err != nil || l == nil {
			return err
		}
		err = s.bring(l)
		s.leave(l)
		if err := s.endure(err); err != nil {
			return err
		}
		if got := l.got.Load(); got > 0 {
			s.source.rate = float64(got) / time.Since(l.began).Seconds()
		}
	}
	return nil
}

// endure waits when an error says that the source asks for it and the connection is still good for another try. It returns other
// errors.
func (s *session) endure(err error) error {
	var queued *waitError
	if !errors.As(err, &queued) || !s.open || s.pauses == maxPauses {
		return err
	}
	s.pauses++
	return s.pause(queued.after)
}

// curious tells whether there is anything to ask before the file itself.
func (s *session) curious() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.part == nil || !s.part.verified() && !s.source.met
}

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

// disposition returns the name in a Content-Disposition, in any of the forms that servents write; empty: none.
func disposition(value string) string {
	_, name, found := strings.Cut(value, "filename*=")
	if !found {
		_, name, _ = strings.Cut(value, "filename=")
		return strings.Trim(name, `"`)
	}
	name = strings.Trim(name, `"`)
	name = name[strings.LastIndexByte(name, '\'')+1:]
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

// pause keeps the connection for its next request.
func (s *session) pause(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
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

// bring fetches what has been taken. Who answers with less than he was asked for is asked for the rest.
func (s *session) bring(l *load) error {
	in := intake{load: l, segment: l.from, at: l.span.from, hash: urn.NewTreeHasher(s.segmentSize())}
	for in.at < l.span.to && s.open {
		body, part, err := s.request(span{in.at, l.span.to})
		if err != nil || part.len() == 0 {
			return err
		}
		if err := s.receive(body, &in, part.to); err != nil {
			return err
		}
	}
	return nil
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

// An intake is where a session is in what it has taken.
type intake struct {
	load    *load
	segment int
	at      uint64
	hash    *urn.TreeHasher // of the segment
}

// receive reads a body as far as a byte of the file, and takes up each segment that it ends.
func (s *session) receive(body io.Reader, in *intake, to uint64) error {
	buf := make([]byte, maxSlice)
	for in.at < to {
		segment := s.segment(in.segment)
		n, err := s.read(body, buf[:min(uint64(len(buf)), min(segment.to, to)-in.at)])
		if n > 0 {
			if err := s.write(s.ctx, buf[:n], in.at); err != nil {
				return err
			}
			in.hash.Write(buf[:n])
			in.at += uint64(n)
			in.load.got.Add(uint64(n))
		}
		if in.at == segment.to {
			if err := s.brought(s.ctx, s, in.segment, in.hash.Tree()); err != nil {
				return fmt.Errorf("bytes %s: %w", segment, err)
			}
			in.segment, in.hash = in.segment+1, urn.NewTreeHasher(s.segmentSize())
		}
		if err != nil && in.at < to {
			return fmt.Errorf("read body: %w", unexpected(err))
		}
	}
	return nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// read reads some of a body, as fast as the job's rate permits and the source must be.
func (s *session) read(body io.Reader, b []byte) (int, error) {
	start := time.Now()
	if err := s.conn.SetReadDeadline(start.Add(stallTime)); err != nil {
		return 0, err
	}
	n, err := body.Read(b)
	s.waited += time.Since(start)
	s.arrived += n
	if s.waited > slowTime {
		if float64(s.arrived) < s.waited.Seconds()*slowRate {
			return n, errSlow
		}
		s.waited, s.arrived = 0, 0
	}
	if n > 0 {
		if err := s.throttle.wait(s.ctx, s.source.Addr.Addr(), n); err != nil {
			return n, err
		}
	}
	return n, err
}

// bringTree fetches the tree, if there is none yet and the source has it.
func (s *session) bringTree() error {
	if s.source.tree == "" || !s.claimTree() {
		return nil
	}
	defer s.leaveTree()
	target := s.source.tree
	s.source.tree = "" // once is enough
	resp, err := s.ask(http.MethodGet, target, handshake.Fields{{Name: "Accept", Value: typeDIME}})
	if err != nil {
		return err
	}
	if resp.code != http.StatusOK {
		s.open = s.open && resp.header.Get("Content-Length") == "0"
		return nil // it may do without
	}
	body, _ := s.content(resp)
	var data []byte
	buf := make([]byte, maxSlice)
	for err == nil && len(data) <= maxTree {
		var n int
		n, err = s.read(body, buf)
		data = append(data, buf[:n]...)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read tree: %w", err)
	}
	tree, err := parseTHEX(data)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTree, err)
	}
	if tree.Root() != *s.source.root || tree.Size != s.size() {
		return fmt.Errorf("tree %s of %d bytes: %w", tree.Root(), tree.Size, ErrTree)
	}
	if tree.Segment > coarse*urn.SegmentOf(tree.Size) {
		return nil
	}
	return s.setTree(s.ctx, tree)
}
