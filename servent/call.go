package servent

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"gnucensus/servent/internal/interrupt"
	"gnucensus/servent/message"
	"gnucensus/servent/transfer"
)

// A Callee is a servent behind a firewall, as its hits tell of it.
type Callee struct {
	Servent message.GUID
	Index   uint32           // of the file that is wanted; 0: any
	Proxies []netip.AddrPort // that pass a PUSH on to it
}

// Errors of a call.
var (
	ErrWalled   = errors.New("this host is behind a firewall too")
	ErrNoAnswer = errors.New("nobody connected")
	errNoLink   = errors.New("no link leads to the servent")
)

// Waits of a call.
const (
	linkCall     = 10 * time.Second // for an answer to a PUSH that went over links
	datagramCall = 5 * time.Second  // by UDP, which may be lost
	proxyCall    = 40 * time.Second // after a push proxy has said that it passed the PUSH on
	pushTTL      = 7
	maxGIV       = 1 << 10 // bytes
)

// Call asks a servent behind a firewall to connect to the node, and returns its connection, on which it takes the requests of a
// downloader. The PUSH goes the way that hits of the servent came, if they did, and then to its push proxies, by UDP and after
// that by HTTP. The node must be running. The error is [ErrWalled], that of ctx, or those of all the ways, [ErrNoAnswer] among
// them.
func (n *Node) Call(ctx context.Context, to Callee) (net.Conn, error) {
	if n.walled() {
		return nil, fmt.Errorf("call %v: %w", to.Servent, ErrWalled)
	}
	answers := n.calls.begin(to.Servent)
	defer n.calls.end(to.Servent, answers)
	var errs []error
	for _, try := range n.callWays(to) {
		wait, err := try(ctx)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		late := time.NewTimer(wait)
		select {
		case c := <-answers:
			late.Stop()
			return c, nil
		case <-late.C:
			errs = append(errs, ErrNoAnswer)
		case <-ctx.Done():
			late.Stop()
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("call %v: %w", to.Servent, errors.Join(errs...))
}

// A callWay sends a PUSH, and returns how long an answer may take.
type callWay func(context.Context) (time.Duration, error)

func (n *Node) callWays(to Callee) []callWay {
	push := newPush(to.Servent, to.Index, n.addr())
	m := message.Message{GUID: message.NewGUID(), TTL: pushTTL, Body: push}
	ways := []callWay{func(context.Context) (time.Duration, error) {
		if !n.sendPush(nil, m, push) {
			return 0, errNoLink
		}
		return linkCall, nil
	}}
	if len(to.Proxies) > 0 && n.pinger.ready() {
		ways = append(ways, func(context.Context) (time.Duration, error) {
			for _, proxy := range to.Proxies {
				n.sendDatagram(proxy, m)
			}
			return datagramCall, nil
		})
	}
	for _, proxy := range to.Proxies {
		ways = append(ways, func(ctx context.Context) (time.Duration, error) {
			return proxyCall, n.askProxy(ctx, proxy, to)
		})
	}
	return ways
}

// askProxy asks a push proxy by HTTP to pass a PUSH on.
func (n *Node) askProxy(ctx context.Context, proxy netip.AddrPort, to Callee) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := n.cfg.Net.DialContext(ctx, "tcp", proxy.String())
	if err != nil {
		return fmt.Errorf("ask push proxy: %w", err)
	}
	defer conn.Close()
	err = transfer.AskPushProxy(ctx, conn, transfer.PushRequest{
		Servent: to.Servent, Index: to.Index, Downloader: n.addr(), Proxy: proxy, Agent: n.cfg.Agent,
	})
	if err != nil {
		return fmt.Errorf("ask push proxy %v: %w", proxy, err)
	}
	return nil
}

// Calls are those that wait for an answer.
type calls struct {
	mu   sync.Mutex
	open map[message.GUID][]chan net.Conn
}

func (s *calls) begin(servent message.GUID) chan net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = make(map[message.GUID][]chan net.Conn)
	}
	answers := make(chan net.Conn, 1)
	s.open[servent] = append(s.open[servent], answers)
	return answers
}

// end ends a call. A connection that has come too late for it is closed.
func (s *calls) end(servent message.GUID, answers chan net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[servent] = slices.DeleteFunc(s.open[servent], func(c chan net.Conn) bool { return c == answers })
	if len(s.open[servent]) == 0 {
		delete(s.open, servent)
	}
	select {
	case c := <-answers:
		c.Close()
	default:
	}
}

// answer hands a connection to a call that waits for it, and tells whether there is any.
func (s *calls) answer(servent message.GUID, c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, answers := range s.open[servent] {
		select {
		case answers <- c:
			return true
		default: // it has one
		}
	}
	return false
}

// takeGIV takes the connection of a servent that was called, and returns when the caller has closed it.
func (n *Node) takeGIV(ctx context.Context, c net.Conn) {
	servent, err := readGIV(ctx, c)
	if err != nil {
		n.log.Debug("no GIV", "remote", addrPort(c.RemoteAddr()), "err", err)
		return
	}
	l := &lent{Conn: c, back: make(chan struct{})}
	if !n.calls.answer(servent, l) {
		return
	}
	select {
	case <-l.back:
	case <-ctx.Done():
	}
}

// readGIV reads who has connected: GIV <index>:<32 hexadecimal digits>/<name>, then two line feeds, which some write as ends of
// lines. Nothing after them is taken.
func readGIV(ctx context.Context, c net.Conn) (servent message.GUID, err error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	defer interrupt.Until(ctx, c.SetReadDeadline)()
	line := make([]byte, 0, 64)
	for !strings.HasSuffix(string(line), "\n\n") && !strings.HasSuffix(string(line), "\n\r\n") {
		if len(line) == maxGIV {
			return servent, fmt.Errorf("read GIV: longer than %d bytes", maxGIV)
		}
		line = append(line, 0)
		if _, err := io.ReadFull(c, line[len(line)-1:]); err != nil { // byte by byte: what follows is not ours
			return servent, fmt.Errorf("read GIV: %w", interrupt.Err(ctx, err))
		}
	}
	_, rest, _ := strings.Cut(string(line), ":")
	digits, _, found := strings.Cut(rest, "/")
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != len(servent) || !found {
		return servent, fmt.Errorf("read GIV: %.80q has no GUID", line)
	}
	return message.GUID(b), nil
}

// A lent connection tells when whoever has it gives it back by closing it.
type lent struct {
	net.Conn
	back chan struct{}
	once sync.Once
}

func (l *lent) Close() error {
	l.once.Do(func() { close(l.back) })
	return l.Conn.Close()
}
