package transfer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/library"
	"gnucensus/servent/message"
)

// features is what the server tells in X-Features.
const features = "browse/1.0, queue/1.0"

// A Config says what a server serves, and to how many.
type Config struct {
	Agent    string                                   // for the header Server
	Library  *library.Library                         // what it serves; nil: nothing
	Mesh     *library.Mesh                            // where else files are; nil: it neither learns nor tells
	Partials *Partials                                // files that are being fetched, whose parts it serves; nil: none
	Hit      func([]message.Result) *message.QueryHit // makes the hits of a browse host
	Push     PushFunc                                 // sends a PUSH to a firewalled servent; nil: it is nobody's push proxy
	Slots    int                                      // uploads at once; 0: 10
	PerHost  int                                      // of them to one host; 0: 2
	Queue    int                                      // who may wait for a slot; 0: 50
	Rate     int                                      // bytes a second of all uploads; 0: no limit
	Log      *slog.Logger                             // nil: discards
}

// Bounds of connections at once, whether they have an upload or not.
const (
	mostVisits    = 1024
	visitsPerHost = 64
)

// A Server answers the requests of HTTP clients for files, one connection after another or at once. It shares its slots and its
// rate among hosts, not connections.
type Server struct {
	cfg      Config
	slots    *slots
	throttle *throttle
	log      *slog.Logger

	mu     sync.Mutex
	open   int // connections
	byHost map[netip.Addr]int
}

