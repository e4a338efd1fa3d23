package transfer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/urn"
)

const (
	slowTime  = 30 * time.Second // of waiting, in which a source must send …
	slowRate  = 2 << 10          // … so many bytes a second
	maxMoves  = 3                // redirections within a connection
	maxMisses = 3                // answers without a part, in a connection
	maxPauses = 200              // in the queue of a source, in a connection: LimeWire keeps a place for hours
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
		if got := l.got.Load(); got > 0 && err == nil {
			s.source.rate = float64(got) / time.Since(l.began).Seconds()
		}
		if err := s.endure(err); err != nil {
			return err
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