// NewServer returns a server. It starts nothing.
func NewServer(cfg Config) *Server {
	if cfg.Slots == 0 {
		cfg.Slots = 10
	}
	if cfg.PerHost == 0 {
		cfg.PerHost = 2
	}
	if cfg.Queue == 0 {
		cfg.Queue = 50
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{
		cfg: cfg, slots: newSlots(cfg.Slots, cfg.PerHost, cfg.Queue), throttle: newThrottle(cfg.Rate), log: cfg.Log,
		byHost: make(map[netip.Addr]int),
	}
}

// enter counts a connection, and tells whether it is not one too many.
func (s *Server) enter(host netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= mostVisits || s.byHost[host] >= visitsPerHost {
		return false
	}
	s.open++
	s.byHost[host]++
	return true
}

func (s *Server) leave(host netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if s.byHost[host]--; s.byHost[host] == 0 {
		delete(s.byHost, host)
	}
}

// Busy tells whether all slots are taken, as QUERY HITs say of their responder.
func (s *Server) Busy() bool { return s.Free() == 0 }

// Free is how many slots are free, as HEAD pongs say.
func (s *Server) Free() int { return s.slots.left() }

// Serve answers the requests of one connection until the client or the server has enough of it, or ctx ends, and closes it then.
// The error is that of the connection, nil when it ended in good order.
func (s *Server) Serve(ctx context.Context, c net.Conn) error {
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	v := &visit{Server: s, ctx: ctx, conn: c, r: bufio.NewReader(c), host: hostOf(c)}
	if !s.enter(v.host) {
		return v.refuse(http.StatusServiceUnavailable, handshake.Field{Name: "Retry-After", Value: strconv.Itoa(int(idleTime / time.Second))})
	}
	defer s.leave(v.host)
	defer v.leaveSlot()
	for {
		req, err := v.next()
		if err == nil {
			v.keep = keeps(req.minor, req.header) && req.header.Get("Content-Length") == "" && req.header.Get("Transfer-Encoding") == ""
			err = v.answer(req)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("serve %v: %w", v.host, err)
		case !v.keep:
			return nil
		}
	}
}

// A visit is one connection.
type visit struct {
	*Server
	ctx     context.Context // of the connection
	conn    net.Conn
	r       *bufio.Reader
	host    netip.Addr
	greeted bool                    // the features have been told
	told    string                  // hashes and name of the file that was described last
	named   map[netip.AddrPort]bool // other hosts that have it, of which the client was told
	slot    *slot                   // that it has, nil: none
	keep    bool                    // the connection stays open after the answer
	queued  time.Duration           // for which the client keeps its place in the queue; 0: it has none
}

// next waits for a request and reads it. It answers what cannot be read; the error is io.EOF when no request comes.
func (v *visit) next() (*request, error) {
	if err := v.conn.SetReadDeadline(time.Now().Add(max(idleTime, v.queued))); err != nil {
		return nil, err
	}
	if _, err := v.r.Peek(1); isTimeout(err) {
		return nil, io.EOF
	} else if err != nil {
		return nil, err
	}
	if err := v.conn.SetReadDeadline(time.Now().Add(headTime)); err != nil {
		return nil, err
	}
	req, err := readRequest(v.r)
	v.keep, v.queued = false, 0
	switch {
	case err == nil:
		return req, nil
	case errors.Is(err, errLongLine):
		err = errors.Join(err, v.refuse(http.StatusRequestURITooLong))
	case errors.Is(err, errLongHead):
		err = errors.Join(err, v.refuse(http.StatusRequestEntityTooLarge))
	case errors.Is(err, errHead):
		err = errors.Join(err, v.refuse(http.StatusBadRequest))
	case isTimeout(err):
		err = errors.Join(err, v.refuse(http.StatusRequestTimeout))
	}
	return nil, err
}

// takeSlot gives the connection a slot, if it has none any more.
func (v *visit) takeSlot(w wish) (position, bool) {
	if v.slot != nil && v.slots.resume(v.slot) {
		return position{}, true
	}
	var p position
	v.slot, p = v.slots.take(w)
	return p, v.slot != nil
}

// putOff tells the client its position in the queue. Some keep the connection while they wait.
func (v *visit) putOff(p position, req *request, more handshake.Fields) error {
	if p.at > 0 {
		v.queued = p.life()
	}
	return v.refuse(http.StatusServiceUnavailable, append(p.fields(req.header, v.cfg.Slots), more...)...)
}

// parkSlot lets the connection keep its slot until the next request, if nobody else needs it.
func (v *visit) parkSlot() {
	if v.slot != nil {
		v.slots.park(v.slot)
	}
}

func (v *visit) leaveSlot() {
	if v.slot != nil {
		v.slots.leave(v.slot)
	}
}

// answer answers one request.
func (v *visit) answer(req *request) error {
	if req.method != http.MethodGet && req.method != http.MethodHead {
		v.keep = false
		return v.refuse(http.StatusNotImplemented)
	}
	t, ok := parseTarget(req.target)
	if !ok {
		return v.refuse(http.StatusBadRequest)
	}
	switch t.service {
	case byIndex, byURN:
		return v.answerFile(req, t)
	case treeByURN:
		return v.answerTree(req, t)
	case browseHost:
		return v.answerBrowse(req)
	case pushProxy:
		return v.answerPush(req, t)
	}
	return v.refuse(http.StatusNotFound)
}

// refuse sends an answer without a body.
func (v *visit) refuse(code int, fields ...handshake.Field) error {
	return v.head(code, append(fields, handshake.Field{Name: "Content-Length", Value: "0"}))
}

// head sends the head of an answer: the fields that all have, then those given.
func (v *visit) head(code int, fields handshake.Fields) error {
	all := handshake.Fields{
		{Name: "Server", Value: v.cfg.Agent}, {Name: "Date", Value: time.Now().UTC().Format(http.TimeFormat)},
	}
	if !v.keep {
		all = append(all, handshake.Field{Name: "Connection", Value: "close"})
	}
	if !v.greeted {
		all = append(all, handshake.Field{Name: "X-Features", Value: features})
		v.greeted = true
	}
	line := fmt.Sprintf("HTTP/1.1 %d %s", code, http.StatusText(code))
	if err := v.conn.SetWriteDeadline(time.Now().Add(sliceTime)); err != nil {
		return err
	}
	_, err := v.conn.Write(appendHead(nil, line, append(all, fields...)))
	return err
}

// A body is what a visit writes after a head: slice by slice, each within its time and as the rate permits.
type body struct{ v *visit }

func (b body) Write(data []byte) (n int, err error) {
	for n < len(data) && err == nil {
		part := data[n:min(n+b.v.sliceSize(), len(data))]
		if err = b.v.mayWrite(len(part)); err == nil {
			var wrote int
			wrote, err = b.v.conn.Write(part)
			n += wrote
		}
	}
	return n, err
}

// mayWrite waits until n bytes may be written, and gives them their time.
func (v *visit) mayWrite(n int) error {
	if err := v.throttle.wait(v.ctx, v.host, n); err != nil {
		return err
	}
	return v.conn.SetWriteDeadline(time.Now().Add(sliceTime))
}

func (v *visit) sliceSize() int {
	if v.throttle.limit != nil {
		return maxSlice
	}
	return slice
}
